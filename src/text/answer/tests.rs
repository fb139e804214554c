//! What the parser promises, whatever the format.

use serde_json::{Value, json};

use super::families::*;
use super::shape::Calls;
use super::*;

/// The tools of all tests.
pub(super) fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"}}}}},
        {"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {
            "query": {"type": "string"}, "tags": {"type": "array"}, "exact": {"type": "boolean"},
            "near": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "any": {}}}}},
        {"name": "now"},
    ])
}

/// The pieces of an answer that comes in these parts, neighbours joined.
pub(super) fn parsed(format: &Format, prompt_end: &str, parts: &[&str], tools: Option<&Value>) -> Vec<Piece> {
    let mut parser = Parser::new(format, prompt_end, tools);
    let mut all: Vec<Piece> = Vec::new();
    let mut take = |pieces: Vec<Piece>| {
        for piece in pieces {
            match (all.last_mut(), piece) {
                (Some(Piece::Content(text)), Piece::Content(more)) | (Some(Piece::Reasoning(text)), Piece::Reasoning(more)) => {
                    text.push_str(&more)
                }
                (Some(Piece::Arguments { text, .. }), Piece::Arguments { text: more, .. }) => text.push_str(&more),
                (_, piece) => all.push(piece),
            }
        }
    };
    for part in parts {
        take(parser.push(part));
    }
    take(parser.finish());
    all
}

/// The pieces of an answer, which must be the same wherever it is cut.
pub(super) fn cut(format: &Format, prompt_end: &str, text: &str) -> Vec<Piece> {
    let tools = tools();
    let whole = parsed(format, prompt_end, &[text], Some(&tools));
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        assert_eq!(parsed(format, prompt_end, &[head, tail], Some(&tools)), whole, "cut at {at} of {text:?}");
    }
    let mut bytes = [0; 4];
    let chars: Vec<String> = text.chars().map(|c| c.encode_utf8(&mut bytes).to_string()).collect();
    let chars: Vec<&str> = chars.iter().map(String::as_str).collect();
    assert_eq!(parsed(format, prompt_end, &chars, Some(&tools)), whole, "each character of {text:?}");
    // Every place was tried once. A part of them takes a part of the time.
    for at in (0..chars.len()).step_by(3) {
        damaged(format, prompt_end, &[&chars[..at], &chars[at + 1..]].concat());
        damaged(format, prompt_end, &chars[..at]);
    }
    whole
}

/// An answer that is not as it should be loses no word either, and is the same wherever it is cut.
fn damaged(format: &Format, prompt_end: &str, chars: &[&str]) {
    let (text, tools) = (chars.concat(), tools());
    let whole = parsed(format, prompt_end, &[&text], Some(&tools));
    assert_eq!(parsed(format, prompt_end, chars, Some(&tools)), whole, "each character of {text:?}");
    let said = format!("{whole:?}");
    for word in ["Text.", "Hm.", "Zürich", "Done."] {
        assert!(!text.contains(word) || said.contains(word), "{word} of {text:?}: {said}");
    }
}

pub(super) fn content(text: &str) -> Piece {
    Piece::Content(text.to_string())
}

pub(super) fn reasoning(text: &str) -> Piece {
    Piece::Reasoning(text.to_string())
}

/// A call and its arguments.
pub(super) fn call(index: usize, id: &str, name: &str, arguments: &str) -> [Piece; 2] {
    let id = (!id.is_empty()).then(|| id.to_string());
    [Piece::Call { index, id, name: name.to_string() }, Piece::Arguments { index, text: arguments.to_string() }]
}

const HERMES_FORMAT: Format = Format { calls: Some(&HERMES), reasoning: Some(&THINK), silent: &[] };
const LLAMA_FORMAT: Format = Format { calls: Some(&LLAMA), reasoning: None, silent: &[] };

