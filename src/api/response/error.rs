//! Error objects, and the HTTP status that goes with them.
//!
//! Those of HTTP itself are here too: `tegula serve` and a page's `engine.fetch` refuse alike.

use serde::Serialize;
use serde_json::Value;

use super::json;
use crate::error::Class;
use crate::{Error, ErrorKind, HostError};

/// What a failed request gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorResponse {
    /// What happened.
    pub error: ErrorObject,
    #[serde(skip)]
    status: u16,
}

/// OpenAI's error object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorObject {
    /// For people.
    pub message: String,
    /// `invalid_request_error` or `server_error`.
    pub r#type: &'static str,
    /// Path of the field that is at fault, if one is.
    pub param: Option<String>,
    /// OpenAI's name of the mistake, if it has one.
    pub code: Option<&'static str>,
}

impl ErrorResponse {
    /// The response for an error.
    #[must_use]
    pub fn of(error: &Error) -> ErrorResponse {
        let facts = error.facts();
        let unknown = matches!(error.kind(), ErrorKind::Host(HostError::UnknownModel { .. }));
        let r#type = match facts.class {
            Class::InvalidRequest | Class::ContextWindowSizeExceeded => "invalid_request_error",
            _ if unknown => "invalid_request_error",
            _ => "server_error",
        };
        let status = match error.kind() {
            _ if unknown => 404,
            // Later there may be room.
            ErrorKind::Busy { .. } => 429,
            _ if r#type == "invalid_request_error" => 400,
            _ => 500,
        };
        let param = match facts.fields.get("field") {
            Some(Value::String(field)) if field != "request" => Some(field.clone()),
            _ if unknown => Some("model".into()),
            _ => None,
        };
        let error = ErrorObject { message: error.to_string(), r#type, param, code: code(error.kind()) };
        ErrorResponse { error, status }
    }

    /// Nothing is at this address.
    #[must_use]
    pub fn unknown_address(method: &str, path: &str) -> ErrorResponse {
        let message = format!("there is no {method} {path}; the addresses are those of OpenAI's API under /v1, /health and /metrics");
        ErrorResponse::invalid(404, message, Some("unknown_url"))
    }

    /// This address takes another method.
    #[must_use]
    pub fn method(method: &str, path: &str) -> ErrorResponse {
        ErrorResponse::invalid(405, format!("{path} does not take {method}"), Some("method_not_supported"))
    }

    /// The body is no JSON by its own account.
    #[must_use]
    pub fn media() -> ErrorResponse {
        let message = "the body must be JSON, and say so: `Content-Type: application/json`";
        ErrorResponse::invalid(415, message.into(), None)
    }

    /// The body is no text.
    #[must_use]
    pub fn encoding() -> ErrorResponse {
        ErrorResponse::of(&ErrorKind::InvalidRequest { reason: "it is no UTF-8".into() }.into())
    }

    /// No model that is there can do it.
    #[must_use]
    pub fn unable(what: &str) -> ErrorResponse {
        let message = format!("no model of this server makes {what}");
        let error = ErrorObject { message, r#type: "server_error", param: None, code: Some("unsupported_operation") };
        ErrorResponse { error, status: 501 }
    }

    /// A mistake of the caller's that is none of a field.
    fn invalid(status: u16, message: String, code: Option<&'static str>) -> ErrorResponse {
        ErrorResponse { error: ErrorObject { message, r#type: "invalid_request_error", param: None, code }, status }
    }

    /// The status of an HTTP answer with this body.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The JSON to send.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}

/// OpenAI's code for a mistake. Kinds that it does not know have none.
fn code(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ContextWindowSizeExceeded { .. } => Some("context_length_exceeded"),
        ErrorKind::UnknownField { .. } => Some("unknown_parameter"),
        ErrorKind::UnsupportedField { .. } => Some("unsupported_value"),
        ErrorKind::FieldRange { .. } => Some("invalid_value"),
        ErrorKind::FieldType { value, .. } if value == "missing" => Some("missing_required_parameter"),
        ErrorKind::FieldType { .. } => Some("invalid_type"),
        ErrorKind::Busy { .. } => Some("rate_limit_exceeded"),
        ErrorKind::Host(HostError::UnknownModel { .. }) => Some("model_not_found"),
        _ => None,
    }
}
