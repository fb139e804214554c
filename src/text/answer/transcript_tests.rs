//! An answer in each format: text, reasoning where the format has it, and two calls, cut everywhere.

use super::families::*;
use super::shape::{Calls, Reasoning};
use super::tests::{call, content, cut, reasoning};
use super::{Format, Piece};

/// A format by its tables.
fn format(calls: &'static Calls, reasons: Option<&'static Reasoning>, silent: &'static [&'static str]) -> Format {
    Format { calls: Some(calls), reasoning: reasons, silent }
}

/// Text and two calls, as most transcripts have them.
fn usual(first: &[Piece], ids: [&str; 2], arguments: [&str; 2]) -> Vec<Piece> {
    let [a, b] = [call(0, ids[0], "get_weather", arguments[0]), call(1, ids[1], "search", arguments[1])];
    [first, &a, &b].concat()
}

/// Arguments with the spaces that JSON mostly has.
const SPACED: [&str; 2] = [r#"{"city": "Zürich", "days": 2}"#, r#"{"query": "a \"b\" {<c>}", "tags": ["x", 1]}"#];
/// The same as this crate writes them when it translates.
const TIGHT: [&str; 2] = [r#"{"city":"Zürich","days":2}"#, r#"{"query":"a \"b\" {<c>}","tags":["x",1]}"#];
const NONE: [&str; 2] = ["", ""];

/// Calls as JSON objects. `name` and `arguments` are the members' names, `between` separates them.
fn objects(name: &str, arguments: &str, between: &str) -> String {
    format!(r#"{{"{name}": "get_weather", "{arguments}": {}}}{between}{{"{name}": "search", "{arguments}": {}}}"#, SPACED[0], SPACED[1])
}

#[test]
fn hermes_qwen_and_granite_4() {
    let calls = objects("name", "arguments", "\n</tool_call>\n<tool_call>\n");
    let text = format!("<think>\nLet me see.\n</think>\n\nI will look.\n\n<tool_call>\n{calls}\n</tool_call>");
    let expected = usual(&[reasoning("Let me see."), content("I will look.")], NONE, SPACED);
    assert_eq!(cut(&format(&HERMES, Some(&THINK), &[]), "", &text), expected);
    // Between calls there may be content again.
    let text = text.replace("<tool_call>\n{\"name\": \"search", "And:\n<tool_call>\n{\"name\": \"search");
    let expected = [&expected[..4], &[content("And:")], &expected[4..]].concat();
    assert_eq!(cut(&format(&HERMES, Some(&THINK), &[]), "", &text), expected);
}

#[test]
fn llama() {
    let llama = format(&LLAMA, None, &[]);
    for between in ["; ", "\n", ";<|python_tag|>"] {
        let calls = objects("name", "parameters", between);
        assert_eq!(cut(&llama, "", &calls), usual(&[], NONE, SPACED));
        assert_eq!(cut(&llama, "", &format!("\n<|python_tag|>{calls}")), usual(&[], NONE, SPACED));
    }
    assert_eq!(cut(&llama, "", &format!("[{}]", objects("name", "parameters", ", "))), usual(&[], NONE, SPACED));
    assert_eq!(
        cut(&llama, "", "Text first.\n<|python_tag|>{\"name\": \"now\", \"parameters\": {}}"),
        [&[content("Text first.")][..], &call(0, "", "now", "{}")].concat()
    );
}

#[test]
fn python() {
    let calls = r#"[get_weather(city="Zürich", days=2), search(query='a "b" {<c>}', tags=["x", 1],)]"#;
    assert_eq!(cut(&format(&LLAMA, None, &[]), "", calls), usual(&[], NONE, TIGHT));
    assert_eq!(cut(&format(&LLAMA, None, &[]), "", &format!("<|python_start|>{calls}<|python_end|>")), usual(&[], NONE, TIGHT));
    let text = format!("<think>hm</think>\nI will look.\n<|tool_call_start|>{calls}<|tool_call_end|>Done.");
    let mut expected = usual(&[reasoning("hm"), content("I will look.")], NONE, TIGHT);
    expected.push(content("Done."));
    assert_eq!(cut(&format(&LFM, Some(&THINK), &[]), "", &text), expected);

    let values = r#"[search(query='it\'s\n\u00e9\ud83d\ude00', exact=True, near=None, any={'a': (1, -2.5), 'b': [], '': False}), now()]"#;
    let expected = r#"{"query":"it's\né😀","exact":true,"near":null,"any":{"a":[1,-2.5],"b":[],"":false}}"#;
    assert_eq!(
        cut(&format(&LFM, None, &[]), "", &format!("<|tool_call_start|>{values}<|tool_call_end|>")),
        [call(0, "", "search", expected), call(1, "", "now", "{}")].concat()
    );
}

#[test]
fn mistral() {
    let list = format!("Text.\n\n[TOOL_CALLS] [{}]", objects("name", "arguments", ", ").replace("}, {", "}, \"id\": \"123456789\"}, {"));
    let list = list.replace("}}, \"id\"", "}, \"id\"");
    assert_eq!(cut(&format(&MISTRAL_LIST, None, &[]), "", &list), usual(&[content("Text.")], NONE, SPACED));
    let text = format!("[THINK]Hm.\n[/THINK]Text.[TOOL_CALLS]get_weather[ARGS]{}[TOOL_CALLS]search[ARGS]{}", SPACED[0], SPACED[1]);
    let mistral = format(&MISTRAL, Some(&THINK_MISTRAL), &[]);
    assert_eq!(cut(&mistral, "", &text), usual(&[reasoning("Hm."), content("Text.")], NONE, SPACED));
    let text = format!("[TOOL_CALLS]get_weather[CALL_ID]abc[ARGS]{}[TOOL_CALLS]search[CALL_ID]def[ARGS]{}", SPACED[0], SPACED[1]);
    assert_eq!(cut(&mistral, "", &text), usual(&[], ["abc", "def"], SPACED));
}

#[test]
fn deepseek() {
    let one = |name: &str, arguments: &str| {
        format!("<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```<｜tool▁call▁end｜>")
    };
    let calls = format!("<｜tool▁calls▁begin｜>{}\n{}<｜tool▁calls▁end｜>", one("get_weather", SPACED[0]), one("search", SPACED[1]));
    let expected = usual(&[reasoning("Hm."), content("Text.")], NONE, SPACED);
    let r1 = format(&DEEPSEEK_R1, Some(&THINK), &[]);
    assert_eq!(cut(&r1, "<｜Assistant｜><think>\n", &format!("Hm.\n</think>\n\nText.\n{calls}")), expected);

    let one = |name: &str, arguments: &str| format!("<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>");
    let calls = format!("<｜tool▁calls▁begin｜>{}{}<｜tool▁calls▁end｜>", one("get_weather", SPACED[0]), one("search", SPACED[1]));
    let v3 = format(&DEEPSEEK_V3_1, Some(&THINK), &[]);
    assert_eq!(cut(&v3, "<｜Assistant｜><think>", &format!("Hm.</think>Text.{calls}")), expected);
    assert_eq!(cut(&v3, "<｜Assistant｜><think></think>", &calls), usual(&[], NONE, SPACED));

    let text = "Hm.</think>Text.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n\
        <｜DSML｜parameter name=\"city\" string=\"true\">Zürich</｜DSML｜parameter>\n\
        <｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"search\">\n\
        <｜DSML｜parameter name=\"query\" string=\"true\">a \"b\" {<c>}</｜DSML｜parameter>\n\
        <｜DSML｜parameter name=\"tags\" string=\"false\">[\"x\",1]</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>";
    let spaced = [SPACED[0], r#"{"query": "a \"b\" {<c>}", "tags": ["x",1]}"#];
    let expected = usual(&[reasoning("Hm."), content("Text.")], NONE, spaced);
    assert_eq!(cut(&format(&DEEPSEEK_V3_2, Some(&THINK), &[]), "<think>", text), expected);
}

#[test]
fn kimi_and_solar() {
    let text = format!(
        "<think>Hm.</think>Text.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{}\
        <|tool_call_end|><|tool_call_begin|>functions.search:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
        SPACED[0], SPACED[1]
    );
    let first = [reasoning("Hm."), content("Text.")];
    let expected = usual(&first, ["functions.get_weather:0", "functions.search:1"], SPACED);
    assert_eq!(cut(&format(&KIMI, Some(&THINK), &[]), "", &text), expected);

    let text = format!(
        "<|think|>Hm.<|end|><|begin|>assistant<|content|>Text.<|end|><|begin|>assistant<|tool_calls|>\
        <|tool_call:begin|>a1<|tool_call:name|>get_weather<|tool_call:args|>{}<|tool_call:end|>\
        <|tool_call:begin|>b2<|tool_call:name|>search<|tool_call:args|>{}<|tool_call:end|><|calls|>",
        SPACED[0], SPACED[1]
    );
    let solar = Format::of("<|tool_call:begin|> <|think|>");
    assert_eq!(cut(&solar, "<|begin|>assistant", &text), usual(&first, ["a1", "b2"], SPACED));
}

#[test]
fn functions_in_tags() {
    let inner = "<function=get_weather>\n<parameter=city>\nZürich\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n\
        OUT<function=search>\n<parameter=query>\na \"b\" {<c>}\n</parameter>\n<parameter=tags>\n[\"x\", 1]\n</parameter>\n</function>\n";
    let coder = format(&QWEN_CODER, Some(&THINK), &[]);
    let spaced = [SPACED[0], r#"{"query": "a \"b\" {<c>}", "tags": ["x",1]}"#];
    let first = [reasoning("Hm."), content("Text.")];
    let text = format!("Hm.\n</think>\n\nText.\n\n<tool_call>\n{}</tool_call>", inner.replace("OUT", "</tool_call>\n<tool_call>\n"));
    assert_eq!(cut(&coder, "<think>\n", &text), usual(&first, NONE, spaced));
    // Without the outer marker, and both calls in one.
    let text = format!("Hm.\n</think>\n\nText.\n{}", inner.replace("OUT", ""));
    assert_eq!(cut(&coder, "<think>\n", &text), usual(&first, NONE, spaced));

    let inner = inner
        .replace(">\nZ", ">Z")
        .replace(">\n2", ">2")
        .replace(">\na", ">a")
        .replace(">\n[", ">[")
        .replace("\n</parameter", "</parameter");
    let inner = inner.replace("OUT", "</seed:tool_call>\n<seed:tool_call>\n");
    let text = format!("<seed:think>Hm.</seed:think>\nText.\n<seed:tool_call>\n{inner}</seed:tool_call>");
    assert_eq!(cut(&format(&SEED, Some(&THINK_SEED), &[]), "", &text), usual(&first, NONE, spaced));

    let inner = inner.replace("</seed:tool_call>\n<seed:tool_call>\n", "").replace("</function>", "</invoke>");
    let inner =
        inner.replace("<function=get_weather", "<invoke name=\"get_weather\"").replace("<function=search", "<invoke name=\"search\"");
    let inner = ["city", "days", "query", "tags"]
        .iter()
        .fold(inner, |inner, key| inner.replace(&format!("<parameter={key}"), &format!("<parameter name=\"{key}\"")));
    let text = format!("Hm.\n</think>\n\nText.\n<minimax:tool_call>\n{inner}</minimax:tool_call>");
    assert_eq!(cut(&format(&MINIMAX, Some(&THINK), &[]), "]~b]ai\n<think>\n", &text), usual(&first, NONE, spaced));

    let text = format!("Text.<function=get_weather>{}</function><function=search>{}</function>", SPACED[0], SPACED[1]);
    assert_eq!(cut(&format(&FUNCTIONARY_3_1, None, &[]), "", &text), usual(&[content("Text.")], NONE, SPACED));
}

#[test]
fn the_prompt_ends_with_a_marker() {
    let functionary = Format::of(">>>all");
    let calls = format!("get_weather\n{}>>>search\n{}", SPACED[0], SPACED[1]);
    assert_eq!(cut(&functionary, "\n\n>>>", &calls), usual(&[], NONE, SPACED));
    assert_eq!(cut(&functionary, "\n\n>>>", &format!("all\nText.>>>{calls}")), usual(&[content("Text.")], NONE, SPACED));
    for text in ["all\n>>> print(1)\n1\n", ">>> print(1)\n1\n"] {
        assert_eq!(cut(&functionary, "\n\n>>>", text), [content(">>> print(1)\n1\n")]);
    }
    assert_eq!(cut(&functionary, "\n\n>>>", "a"), [content("a")]);
    assert_eq!(cut(&functionary, "\n\n>>>", ""), []);
}

#[test]
fn glm() {
    let glm = format(&GLM, Some(&THINK), &[]);
    let spaced = [SPACED[0], r#"{"query": "a \"b\" {<c>}", "tags": ["x",1]}"#];
    let text = "\n<think>Hm.</think>\nText.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Zürich</arg_value>\n\
        <arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n\
        <tool_call>search\n<arg_key>query</arg_key>\n<arg_value>a \"b\" {<c>}</arg_value>\n\
        <arg_key>tags</arg_key>\n<arg_value>[\"x\", 1]</arg_value>\n</tool_call>";
    let first = [reasoning("Hm."), content("Text.")];
    assert_eq!(cut(&glm, "<|assistant|>", text), usual(&first, NONE, spaced));
    let text = text.replace("\n<", "<");
    assert_eq!(cut(&glm, "<|assistant|>", &text), usual(&first, NONE, spaced));
    assert_eq!(cut(&glm, "", "<tool_call>now</tool_call>"), call(0, "", "now", "{}"));
}

#[test]
fn harmony() {
    let harmony = Format::of("<|channel|>analysis<|message|>");
    let prompt = "<|start|>assistant";
    let text = format!(
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>Text.<|end|>\
        <|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{}<|call|>\
        <|start|>assistant to=functions.search<|channel|>commentary json<|message|>{}<|call|>",
        SPACED[0], SPACED[1]
    );
    assert_eq!(cut(&harmony, prompt, &text), usual(&[reasoning("Hm."), content("Text.")], NONE, SPACED));
    let text = " to=functions.now<|channel|>commentary json<|message|>{}";
    assert_eq!(cut(&harmony, prompt, text), call(0, "", "now", "{}"));
    let text = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Text.<|return|>";
    assert_eq!(cut(&harmony, prompt, text), [reasoning("Hm."), content("Text.")]);
}

#[test]
fn gemma() {
    for (calls, quote, open, close) in [
        (&GEMMA_4, "<|\"|>", "<|tool_call>", "<tool_call|>"),
        (&FUNCTION_GEMMA, "<escape>", "<start_function_call>", "<end_function_call>"),
    ] {
        let text = format!(
            "<|channel>thought\nHm.\n<channel|>Text.{open}call:get_weather{{city:Q'ZürichQ,days:2}}{close}\
            {open}call:search{{query:Qa \"b\" {{<c>}}Q,tags:[QxQ,1]}}{close}"
        );
        let text = text.replace("Q'", "Q").replace('Q', quote);
        assert_eq!(cut(&format(calls, Some(&THINK_GEMMA), &[]), "", &text), usual(&[reasoning("Hm."), content("Text.")], NONE, TIGHT));
        let text = format!("{open}call:search{{any:{{a:true,QbQ:[{{}},null]}},near:null}}{close}").replace('Q', quote);
        let expected = call(0, "", "search", r#"{"any":{"a":true,"b":[{},null]},"near":null}"#);
        assert_eq!(cut(&format(calls, None, &[]), "", &text), expected);
    }
}

#[test]
fn lists_in_markers() {
    let list = format!("[{}]", objects("name", "arguments", ", "));
    let first = [reasoning("Hm."), content("Text.")];
    let cases = [
        (&GRANITE, "<|tool_call|>", ""),
        (&GRANITE, "<tool_call>", "</tool_call>"),
        (&FUNCTOOLS, "<|tool_call|>", "<|/tool_call|>"),
        (&FUNCTOOLS, " functools", ""),
        (&NEMOTRON, "<TOOLCALL>", "</TOOLCALL>"),
        (&APRIEL, "\n<tool_calls>", "</tool_calls>"),
        (&GIGACHAT_3_1, "<|function_call|>", ""),
        (&HERMES, "<tool_call>", "</tool_call>"),
    ];
    for (calls, open, close) in cases {
        let text = format!("<think>Hm.</think>Text.{open}{list}{close}");
        assert_eq!(cut(&format(calls, Some(&THINK), &[]), "", &text), usual(&first, NONE, SPACED), "{open}");
    }

    let list = format!("[\n    {}\n]", objects("tool_name", "parameters", ",\n    "))
        .replace("{\"tool_name\"", "{\"tool_call_id\": \"7\", \"tool_name\"");
    let command = Format::of("<|START_RESPONSE|><|START_THINKING|><|START_ACTION|>");
    let text = format!("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Text.<|END_RESPONSE|><|START_ACTION|>{list}<|END_ACTION|>");
    assert_eq!(cut(&command, "", &text), usual(&first, ["7", "7"], SPACED));
    let text = format!("Text.\nAction:\n```json\n{list}```");
    assert_eq!(cut(&format(&COMMAND_R, None, &[]), "", &text), usual(&[content("Text.")], ["7", "7"], SPACED));

    let text = format!(
        "<|inner_prefix|>Hm.<|inner_suffix|>Text.<|tools_prefix|>[{{\"get_weather\": {}}}, {{\"search\": {}}}]<|tools_suffix|>",
        SPACED[0], SPACED[1]
    );
    assert_eq!(cut(&format(&APERTUS, Some(&THINK_APERTUS), &[]), "", &text), usual(&first, NONE, SPACED));
    let giga = Format::of("'function call' <|role_sep|>");
    let text = format!("Text.<|message_sep|>\n\nfunction call<|role_sep|>\n{}<|message_sep|>\n\n", r#"{"name": "now", "arguments": {}}"#);
    assert_eq!(cut(&giga, "", &text), [&[content("Text.")][..], &call(0, "", "now", "{}")].concat());
}

#[test]
fn reasoning_in_words() {
    let apriel = Format::of("[BEGIN FINAL RESPONSE]");
    let text = "One.\n[BEGIN FINAL RESPONSE]\nText.\n[END FINAL RESPONSE]";
    assert_eq!(cut(&apriel, "Here are my reasoning steps:\n", text), [reasoning("One."), content("Text.")]);
    assert_eq!(cut(&apriel, "", &format!("Here are my reasoning steps:\n{text}")), [reasoning("One."), content("Text.")]);
    let granite = Format::of("Here is my thought process:");
    let text = "Here is my thought process:\n\nOne.\n\nHere is my response:\n\nText.";
    assert_eq!(cut(&granite, "", text), [reasoning("One."), content("Text.")]);
    let granite = Format::of("<think></think> <response></response>");
    assert_eq!(cut(&granite, "", "<think>One.</think>\n<response>Text.</response>"), [reasoning("One."), content("Text.")]);
}
