//! The formats that models were trained on, and the texts in a chat template that tell them.
//!
//! A marker that a template shows is enough. Where two families share one, the order of the tables and a second text tell them apart.

use super::shape::{Calls, Dialect, Head, Members, Part, Plain, Reasoning, Shape, Tags};

/// Calls as JSON objects, or as Python writes them, between markers.
const fn plain(open: &'static [&'static str], close: &'static [&'static str], plain: Plain) -> Calls {
    items(open, &[], &[], close, Shape::Plain(plain))
}

/// The members that most families have.
const USUAL: Members = Members { first: None, name: "name", arguments: "arguments", last: None };
/// The id of a call, as Mistral and Apriel write it.
const ID: (&str, &str) = ("id", r#""[A-Za-z0-9_-]{1,32}""#);
const LLAMA_MEMBERS: Members = Members { first: Some(("type", r#""function""#)), arguments: "parameters", ..USUAL };
const COMMAND_MEMBERS: Members = Members { name: "tool_name", arguments: "parameters", ..USUAL };

/// Calls that may have markers of their own, in a section or not.
const fn items(
    open: &'static [&'static str],
    item: &'static [&'static str],
    item_end: &'static [&'static str],
    close: &'static [&'static str],
    shape: Shape,
) -> Calls {
    Calls { open, bare: false, item, item_end, close, single: false, shape }
}

const fn head(end: &'static str, split: &'static str, parts: &'static [Part]) -> Shape {
    Shape::Headed(Head { asides: &[], end, split, parts })
}

/// `<function=name><parameter=key>value</parameter></function>`.
const fn functions(padded: bool) -> Shape {
    let (key, key_end, value_end) = ("<parameter=", ">", "</parameter>");
    Shape::Tagged(Tags { name_end: ">", key, key_end, says: false, value: "", value_end, end: "</function>", padded })
}

/// Gemma's `name{key:value}`.
const fn gemma(quote: &'static str) -> Shape {
    Shape::Written(Dialect { open: '{', close: '}', assign: ':', quote, bare_keys: true })
}

pub(super) static HERMES: Calls = plain(&["<tool_call>"], &["</tool_call>"], Plain::Objects(USUAL));
/// Llama 3 writes JSON, Llama 3.2 and 4 also Python.
pub(super) static LLAMA: Calls =
    Calls { bare: true, ..plain(&["<|python_tag|>", "<|python_start|>"], &["<|python_end|>"], Plain::Either(LLAMA_MEMBERS)) };
