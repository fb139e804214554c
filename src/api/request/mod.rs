//! Requests of OpenAI's chat completions and completions APIs.
//!
//! Every field is checked before anything runs, against the tables of `fields`: a field that nobody
//! knows, or that this release cannot honour, is refused by name. Null is as good as absent, as
//! OpenAI has it.

mod answer;
mod chat;
mod check;
mod completion;
mod fields;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::engine::request::{Calling, Prompt, Request};
use crate::grammar::Grammar;
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
    /// The conversation, or the texts or ids to continue.
    pub prompts: Vec<Prompt>,
    /// Which model, for those who serve several.
    pub model: Option<String>,
    /// The prompts, where answers begin with them.
    pub echoes: Vec<String>,
    /// How many answers each prompt gets.
    pub n: u32,
    /// How many are made of which these are the best, `n` at least.
    pub best_of: u32,
    /// Log probabilities of the answers' tokens, and of so many of the likeliest in each place.
    pub logprobs: Option<u32>,
    /// Whether an answer may call several tools.
    pub parallel_tool_calls: bool,
    /// See [`Request::grammar`].
    pub grammar: Option<Arc<Grammar>>,
    /// See [`Request::calling`].
    pub calling: Option<Arc<Calling>>,
    /// See [`Request::thinking_budget`].
    pub thinking_budget: Option<u32>,
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
    /// See [`Request::priority`].
    pub priority: i64,
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
        let effort = members.get("reasoning_effort").and_then(Value::as_str).map(str::to_owned);
        let mut variables = match members.remove("chat_template_kwargs") {
            Some(Value::Object(variables)) => variables,
            _ => Map::new(),
        };
        if let Some(thinking) = members.get("extra_body").and_then(|extra| extra["enable_thinking"].as_bool()) {
            variables.insert("enable_thinking".into(), thinking.into());
        }
        let top = members.get("top_logprobs").and_then(check::whole);
        let logprobs = match (members.get("logprobs") == Some(&Value::Bool(true)), top) {
            (true, top) => Some(top.map_or(0, |top| top as u32)),
            (false, None | Some(0)) => None,
            (false, Some(top)) => {
                let allowed = "0 where `logprobs` is not true".into();
                return Err(ErrorKind::FieldRange { field: "top_logprobs".into(), value: top.to_string(), allowed }.into());
            }
        };
        let request = ApiRequest::read(&members, Api::Chat, vec![Prompt::Chat(Dialogue { messages, tools, variables, effort })])?;
        let calling = answer::calling(&members, request.tools(), request.grammar.is_some())?.map(Arc::new);
        Ok(ApiRequest { logprobs, calling, ..request })
    }

    /// Reads the body of a completion request.
    ///
    /// # Errors
    /// Those of [`ApiRequest::chat`].
    pub fn completion(json: &str) -> Result<ApiRequest> {
        let mut members = object(json)?;
        check::check(&members, fields::COMPLETION)?;
        let prompts = completion::prompts(members.remove("prompt"))?;
        let prompts = completion::suffix(members.get("suffix"), prompts)?;
        let echoes = completion::echoes(members.get("echo"), &prompts)?;
        let request = ApiRequest::read(&members, Api::Completion, prompts)?;
        let best_of = completion::candidates(members.get("best_of"), request.n, request.stream)?;
        let logprobs = members.get("logprobs").and_then(check::whole).map(|top| top as u32);
        Ok(ApiRequest { echoes, best_of, logprobs, ..request })
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
    fn read(members: &Map<String, Value>, api: Api, prompts: Vec<Prompt>) -> Result<ApiRequest> {
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
        let n = whole("n").map_or(1, |n| n as u32);
        Ok(ApiRequest {
            api,
            prompts,
            echoes: Vec::new(),
            n,
            best_of: n,
            logprobs: None,
            grammar: answer::grammar(members)?,
            calling: None,
            thinking_budget: whole("thinking_budget").and_then(|most| u32::try_from(most).ok()),
            parallel_tool_calls: get("parallel_tool_calls").is_none_or(|parallel| *parallel == true),
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
            priority: whole("priority").unwrap_or_default(),
        })
    }

    /// Whether answers must be of a form, for which a page needs the grammar module.
    #[must_use]
    pub fn needs_grammar(&self) -> bool {
        self.grammar.is_some() || self.calling.is_some()
    }

    /// Whether the conversation has tools that the model may call.
    #[must_use]
    pub fn tools(&self) -> Option<&Value> {
        match self.prompts.first() {
            Some(Prompt::Chat(dialogue)) => dialogue.tools.as_ref(),
            _ => None,
        }
    }

    /// The requests for the engine: `best_of` for each prompt, one prompt after the other. What this one leaves open is as the package's
    /// config says. The answers to a prompt draw with the seed and those after it. Without a seed, each request draws differently.
    #[must_use]
    pub fn requests(&self, config: &ChatConfig) -> Vec<Request> {
        let sampling = self.sampling(config);
        // Which answer is best is known by its log probabilities.
        let logprobs = self.logprobs.or((self.best_of > self.n).then_some(0));
        let request = |prompt: &Prompt, answer: u32| Request {
            prompt: prompt.clone(),
            sampling: Sampling { seed: sampling.seed.wrapping_add(answer.into()), ..sampling.clone() },
            max_tokens: self.max_tokens,
            stop: self.stop.clone(),
            ignore_eos: self.ignore_eos,
            marks: true,
            grammar: self.grammar.clone(),
            calling: self.calling.clone(),
            thinking_budget: self.thinking_budget,
            logprobs,
            priority: self.priority,
        };
        self.prompts.iter().flat_map(|prompt| (0..self.best_of).map(move |answer| request(prompt, answer))).collect()
    }

    fn sampling(&self, config: &ChatConfig) -> Sampling {
        let default = Sampling::of(config);
        Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.unwrap_or(default.top_p),
            top_k: self.top_k.unwrap_or(default.top_k),
            min_p: self.min_p.unwrap_or(default.min_p),
            seed: self.seed.map_or_else(any_seed, |seed| seed as u64),
            presence_penalty: self.presence_penalty.unwrap_or(default.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(default.frequency_penalty),
            repetition_penalty: self.repetition_penalty.unwrap_or(default.repetition_penalty),
            logit_bias: self.logit_bias.clone(),
        }
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
mod completion_tests;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod tests;
