//! Error objects, and the HTTP status that goes with them.

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
