//! Messages of a chat request.

use serde_json::Value;

use super::check;
use crate::text::message::{Content, Message, Part};
use crate::{ErrorKind, Result};

/// Messages whose fields are checked. What is left is whether they make a conversation.
pub(super) fn messages(given: Value) -> Result<Vec<Message>> {
    let Value::Array(given) = given else { return Ok(Vec::new()) };
    let messages = given.into_iter().enumerate().map(|(index, message)| one_message(index, message)).collect::<Result<Vec<_>>>()?;
    match messages.last() {
        Some(last) if !matches!(last.role.as_str(), "user" | "tool") => {
            let rule = "the last message must be from user or tool";
            Err(ErrorKind::MessageOrder { index: messages.len() - 1, role: last.role.clone(), rule }.into())
        }
        _ => Ok(messages),
    }
}

fn one_message(index: usize, given: Value) -> Result<Message> {
    let Value::Object(mut other) = given else { return Ok(Message::default()) };
    let role = match other.shift_remove("role") {
        Some(Value::String(role)) => role,
        _ => String::new(),
    };
    if !matches!(role.as_str(), "system" | "developer" | "user" | "assistant" | "tool") {
        return Err(ErrorKind::UnsupportedRole { index, role }.into());
    }
    let content = match other.shift_remove("content") {
        Some(Value::String(text)) => Some(Content::Text(text)),
        Some(Value::Array(parts)) => {
            let part = |(place, given): (usize, Value)| {
                let text = |name| given[name].as_str().map(str::to_owned);
                let part = Part { r#type: text("type").unwrap_or_default(), text: text("text") };
                match &part {
                    Part { r#type, .. } if r#type != "text" => Err(ErrorKind::UnsupportedContentPart { index, part: part.r#type }.into()),
                    Part { text: None, .. } => Err(check::missing(format!("messages[{index}].content[{place}].text"), "a text")),
                    _ => Ok(part),
                }
            };
            Some(Content::Parts(parts.into_iter().enumerate().map(part).collect::<Result<_>>()?))
        }
        // A message of the assistant may only call tools.
        Some(Value::Null) if role == "assistant" => Some(Content::Null),
        _ if role == "assistant" => None,
        nothing => {
            let (field, allowed) = (format!("messages[{index}].content"), "a text or a list of parts");
            return Err(match nothing {
                None => check::missing(field, allowed),
                Some(null) => check::wrong(&field, &null, allowed.into()),
            });
        }
    };
    Ok(Message { role, content, other })
}