pub(super) static LFM: Calls = plain(&["<|tool_call_start|>"], &["<|tool_call_end|>"], Plain::Python);
/// Their ids have nine characters.
pub(super) static MISTRAL_LIST: Calls =
    plain(&["[TOOL_CALLS]"], &[], Plain::List(Members { last: Some(("id", r#""[A-Za-z0-9]{9}""#)), ..USUAL }));
/// Granite 3 and Phi 4 mini. Granite 3.1 writes the marker as text.
pub(super) static GRANITE: Calls = plain(&["<|tool_call|>", "<tool_call>"], &["<|/tool_call|>", "</tool_call>"], Plain::List(USUAL));
/// Firefunction, and Phi 4 mini by another prompt.
pub(super) static FUNCTOOLS: Calls = plain(&["functools", "<|tool_call|>"], &["<|/tool_call|>"], Plain::List(USUAL));
pub(super) static NEMOTRON: Calls = plain(&["<TOOLCALL>"], &["</TOOLCALL>"], Plain::List(USUAL));
pub(super) static APRIEL: Calls = plain(&["<tool_calls>"], &["</tool_calls>"], Plain::List(Members { last: Some(ID), ..USUAL }));
pub(super) static COMMAND_R7B: Calls = plain(
    &["<|START_ACTION|>"],
    &["<|END_ACTION|>"],
    Plain::List(Members { first: Some(("tool_call_id", r#""[0-9]{1,4}""#)), ..COMMAND_MEMBERS }),
);
pub(super) static COMMAND_R: Calls =
    plain(&["Action:\n```json\n", "Action: ```json\n", "Action:```json\n"], &["```"], Plain::List(COMMAND_MEMBERS));
/// The answer's own message ends before the call's begins.
pub(super) static GIGACHAT_3: Calls = Calls {
    single: true,
    ..plain(&["<|message_sep|>\n\nfunction call<|role_sep|>\n", "function call<|role_sep|>\n"], &["<|message_sep|>"], Plain::Objects(USUAL))
};
pub(super) static GIGACHAT_3_1: Calls =
    Calls { single: true, ..plain(&["<|function_call|>"], &["<|message_sep|>"], Plain::Objects(USUAL)) };
pub(super) static APERTUS: Calls = items(&["<|tools_prefix|>"], &[], &[], &["<|tools_suffix|>"], Shape::Keyed);

pub(super) static MISTRAL: Calls = items(&[], &["[TOOL_CALLS]"], &[], &[], head("[ARGS]", "[CALL_ID]", &[Part::Name, Part::Id]));
pub(super) static DEEPSEEK_R1: Calls = items(
    &["<｜tool▁calls▁begin｜>"],
    &["<｜tool▁call▁begin｜>"],
    &["```", "<｜tool▁call▁end｜>"],
    &["<｜tool▁calls▁end｜>"],
    head("\n```json\n", "<｜tool▁sep｜>", &[Part::Kind, Part::Name]),
);
pub(super) static DEEPSEEK_V3_1: Calls = items(
    &["<｜tool▁calls▁begin｜>"],
    &["<｜tool▁call▁begin｜>"],
    &["<｜tool▁call▁end｜>"],
    &["<｜tool▁calls▁end｜>"],
    head("<｜tool▁sep｜>", "", &[Part::Name]),
);
pub(super) static KIMI: Calls = items(
    &["<|tool_calls_section_begin|>"],
    &["<|tool_call_begin|>"],
    &["<|tool_call_end|>"],
    &["<|tool_calls_section_end|>"],
    head("<|tool_call_argument_begin|>", "", &[Part::Path]),
);
pub(super) static SOLAR: Calls = items(
    &["<|tool_calls|>"],
    &["<|tool_call:begin|>"],
    &["<|tool_call:end|>"],
    &["<|calls|>"],
    head("<|tool_call:args|>", "<|tool_call:name|>", &[Part::Id, Part::Name]),
);
pub(super) static FUNCTIONARY_3_1: Calls = items(&[], &["<function="], &["</function>"], &[], head(">", "", &[Part::Name]));
/// Every part has a recipient. The prompt ends with the first marker.
pub(super) static FUNCTIONARY_3_2: Calls = items(&[], &[">>>"], &[], &[], head("\n", "", &[Part::Name]));
/// The recipient comes before the channel or after it. If before, a silent marker has been read already.
pub(super) static HARMONY: Calls = Calls {
    single: true,
    ..items(
        &[],
        &["<|channel|>commentary to=functions.", "<|channel|>analysis to=functions.", "to=functions."],
        &[],
        &["<|call|>"],
        Shape::Headed(Head {
            asides: &[
                " <|constrain|>json",
                "<|constrain|>json",
                " json",
                "<|channel|>commentary json",
                "<|channel|>commentary <|constrain|>json",
            ],
            end: "<|message|>",
            split: "",
            parts: &[Part::Name],
        }),
    )
};

/// Qwen 3 Coder and 3.5, Nemotron 3, Step 3.5. They may forget the outer marker.
pub(super) static QWEN_CODER: Calls = items(&["<tool_call>"], &["<function="], &[], &["</tool_call>"], functions(true));
pub(super) static SEED: Calls = items(&["<seed:tool_call>"], &["<function="], &[], &["</seed:tool_call>"], functions(false));
pub(super) static MINIMAX: Calls = items(
    &["<minimax:tool_call>"],
    &["<invoke name=\""],
    &[],
    &["</minimax:tool_call>"],
    Shape::Tagged(Tags {
        name_end: "\">",
        key: "<parameter name=\"",
        key_end: "\">",
        says: false,
        value: "",
        value_end: "</parameter>",
        end: "</invoke>",
        padded: false,
    }),
);
pub(super) static DEEPSEEK_V3_2: Calls = items(
    &["<｜DSML｜function_calls>"],
    &["<｜DSML｜invoke name=\""],
    &[],
    &["</｜DSML｜function_calls>"],
    Shape::Tagged(Tags {
        name_end: "\">",
        key: "<｜DSML｜parameter name=\"",
        key_end: "\">",
        says: true,
        value: "",
        value_end: "</｜DSML｜parameter>",
        end: "</｜DSML｜invoke>",
        padded: false,
    }),
);
pub(super) static GLM: Calls = items(
    &["<tool_call>"],
    &[],
    &[],
    &[],
    Shape::Tagged(Tags {
        name_end: "",
        key: "<arg_key>",
        key_end: "</arg_key>",
        says: false,
        value: "<arg_value>",
        value_end: "</arg_value>",
        end: "</tool_call>",
        padded: false,
    }),
);

pub(super) static GEMMA_4: Calls = items(&[], &["<|tool_call>call:"], &["<tool_call|>"], &[], gemma("<|\"|>"));
pub(super) static FUNCTION_GEMMA: Calls = items(&[], &["<start_function_call>call:"], &["<end_function_call>"], &[], gemma("<escape>"));

/// Texts that a template has, and the calls of its model. The first entry all of whose texts are there is it.
pub(super) static CALLS: &[(&[&str], &Calls)] = &[
    (&["<|channel|>analysis<|message|>"], &HARMONY),
    (&["<|tool_call>call:"], &GEMMA_4),
    (&["<start_function_call>"], &FUNCTION_GEMMA),
    (&["｜DSML｜"], &DEEPSEEK_V3_2),
    (&["<｜tool▁calls▁begin｜>", "```json"], &DEEPSEEK_R1),
    (&["<｜tool▁calls▁begin｜>"], &DEEPSEEK_V3_1),
    (&["<|tool_calls_section_begin|>"], &KIMI),
    (&["<minimax:tool_call>"], &MINIMAX),
    (&["<seed:tool_call>"], &SEED),
    (&["<|tool_call:begin|>"], &SOLAR),
    (&["[TOOL_CALLS]", "[ARGS]"], &MISTRAL),
    (&["[TOOL_CALLS]"], &MISTRAL_LIST),
    (&["<|START_ACTION|>"], &COMMAND_R7B),
    (&["Action:", "```json", "\"tool_name\""], &COMMAND_R),
    (&["<|tools_prefix|>"], &APERTUS),
    (&["<|function_call|>"], &GIGACHAT_3_1),
    (&["'function call'", "<|role_sep|>"], &GIGACHAT_3),
    (&["<TOOLCALL>"], &NEMOTRON),
    (&["<tool_calls>"], &APRIEL),
    (&["<tool_call>", "<arg_key>"], &GLM),
    (&["<function=", "<parameter="], &QWEN_CODER),
    (&["<function="], &FUNCTIONARY_3_1),
    (&[">>>all"], &FUNCTIONARY_3_2),
    (&["functools"], &FUNCTOOLS),
    (&["<|/tool|>"], &FUNCTOOLS),
    (&["<|tool_call|>"], &GRANITE),
    (&["<|tool_call_start|>"], &LFM),
    (&["<|tool_list_start|>"], &LFM),
    (&["List of tools: ["], &LFM),
    (&["<tool_call>"], &HERMES),
    (&["JSON for a function call"], &LLAMA),
    (&["<|python_tag|>"], &LLAMA),
    (&["<|python_start|>"], &LLAMA),
    // The prompt that Llama 4 and Gemma 3 are given.
    (&["[func_name1("], &LLAMA),
];

const fn tags(open: &'static str, close: &'static str) -> Reasoning {
    Reasoning { open, close, anywhere: false }
}

/// Between special tokens.
const fn tokens(open: &'static str, close: &'static str) -> Reasoning {
    Reasoning { open, close, anywhere: true }
}

pub(super) static THINK: Reasoning = tags("<think>", "</think>");
pub(super) static THINK_SEED: Reasoning = tags("<seed:think>", "</seed:think>");
pub(super) static THINK_MISTRAL: Reasoning = tokens("[THINK]", "[/THINK]");
pub(super) static THINK_COMMAND: Reasoning = tokens("<|START_THINKING|>", "<|END_THINKING|>");
pub(super) static THINK_APERTUS: Reasoning = tokens("<|inner_prefix|>", "<|inner_suffix|>");
pub(super) static THINK_GEMMA: Reasoning = tokens("<|channel>thought", "<channel|>");
pub(super) static THINK_SOLAR: Reasoning = tokens("<|think|>", "<|end|>");
pub(super) static THINK_HARMONY: Reasoning = tokens("<|channel|>analysis<|message|>", "<|end|>");
pub(super) static THINK_APRIEL: Reasoning = tags("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]");
pub(super) static THINK_GRANITE: Reasoning = tags("Here is my thought process:", "Here is my response:");

/// As [`CALLS`], for reasoning.
pub(super) static REASONING: &[(&[&str], &Reasoning)] = &[
    (&["<|channel|>analysis<|message|>"], &THINK_HARMONY),
    (&["<|channel>thought"], &THINK_GEMMA),
    (&["<seed:think>"], &THINK_SEED),
    (&["[THINK]"], &THINK_MISTRAL),
    (&["<|START_THINKING|>"], &THINK_COMMAND),
    (&["<|inner_prefix|>"], &THINK_APERTUS),
    (&["<|think|>"], &THINK_SOLAR),
    (&["[BEGIN FINAL RESPONSE]"], &THINK_APRIEL),
    (&["Here is my thought process:"], &THINK_GRANITE),
    (&["</think>"], &THINK),
];

/// As [`CALLS`], for markers around content.
pub(super) static SILENT: &[(&[&str], &[&str])] = &[
    (
        &["<|channel|>analysis<|message|>"],
        &[
            "<|start|>assistant",
            "<|channel|>final<|message|>",
            "<|channel|>final <|constrain|>json<|message|>",
            "<|channel|>commentary<|message|>",
            "<|end|>",
            "<|return|>",
        ],
    ),
    (&["<|START_RESPONSE|>"], &["<|START_RESPONSE|>", "<|END_RESPONSE|>"]),
    (&["<|tool_call:begin|>"], &["<|begin|>assistant", "<|content|>", "<|end|>"]),
    (&["[BEGIN FINAL RESPONSE]"], &["[END FINAL RESPONSE]"]),
    (&["'function call'", "<|role_sep|>"], &["<|message_sep|>"]),
    (&[">>>all"], &[">>>all\n"]),
    (&["<response></response>"], &["<response>", "</response>"]),
];
