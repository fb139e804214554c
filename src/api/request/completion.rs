//! The prompt of a completion request, and its echo.

use serde_json::Value;

use super::check;
use crate::engine::request::Prompt;
use crate::{ErrorKind, Result};

/// A text or token ids. OpenAI takes lists of prompts too; one prompt in a list is that prompt.
pub(super) fn prompt(given: Option<Value>) -> Result<Prompt> {
    const ALLOWED: &str = "a text or a list of token ids";
    match given {
        Some(Value::String(text)) => Ok(Prompt::Text(text)),
        Some(Value::Array(mut items)) if items.iter().any(|item| item.is_string() || item.is_array()) => {
            if items.len() > 1 {
                let value = format!("a list of {} prompts", items.len());
                let allowed = "one prompt: ask once for each".into();
                return Err(ErrorKind::UnsupportedField { field: "prompt".into(), value, allowed }.into());
            }
            prompt(items.pop())
        }
        Some(Value::Array(items)) if !items.is_empty() => {
            let id = |(place, item): (usize, &Value)| {
                let id = check::whole(item).and_then(|id| u32::try_from(id).ok());
                id.ok_or_else(|| check::wrong(&format!("prompt[{place}]"), item, "a token id".into()))
            };
            Ok(Prompt::Ids(items.iter().enumerate().map(id).collect::<Result<_>>()?))
        }
        None => Err(check::missing("prompt".into(), ALLOWED)),
        Some(Value::Array(_)) => {
            let allowed = "a text or a list of at least one token id".into();
            Err(ErrorKind::FieldRange { field: "prompt".into(), value: "[]".into(), allowed }.into())
        }
        Some(other) => Err(check::wrong("prompt", &other, ALLOWED.into())),
    }
}

/// The text to begin the answer with, if the prompt is to be repeated.
pub(super) fn echo(given: Option<&Value>, prompt: &Prompt) -> Result<Option<String>> {
    match (given, prompt) {
        (Some(Value::Bool(true)), Prompt::Text(text)) => Ok(Some(text.clone())),
        (Some(echo @ Value::Bool(true)), _) => Err(check::wrong("echo", echo, "false where the prompt is a list of token ids".into())),
        _ => Ok(None),
    }
}
