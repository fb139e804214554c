//! Answers to what cannot be done: OpenAI's error object, with the status that its clients expect.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tegula::api::response::{ErrorObject, ErrorResponse};

/// A refused request.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: String,
}

impl Refusal {
    /// A refusal of the caller's making.
    fn invalid(status: StatusCode, message: &str, code: Option<&'static str>) -> Refusal {
        Refusal::new(status, "invalid_request_error", message, code)
    }

    fn new(status: StatusCode, r#type: &'static str, message: &str, code: Option<&'static str>) -> Refusal {
        let error = ErrorObject { message: message.into(), r#type, param: None, code };
        Refusal { status, body: json!({"error": error}).to_string() }
    }

    /// Nothing is at this address.
    pub fn unknown_address(method: &str, path: &str) -> Refusal {
        Refusal::from(&ErrorResponse::unknown_address(method, path))
    }

    /// Another method is meant.
    pub fn method(method: &str, path: &str) -> Refusal {
        Refusal::from(&ErrorResponse::method(method, path))
    }

    /// No key, or a wrong one.
    pub fn key(given: bool) -> Refusal {
        let message = if given {
            "the API key is not one of this server's; it is the bearer token of the header Authorization"
        } else {
            "this server asks for an API key; send it as `Authorization: Bearer KEY`"
        };
        Refusal::invalid(StatusCode::UNAUTHORIZED, message, Some("invalid_api_key"))
    }

    /// A name of the host that only a page which means another machine would use.
    pub fn host(name: &str) -> Refusal {
        let message = format!("the header Host is `{name}`, but this server answers as localhost only; give it a key to answer as others");
        Refusal::invalid(StatusCode::FORBIDDEN, &message, None)
    }

    /// The body is no JSON by its own account.
    pub fn media() -> Refusal {
        Refusal::from(&ErrorResponse::media())
    }

    /// The body is no text.
    pub fn encoding() -> Refusal {
        Refusal::from(&ErrorResponse::encoding())
    }

    /// The body did not arrive whole, or is too large.
    pub fn body(status: StatusCode, reason: &str, most: usize) -> Refusal {
        let message = match status {
            StatusCode::PAYLOAD_TOO_LARGE => format!("the body is larger than {most} bytes, which is this server's limit (--max-body)"),
            _ => format!("the body cannot be read: {reason}"),
        };
        Refusal::invalid(status, &message, None)
    }

    /// As many requests are under way as may be.
    pub fn busy(most: usize) -> Refusal {
        let message = format!("{most} requests are under way, which is this server's limit (--max-requests); try again later");
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "server_error", &message, Some("rate_limit_exceeded"))
    }

    /// No model of this server can do it.
    pub fn unable(what: &str) -> Refusal {
        Refusal::from(&ErrorResponse::unable(what))
    }

    /// The server ended before the answer did.
    pub fn ended() -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "the server ends; nothing more is answered", None)
    }

    /// A fault of this program.
    pub fn fault() -> Refusal {
        let message = "the server made a mistake with this request; its log says more";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message, None)
    }
}

impl From<&ErrorResponse> for Refusal {
    fn from(error: &ErrorResponse) -> Refusal {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Refusal { status, body: error.json() }
    }
}

impl From<tegula::Error> for Refusal {
    fn from(error: tegula::Error) -> Refusal {
        Refusal::from(&ErrorResponse::of(&error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // OpenAI's clients wait so long before they try again.
            StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