#[test]
fn what_is_no_call_stays_content() {
    let texts: &[(&Calls, &str)] = &[
        (&HERMES, "a\n<tool_call>\n{\"name\": \"unknown\", \"arguments\": {\"a\": 1}}\n</tool_call>\nb"),
        (&HERMES, " <tool_call>\n{\"name\": \"search\", \"argum"),
        (&HERMES, "<tool_call> is a tag\n"),
        (&HERMES, "<tool_call>{\"name\": \"search\", \"arguments\": 7}</tool_call>"),
        (&HERMES, "<tool_call>{\"arguments\": {\"a\": 1}}</tool_call>"),
        (&HERMES, "the tag <tool_cal"),
        (&LLAMA, "{\"city\": \"Paris\"}"),
        (&LLAMA, "\n {\"name\": \"Bob\", \"parameters\": {}} \n"),
        (&LLAMA, "[1, 2, 3]"),
        (&LLAMA, "[see](http://a.b) and [this(x)]"),
        (&LLAMA, "[search(query=variable)]"),
        (&LLAMA, "In JSON: {\"name\": \"search\", \"parameters\": {}}"),
        (&MISTRAL, "[TOOL_CALLS]unknown[ARGS]{}"),
        (&MISTRAL, "[TOOL_CALLS]search[ARGS]"),
        (&DEEPSEEK_V3_1, "x <｜tool▁calls▁begin｜>y"),
        (&QWEN_CODER, "<tool_call>\n<function=unknown>\n</function>\n</tool_call>"),
        (&QWEN_CODER, "The `<function=` tag"),
        (&GLM, "<tool_call>unknown\n</tool_call>"),
        (&GEMMA_4, "<|tool_call>call:search{query:<|\"|>never ends"),
        (&HARMONY, "what to=functions.search means"),
        (&FUNCTOOLS, "import functools\nfunctools.partial(f)"),
    ];
    for (calls, text) in texts {
        let format = Format { calls: CALLS.iter().map(|entry| entry.1).find(|known| known == calls), ..Format::default() };
        assert_eq!(cut(&format, "", text), [content(text)], "{text}");
    }
}

#[test]
fn without_tools_there_are_no_calls() {
    let text = "<think>\nhm\n</think>\n\n<tool_call>\n{\"name\": \"search\", \"arguments\": {}}\n</tool_call>";
    let expected = [reasoning("hm"), content("<tool_call>\n{\"name\": \"search\", \"arguments\": {}}\n</tool_call>")];
    assert_eq!(parsed(&HERMES_FORMAT, "", &[text], None), expected);
    assert_eq!(parsed(&HERMES_FORMAT, "", &[text], Some(&json!([]))), expected);
    assert_eq!(parsed(&Format::default(), "", &[text, "\n"], Some(&tools())), [content(&format!("{text}\n"))]);
}

#[test]
fn the_prompt_opens_or_closes_reasoning() {
    let format = HERMES_FORMAT;
    assert_eq!(cut(&format, "<|im_start|>assistant\n<think>\n", "hm\n</think>\n\nyes"), [reasoning("hm"), content("yes")]);
    assert_eq!(cut(&format, "<|im_start|>assistant\n<think>\n\n</think>\n\n", "yes"), [content("yes")]);
    assert_eq!(cut(&format, "<think></think>", "\n\n  yes\n"), [content("  yes\n")]);
    assert_eq!(cut(&format, "<think>", "never ends\n"), [reasoning("never ends\n")]);
    assert_eq!(cut(&format, "", "<think>\n\n</think>\n\nyes"), [content("yes")]);
    assert_eq!(cut(&format, "", "The tag <think> opens, </think> closes."), [content("The tag <think> opens, </think> closes.")]);
    assert_eq!(cut(&format, "", "\n\n"), [content("\n\n")]);
}

