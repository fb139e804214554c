//! Requests of the chat completions API. Answers are in [`crate::reply`].
//!
//! Unknown fields are ignored, as OpenAI adds some every month. Known ones are checked before anything runs; those that this release cannot
//! honour are refused rather than ignored. Beyond OpenAI, WebLLM's `repetition_penalty`, `ignore_eos` and `extra_body.enable_thinking`, and
//! vLLM's `top_k`, `min_p` and `chat_template_kwargs`, are understood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::Dialogue;
use crate::config::ChatConfig;
use crate::request::{Prompt, Request};
use crate::sampler::{Sampling, limit};
use crate::{ErrorKind, Result, clock};

/// The body of a chat completion request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChatRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Which model, for those who serve several.
    pub model: Option<String>,
    /// Whether to answer in chunks.
    pub stream: Option<bool>,
    /// How to.
    pub stream_options: Option<StreamOptions>,
    /// See [`Sampling::temperature`]; up to 2, as OpenAI has it.
    pub temperature: Option<f32>,
    /// See [`Sampling::top_p`].
    pub top_p: Option<f32>,
    /// See [`Sampling::top_k`]; 0 and -1 set no limit.
    pub top_k: Option<i64>,
    /// See [`Sampling::min_p`].
    pub min_p: Option<f32>,
    /// The most tokens of the answer; the newer name of `max_tokens`, and stronger.
    pub max_completion_tokens: Option<i64>,
    /// The most tokens of the answer.
    pub max_tokens: Option<i64>,
    /// Makes the draws repeat.
    pub seed: Option<i64>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Option<Stop>,
    /// Answers to give: one.
    pub n: Option<i64>,
    /// See [`Sampling::frequency_penalty`].
    pub frequency_penalty: Option<f32>,
    /// See [`Sampling::presence_penalty`].
    pub presence_penalty: Option<f32>,
    /// See [`Sampling::repetition_penalty`].
    pub repetition_penalty: Option<f32>,
    /// See [`Sampling::logit_bias`]; ids are texts in JSON.
    pub logit_bias: Option<BTreeMap<String, f32>>,
    /// Whether to answer on after the end of the answer.
    pub ignore_eos: Option<bool>,
    /// Tools for the template.
    pub tools: Option<Value>,
    /// Variables for the template.
    pub chat_template_kwargs: Option<Map<String, Value>>,
    /// WebLLM's own fields.
    pub extra_body: Option<ExtraBody>,
    /// Not supported but as `{"type": "text"}`.
    pub response_format: Option<Value>,
    /// Not supported.
    pub logprobs: Option<bool>,
}

/// `extra_body`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExtraBody {
    /// Whether a model that can think does.
    pub enable_thinking: Option<bool>,
}

/// `stream_options`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Whether a last chunk without choices has the usage.
    pub include_usage: Option<bool>,
}

/// `stop`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    /// One text.
    One(String),
    /// Up to four.
    Several(Vec<String>),
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What was said, if anything.
    pub content: Option<Content>,
    /// All else, for the template: `name`, `tool_calls`, `tool_call_id`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Content {
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
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).collect::<Vec<_>>().join("\n"),
        }
    }
}

