//! The fields of requests, as data: what each must hold, which mean nothing here, and which cannot be honoured.
//!
//! OpenAI's contract gives names and bounds. A field that changes an answer is honoured or refused; one that only keeps books, or makes a
//! service faster, is accepted and means nothing. Beyond OpenAI, WebLLM's `repetition_penalty`, `ignore_eos` and `extra_body`, and vLLM's
//! `top_k`, `min_p`, `priority`, `structured_outputs` and `chat_template_kwargs`, are understood. So is `thinking_budget`, as Qwen's service
//! has it. `check` reads these tables.

use serde_json::Value;

/// A field of an object.
pub(super) struct Field {
    pub name: &'static str,
    pub rule: Rule,
}

/// What becomes of a field.
pub(super) enum Rule {
    /// It must be there.
    Needs(Form),
    /// It may be there, or be null.
    Takes(Form),
    /// Whatever it holds means nothing here.
    Ignored,
    /// It asks for what this release cannot do, unless it is null or a value that asks for nothing.
    Refused {
        /// Whether a value asks for nothing.
        idle: fn(&Value) -> bool,
        /// What to do, for people.
        instead: &'static str,
    },
}

/// What a value must be.
pub(super) enum Form {
    Flag,
    Text,
    /// A number of a range, and the range for people.
    Number(f64, f64, &'static str),
    /// A whole number of a range, and the range for people.
    Whole(i64, i64, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object with any fields.
    Any,
    Object(&'static [Field]),
    /// An object from ids to numbers of a range.
    Ids(f64, f64),
    /// So many of a form, at least and at most, and the whole for people.
    List(&'static Form, usize, usize, &'static str),
    /// The first of a type, or the second of another.
    Either(&'static Form, &'static Form),
}

const fn needs(name: &'static str, form: Form) -> Field {
    Field { name, rule: Rule::Needs(form) }
}

const fn takes(name: &'static str, form: Form) -> Field {
    Field { name, rule: Rule::Takes(form) }
}

const fn ignored(name: &'static str) -> Field {
    Field { name, rule: Rule::Ignored }
}

const fn refused(name: &'static str, idle: fn(&Value) -> bool, instead: &'static str) -> Field {
    Field { name, rule: Rule::Refused { idle, instead } }
}

/// The most answers to a prompt, and the most prompts of a request.
pub(super) const MOST_ANSWERS: u32 = 16;

const TEXT: Form = Form::Text;
const PENALTY: Form = Form::Number(-2.0, 2.0, "a number from -2 to 2");
const PART_OF_ONE: Form = Form::Number(0.0, 1.0, "a number from 0 to 1");
const COUNT: Form = Form::Whole(1, i64::MAX, "a whole number of 1 or more");

fn never(_: &Value) -> bool {
    false
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || *value == ""
}

fn is_medium(value: &Value) -> bool {
    *value == "medium"
}

/// Fields of both kinds of requests.
pub(super) const SHARED: &[Field] = &[
    takes("model", TEXT),
    takes("stream", Form::Flag),
    takes(
        "stream_options",
        // Obfuscation pads chunks against those who watch a network.
        Form::Object(&[takes("include_usage", Form::Flag), ignored("include_obfuscation")]),
    ),
    takes("temperature", Form::Number(0.0, 2.0, "a number from 0 to 2")),
    takes("top_p", PART_OF_ONE),
    takes("top_k", Form::Whole(-1, i64::MAX, "a whole number of 1 or more, or 0 or -1 for no limit")),
    takes("min_p", PART_OF_ONE),
    takes("max_tokens", COUNT),
    takes("max_completion_tokens", COUNT),
    takes("seed", Form::Whole(i64::MIN, i64::MAX, "a whole number from -2^63 to 2^63 - 1")),
    takes("stop", Form::Either(&TEXT, &Form::List(&TEXT, 0, 4, "a list of at most 4 texts"))),
    takes("frequency_penalty", PENALTY),
    takes("presence_penalty", PENALTY),
    takes("repetition_penalty", Form::Number(f32::MIN_POSITIVE as f64, f32::MAX as f64, "a number greater than 0")),
    takes("logit_bias", Form::Ids(-100.0, 100.0)),
    takes("ignore_eos", Form::Flag),
    takes("priority", Form::Whole(i64::MIN, i64::MAX, "a whole number from -2^63 to 2^63 - 1")),
    takes("structured_outputs", Form::Object(OUTPUTS)),
    takes("n", Form::Whole(1, MOST_ANSWERS as i64, "a whole number from 1 to 16")),
    ignored("user"),
];

/// Fields of a chat completion request, beside [`SHARED`].
pub(super) const CHAT: &[Field] = &[
    needs("messages", Form::List(&Form::Object(MESSAGE), 1, usize::MAX, "a list of at least one message")),
    takes("tools", Form::List(&Form::Object(TOOL), 0, usize::MAX, "a list of tools")),
    takes("tool_choice", Form::Either(&Form::Word(&["auto", "none", "required"]), &Form::Object(CHOICE))),
    takes("chat_template_kwargs", Form::Any),
    takes("extra_body", Form::Object(EXTRA)),
    takes("response_format", Form::Object(FORMAT)),
    takes("logprobs", Form::Flag),
    takes("top_logprobs", Form::Whole(0, 20, "a whole number from 0 to 20")),
    refused("modalities", |value| value.as_array().is_some_and(|all| all.len() == 1 && all[0] == "text"), "only [\"text\"] is"),
    refused("audio", never, "the answer is a text"),
    refused("functions", is_empty, "describe them in `tools`"),
    refused("function_call", |value| *value == "auto" || *value == "none", "only \"auto\" and \"none\" are"),
    refused("web_search_options", never, "the model has no network"),
    refused("moderation", never, "nothing but the model runs here"),
    takes("reasoning_effort", Form::Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
    takes("thinking_budget", Form::Whole(0, u32::MAX as i64, "a whole number of 0 or more")),
    refused("verbosity", is_medium, "say it in a message"),
    ignored("metadata"),
    ignored("store"),
    ignored("service_tier"),
    ignored("safety_identifier"),
    ignored("prompt_cache_key"),
    ignored("prompt_cache_options"),
    ignored("prompt_cache_retention"),
    takes("parallel_tool_calls", Form::Flag),
    // What the answer may look like, for services that can use it to be faster.
    ignored("prediction"),
];

/// Fields of a completion request, beside [`SHARED`]. `completion` reads the prompt.
pub(super) const COMPLETION: &[Field] = &[
    ignored("prompt"),
    takes("echo", Form::Flag),
    takes("suffix", TEXT),
    takes("best_of", Form::Whole(1, MOST_ANSWERS as i64, "a whole number from 1 to 16")),
    takes("logprobs", Form::Whole(0, 5, "a whole number from 0 to 5")),
];

const SCHEMA: Form = Form::Either(&TEXT, &Form::Any);
const TEXTS: Form = Form::List(&TEXT, 1, usize::MAX, "a list of at least one text");

/// OpenAI's `response_format`, with WebLLM's `grammar`, `structural_tag` and `schema`, and `regex` and `choice`.
const FORMAT: &[Field] = &[
    needs("type", Form::Word(&["text", "json_object", "json_schema", "grammar", "regex", "choice", "structural_tag"])),
    takes(
        "json_schema",
        Form::Object(&[needs("name", TEXT), takes("description", TEXT), takes("schema", Form::Any), takes("strict", Form::Flag)]),
    ),
    takes("schema", SCHEMA),
    takes("grammar", TEXT),
    takes("regex", TEXT),
    takes("choice", TEXTS),
    takes("structural_tag", SCHEMA),
    // The members of a structural tag, where they stand beside the type. `grammar` reads them.
    ignored("format"),
    ignored("structures"),
    ignored("triggers"),
];

/// vLLM's `structured_outputs`.
const OUTPUTS: &[Field] = &[
    takes("json", SCHEMA),
    takes("json_object", Form::Flag),
    takes("regex", TEXT),
    takes("choice", TEXTS),
    takes("grammar", TEXT),
    takes("structural_tag", SCHEMA),
];

const NAMED: Form = Form::Object(&[needs("type", Form::Word(&["function"])), needs("function", Form::Object(&[needs("name", TEXT)]))]);

/// `tool_choice`, where it is more than a word.
const CHOICE: &[Field] = &[
    needs("type", Form::Word(&["function", "allowed_tools"])),
    takes("function", Form::Object(&[needs("name", TEXT)])),
    takes(
        "allowed_tools",
        Form::Object(&[
            needs("mode", Form::Word(&["auto", "required"])),
            needs("tools", Form::List(&NAMED, 1, usize::MAX, "a list of at least one tool")),
        ]),
    ),
    ignored("custom"),
];

/// WebLLM's own. The usage always has its latencies.
pub(super) const EXTRA: &[Field] = &[takes("enable_thinking", Form::Flag), ignored("enable_latency_breakdown")];

/// Those that OpenAI has, and those that chat templates of models ask for.
pub(super) const MESSAGE: &[Field] = &[
    needs("role", TEXT),
    takes("content", Form::Either(&TEXT, &Form::List(&Form::Object(PART), 0, usize::MAX, "a list of parts"))),
    takes("name", TEXT),
    takes("tool_calls", Form::List(&Form::Object(CALL), 0, usize::MAX, "a list of calls")),
    takes("tool_call_id", TEXT),
    takes("reasoning_content", TEXT),
    takes("reasoning", TEXT),
    takes("thinking", TEXT),
    takes("refusal", TEXT),
    refused("audio", never, "messages are texts"),
    refused("function_call", never, "put it into `tool_calls`"),
    // Answers have it.
    ignored("annotations"),
];

/// A part of a message. Those that are no text are refused by their type, with all that they hold.
pub(super) const PART: &[Field] = &[
    needs("type", TEXT),
    takes("text", TEXT),
    ignored("image_url"),
    ignored("input_audio"),
    ignored("file"),
    ignored("refusal"),
    ignored("prompt_cache_breakpoint"),
];

pub(super) const CALL: &[Field] = &[
    takes("id", TEXT),
    takes("type", Form::Word(&["function"])),
    // Streamed calls have it.
    ignored("index"),
    needs("function", Form::Object(&[needs("name", TEXT), takes("arguments", Form::Either(&TEXT, &Form::Any))])),
    ignored("custom"),
];

pub(super) const TOOL: &[Field] = &[
    needs("type", Form::Word(&["function"])),
    needs(
        "function",
        Form::Object(&[needs("name", TEXT), takes("description", TEXT), takes("parameters", Form::Any), takes("strict", Form::Flag)]),
    ),
    ignored("custom"),
];