#[test]
fn members_of_a_call_may_come_in_any_order() {
    let text = |object: &str| format!("<tool_call>{object}</tool_call>");
    let same = [
        r#"{"name": "search", "arguments": {"any": 1}}"#,
        r#"{"arguments": {"any": 1}, "name": "search"}"#,
        r#"{"type": "function", "parameters": {"any": 1}, "extra": [{"name": "x"}, 1.5e3], "name": "search"}"#,
        r#"{"name": "functions.search", "count": 3, "arguments": {"any": 1}, "more": -0.5}"#,
        r#"{"name": "search", "arguments": "{\"any\": 1}"}"#,
        r#"{"type": "function", "function": {"name": "search", "arguments": {"any": 1}}}"#,
        r#"{"function": "search", "arguments": {"any": 1}}"#,
        r#"{"name": "search", "arguments": {"any": 1}"#,
        r#"{"name": "search", "arguments": {"any": 1}}}"#,
        r#"[{"name": "search", "arguments": {"any": 1}}"#,
    ];
    for object in same {
        assert_eq!(cut(&HERMES_FORMAT, "", &text(object)), call(0, "", "search", r#"{"any": 1}"#), "{object}");
    }
    for object in [r#"{"name": "now"}"#, r#"{"name": "now", "arguments": null}"#, r#"{"name": "now", "parameters": {}}"#] {
        assert_eq!(cut(&HERMES_FORMAT, "", &text(object)), call(0, "", "now", "{}"), "{object}");
    }
}

#[test]
fn markers_are_shown() {
    let shown = |format: &Format, tokens: &[&str], tools| tokens.iter().all(|token| format.shows(token, tools));
    let harmony = Format::of("<|channel|>analysis<|message|>");
    assert!(shown(&harmony, &["<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>"], true));
    assert!(shown(&harmony, &["<|start|>", "<|channel|>", "<|message|>", "<|end|>"], false));
    assert!(shown(&HERMES_FORMAT, &["<tool_call>", "</tool_call>", "<think>", "</think>"], true));
    assert!(shown(&HERMES_FORMAT, &["<think>", "</think>"], false));
    assert!(shown(&Format::of("｜DSML｜"), &["｜DSML｜"], true));
    assert!(shown(&Format::of("<|tool_call>call:"), &["<|tool_call>", "<tool_call|>", "<|\"|>"], true));
    assert!(!HERMES_FORMAT.shows("<tool_call>", false) && !HERMES_FORMAT.shows("<|im_end|>", true) && !HERMES_FORMAT.shows("", true));
}

#[test]
fn json_arguments_stream_as_they_come() {
    let tools = tools();
    let mut parser = Parser::new(&HERMES_FORMAT, "", Some(&tools));
    assert_eq!(parser.push("<tool_call>\n{\"name\": \"sea"), []);
    assert_eq!(parser.push("rch\", \"arguments\": "), []);
    assert_eq!(parser.push("{\"query\": \"a"), call(0, "", "search", "{\"query\": \"a"));
    assert_eq!(parser.push("\nb"), [Piece::Arguments { index: 0, text: "\\nb".to_string() }]);
    assert_eq!(parser.push("\"}}\n</tool_"), [Piece::Arguments { index: 0, text: "\"}".to_string() }]);
    assert_eq!(parser.push("call>\nDone"), [content("Done")]);
    assert_eq!(parser.finish(), []);
}

#[test]
fn texts_in_tags_stream_as_they_come() {
    let tools = tools();
    let format = Format { calls: Some(&QWEN_CODER), ..Format::default() };
    let mut parser = Parser::new(&format, "", Some(&tools));
    assert_eq!(parser.push("<tool_call>\n<function=search>\n<parameter=query>\n"), call(0, "", "search", "{\"query\": \""));
    assert_eq!(parser.push("say \"a\"\n</par"), [Piece::Arguments { index: 0, text: "say \\\"a\\\"".to_string() }]);
    assert_eq!(parser.push("b"), [Piece::Arguments { index: 0, text: "\\n</parb".to_string() }]);
    assert_eq!(parser.finish(), []);
}

#[test]
fn the_schema_says_what_a_value_in_tags_is() {
    let format = Format { calls: Some(&QWEN_CODER), ..Format::default() };
    let cases = [
        ("query", "5", r#""5""#),
        ("query", "two\n\nlines \"\\", r#""two\n\nlines \"\\""#),
        ("query", "<b>1 < 2</b></par>", r#""<b>1 < 2</b></par>""#),
        ("query", "", r#""""#),
        ("exact", "True", "true"),
        ("exact", "maybe", r#""maybe""#),
        ("near", "null", "null"),
        ("near", "7", r#""7""#),
        ("tags", r#"["a", {"b": null}]"#, r#"["a",{"b":null}]"#),
        ("tags", "['a', {'b': None}]", r#"["a",{"b":null}]"#),
        ("tags", "[broken", r#""[broken""#),
        ("tags", "[\"broken", r#""[\"broken""#),
        ("tags", "[\"</parameter>\", 1]", r#"["</parameter>",1]"#),
        ("any", "1.5", "1.5"),
        ("any", "{\"a\": 1}", "{\"a\":1}"),
        ("unknown", "text", r#""text""#),
    ];
    for (key, value, json) in cases {
        let text = format!("<tool_call>\n<function=search>\n<parameter={key}>\n{value}\n</parameter>\n</function>\n</tool_call>");
        assert_eq!(cut(&format, "", &text), call(0, "", "search", &format!("{{\"{key}\": {json}}}")));
    }
}

#[test]
fn broken_arguments_end_the_call() {
    let text = "<tool_call>{\"name\": \"search\", \"arguments\": {\"any\": oops}}</tool_call> tail";
    let [call, arguments] = call(0, "", "search", "{\"any\": ");
    assert_eq!(cut(&HERMES_FORMAT, "", text), [call, arguments, content("oops}}</tool_call> tail")]);
}

#[test]
fn content_follows_bare_calls() {
    let text = "{\"name\": \"now\", \"parameters\": {}} is what I called.";
    let [call, arguments] = call(0, "", "now", "{}");
    assert_eq!(cut(&LLAMA_FORMAT, "", text), [call, arguments, content(" is what I called.")]);
}
