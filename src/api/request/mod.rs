//! Requests of OpenAI's chat completions and completions APIs.
//!
//! Every field is checked before anything runs, against the tables of `fields`: a field that nobody
//! knows, or that this release cannot honour, is refused by name. Null is as good as absent, as
//! OpenAI has it.

mod chat;
mod check;
mod completion;
mod fields;

use serde_json::{Map, Value};

use crate::engine::request::{Prompt, Request};
use crate::sampler::{Sampling, limit};
use crate::text::chat::Dialogue;
use crate::{ErrorKind, Result, clock};
use tegula_package::mlc::ChatConfig;

/// Which API a request is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `chat/completions`: messages get an answer.
    Chat,
    /// `completions`: a prompt is continued.
    Completion,
}

/// A request of either API, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiRequest {
    /// Which API.
    pub api: Api,
    /// The conversation, or the text or ids to continue.
    pub prompt: Prompt,
    /// Which model, for those who serve several.
    pub model: Option<String>,
    /// The prompt, where the answer begins with it.
    pub echo: Option<String>,
    /// Whether to answer in chunks.
    pub stream: bool,
    /// Whether a stream ends with a chunk that has the usage.
    pub include_usage: bool,
    /// See [`Sampling::temperature`]; up to 2, as OpenAI has it.
    pub temperature: Option<f32>,
    /// See [`Sampling::top_p`].
    pub top_p: Option<f32>,
    /// See [`Sampling::top_k`].
    pub top_k: Option<u32>,
    /// See [`Sampling::min_p`].
    pub min_p: Option<f32>,
    /// The most tokens of the answer. `max_completion_tokens`, the newer name, is stronger.
    pub max_tokens: Option<u32>,
    /// Makes the draws repeat.
    pub seed: Option<i64>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// See [`Sampling::frequency_penalty`].
    pub frequency_penalty: Option<f32>,
    /// See [`Sampling::presence_penalty`].
    pub presence_penalty: Option<f32>,
    /// See [`Sampling::repetition_penalty`].
    pub repetition_penalty: Option<f32>,
    /// See [`Sampling::logit_bias`].
    pub logit_bias: Vec<(u32, f32)>,
    /// Whether to answer on after the end of the answer.
    pub ignore_eos: bool,
}

impl ApiRequest {
    /// Reads the body of a chat completion request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where it is no JSON object, and the kinds that name a field or message: [`ErrorKind::UnknownField`],
    /// [`ErrorKind::FieldType`], [`ErrorKind::FieldRange`], [`ErrorKind::UnsupportedField`], [`ErrorKind::MessageOrder`], ….
    pub fn chat(json: &str) -> Result<ApiRequest> {
        let mut members = object(json)?;
        check::check(&members, fields::CHAT)?;
        let messages = members.remove("messages").map(chat::messages).transpose()?.unwrap_or_default();
        let tools = members.remove("tools").filter(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty()));
        // A model that does not see the tools calls none.
        let tools = tools.filter(|_| members.get("tool_choice").is_none_or(|choice| choice != "none"));
        let mut variables = match members.remove("chat_template_kwargs") {
            Some(Value::Object(variables)) => variables,
            _ => Map::new(),
        };
        if let Some(thinking) = members.get("extra_body").and_then(|extra| extra["enable_thinking"].as_bool()) {
            variables.insert("enable_thinking".into(), thinking.into());
        }
        ApiRequest::read(&members, Api::Chat, Prompt::Chat(Dialogue { messages, tools, variables }))
    }

    /// Reads the body of a completion request.
    ///
    /// # Errors
    /// Those of [`ApiRequest::chat`].
    pub fn completion(json: &str) -> Result<ApiRequest> {
        let mut members = object(json)?;
        check::check(&members, fields::COMPLETION)?;
        let prompt = completion::prompt(members.remove("prompt"))?;
        let echo = completion::echo(members.get("echo"), &prompt)?;
        Ok(ApiRequest { echo, ..ApiRequest::read(&members, Api::Completion, prompt)? })
    }

    /// Reads the body of a request of this API.
    ///
    /// # Errors
    /// Those of [`ApiRequest::chat`].
    pub fn parse(api: Api, json: &str) -> Result<ApiRequest> {
        match api {
            Api::Chat => ApiRequest::chat(json),
            Api::Completion => ApiRequest::completion(json),
        }
    }

    /// Reads the fields of both APIs, which are checked.
    fn read(members: &Map<String, Value>, api: Api, prompt: Prompt) -> Result<ApiRequest> {
        let get = |name: &str| members.get(name).filter(|value| !value.is_null());
        let flag = |name| get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let number = |name| get(name).and_then(Value::as_f64).map(|number| number as f32);
        let whole = |name| get(name).and_then(check::whole);
        let stream = flag("stream");
        let options = get("stream_options");
        if options.is_some() && !stream {
            return Err(ErrorKind::StreamOptions.into());
        }
        let bias = |(id, bias): (&String, &Value)| Some((id.parse().ok()?, bias.as_f64()? as f32));
        Ok(ApiRequest {
            api,
            prompt,
            echo: None,
            model: get("model").and_then(text),
            stream,
            include_usage: options.is_some_and(|options| options["include_usage"] == true),
            temperature: number("temperature"),
            top_p: number("top_p"),
            top_k: whole("top_k").map(limit),
            min_p: number("min_p"),
            max_tokens: whole("max_completion_tokens").or_else(|| whole("max_tokens")).map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            seed: whole("seed"),
            stop: match get("stop") {
                Some(Value::Array(texts)) => texts.iter().filter_map(text).collect(),
                one => one.and_then(text).into_iter().collect(),
            },
            frequency_penalty: number("frequency_penalty"),
            presence_penalty: number("presence_penalty"),
            repetition_penalty: number("repetition_penalty"),
            logit_bias: get("logit_bias").and_then(Value::as_object).into_iter().flatten().filter_map(bias).collect(),
            ignore_eos: flag("ignore_eos"),
        })
    }

    /// The request for the engine. What this one leaves open is as the package's config says; without a seed, each request draws differently.
    #[must_use]
    pub fn request(self, config: &ChatConfig) -> Request {
        let default = Sampling::of(config);
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.unwrap_or(default.top_p),
            top_k: self.top_k.unwrap_or(default.top_k),
            min_p: self.min_p.unwrap_or(default.min_p),
            seed: self.seed.map_or_else(any_seed, |seed| seed as u64),
            presence_penalty: self.presence_penalty.unwrap_or(default.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(default.frequency_penalty),
            repetition_penalty: self.repetition_penalty.unwrap_or(default.repetition_penalty),
            logit_bias: self.logit_bias,
        };
        let ApiRequest { prompt, max_tokens, stop, ignore_eos, .. } = self;
        Request { prompt, sampling, max_tokens, stop, ignore_eos }
    }
}

fn object(json: &str) -> Result<Map<String, Value>> {
    let invalid = |reason| ErrorKind::InvalidRequest { reason };
    match serde_json::from_slice(json.as_bytes()).map_err(|error| invalid(format!("it is no JSON: {error}")))? {
        Value::Object(members) => Ok(members),
        other => Err(check::wrong("request", &other, "an object".into())),
    }
}

/// A seed from the clocks. Draws need no secrecy, only to differ.
fn any_seed() -> u64 {
    clock::unix_seconds().to_bits() ^ clock::seconds().to_bits().rotate_left(32)
}

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod tests;
