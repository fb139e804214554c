//! Messages of a conversation, as requests give them and chat templates see them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What was said, if the message has such a member.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// All else, for the template: `name`, `tool_calls`, `tool_call_id`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Nothing, in so many words: `null`. Templates tell it from a missing content.
    Null,
    /// All of it.
    Text(String),
    /// In parts.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Part {
    /// `text`; others are refused.
    pub r#type: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Reads a content that is there. Otherwise `null` would be as good as absent.
fn present<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Option<Content>, D::Error> {
    Content::deserialize(given).map(Some)
}

impl Message {
    /// A message that says a text.
    #[must_use]
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Message {
        Message { role: role.into(), content: Some(Content::Text(text.into())), other: Map::new() }
    }

    /// What it says; parts are lines.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.content {
            None | Some(Content::Null) => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).collect::<Vec<_>>().join("\n"),
        }
    }
}