impl ChatRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`].
    pub fn parse(json: &str) -> Result<ChatRequest> {
        serde_json::from_str(json).map_err(|error| ErrorKind::InvalidRequest { reason: error.to_string() }.into())
    }

    /// Whether to answer in chunks.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether a stream ends with a chunk that has the usage.
    #[must_use]
    pub fn includes_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Checks the request, and makes one for the engine of it. What the request leaves open is as the package's config says; without a seed,
    /// each request draws differently.
    ///
    /// # Errors
    /// The kinds that name a field or message: [`ErrorKind::FieldRange`], [`ErrorKind::UnsupportedField`], [`ErrorKind::MessageOrder`], ….
    pub fn request(self, config: &ChatConfig) -> Result<Request> {
        self.check_messages()?;
        self.check_unsupported()?;
        if self.stream_options.is_some() && !self.streams() {
            return Err(ErrorKind::StreamOptions.into());
        }
        let default = Sampling::of(config);
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.unwrap_or(default.top_p),
            top_k: self.top_k.map_or(default.top_k, limit),
            min_p: self.min_p.unwrap_or(default.min_p),
            seed: self.seed.map_or_else(any_seed, |seed| seed as u64),
            presence_penalty: self.presence_penalty.unwrap_or(default.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(default.frequency_penalty),
            repetition_penalty: self.repetition_penalty.unwrap_or(default.repetition_penalty),
            logit_bias: self.logit_bias.unwrap_or_default().into_iter().map(bias).collect::<Result<_>>()?,
        };
        if let Some(temperature) = self.temperature.filter(|temperature| *temperature > 2.0) {
            return Err(range("temperature", temperature, "a number from 0 to 2"));
        }
        if let Some(top_k) = self.top_k.filter(|&top_k| top_k < -1) {
            return Err(range("top_k", top_k, "a whole number of 1 or more, or 0 or -1 for no limit"));
        }
        sampling.check()?;
        let max_tokens =
            self.max_completion_tokens.map(|most| ("max_completion_tokens", most)).or(self.max_tokens.map(|most| ("max_tokens", most)));
        let max_tokens = match max_tokens {
            Some((field, most)) if most < 1 => return Err(range(field, most, "a whole number of 1 or more")),
            other => other.map(|(_, most)| u32::try_from(most).unwrap_or(u32::MAX)),
        };
        let stop = match self.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text],
            Some(Stop::Several(texts)) if texts.len() > 4 => {
                return Err(range("stop", format!("{} texts", texts.len()), "at most 4 texts"));
            }
            Some(Stop::Several(texts)) => texts,
        };
        let mut variables = self.chat_template_kwargs.unwrap_or_default();
        if let Some(thinking) = self.extra_body.and_then(|extra| extra.enable_thinking) {
            variables.insert("enable_thinking".into(), thinking.into());
        }
        let tools = self.tools.filter(|tools| tools.as_array().is_none_or(|tools| !tools.is_empty()));
        let prompt = Prompt::Chat(Dialogue { messages: self.messages, tools, variables });
        Ok(Request { prompt, sampling, max_tokens, stop, ignore_eos: self.ignore_eos.unwrap_or(false) })
    }

    fn check_messages(&self) -> Result<()> {
        for (index, message) in self.messages.iter().enumerate() {
            if !matches!(message.role.as_str(), "system" | "developer" | "user" | "assistant" | "tool") {
                return Err(ErrorKind::UnsupportedRole { index, role: message.role.clone() }.into());
            }
            if let Some(Content::Parts(parts)) = &message.content
                && let Some(part) = parts.iter().find(|part| part.r#type != "text")
            {
                return Err(ErrorKind::UnsupportedContentPart { index, part: part.r#type.clone() }.into());
            }
        }
        match self.messages.last() {
            None => Err(range("messages", "empty", "at least one message")),
            Some(last) if matches!(last.role.as_str(), "user" | "tool") => Ok(()),
            Some(last) => {
                let rule = "the last message must be from user or tool";
                Err(ErrorKind::MessageOrder { index: self.messages.len() - 1, role: last.role.clone(), rule }.into())
            }
        }
    }

    fn check_unsupported(&self) -> Result<()> {
        let unsupported = |field, value: String, allowed| Err(ErrorKind::UnsupportedField { field, value, allowed }.into());
        if let Some(n) = self.n.filter(|&n| n != 1) {
            return unsupported("n", n.to_string(), "ask once for each answer");
        }
        if self.logprobs == Some(true) {
            return unsupported("logprobs", "true".into(), "leave it out");
        }
        match self.response_format.as_ref().map(|format| &format["type"]) {
            Some(kind) if kind != "text" => unsupported("response_format", kind.to_string(), "only {\"type\": \"text\"} is"),
            _ => Ok(()),
        }
    }
}

fn range(field: &'static str, value: impl ToString, allowed: &'static str) -> crate::Error {
    ErrorKind::FieldRange { field, value: value.to_string(), allowed }.into()
}

fn bias((id, bias): (String, f32)) -> Result<(u32, f32)> {
    match id.parse() {
        Ok(id) => Ok((id, bias)),
        Err(_) => Err(range("logit_bias", format!("for `{id}`"), "an object whose keys are token ids")),
    }
}

/// A seed from the clocks. Draws need no secrecy, only to differ.
fn any_seed() -> u64 {
    clock::unix_seconds().to_bits() ^ clock::seconds().to_bits().rotate_left(32)
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
