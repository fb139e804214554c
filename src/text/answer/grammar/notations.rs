//! Answers as models were trained to write them, to the tools of the tests: the texts that tell a format, and an answer in it.

/// An answer in the notation of each family, with both calls. Arguments are as [`ARGUMENTS`] has them.
pub(super) fn answers() -> Vec<(&'static str, String)> {
    let [book, find] = ARGUMENTS;
    let objects = |name: &str, arguments: &str, between: &str| {
        format!("{{\"{name}\": \"find_book\", \"{arguments}\": {book}}}{between}{{\"{name}\": \"find\", \"{arguments}\": {find}}}")
    };
    let list = format!("[{}]", objects("name", "arguments", ", "));
    let heads = |before: &str, split: &str, after: &str| format!("{before}find_book{split}{book}{after}{before}find{split}{find}{after}");
    let python = "[find_book(title=\"Ünder\", kind='novel', by=None), \
                  find(place={\"x\": -2, 'names': [\"a\"]}, days=[1, 2], count=3, exact=True, unit=\"m\")]";
    let tags = |name: [&str; 2], key: [&str; 2], value: [&str; 2], end: &str, between: &str| {
        let one = |tool: &str, members: &[(&str, &str)]| {
            let members = members.iter().map(|(name, text)| format!("{}{name}{}{}{text}{}\n", key[0], key[1], value[0], value[1]));
            format!("{}{tool}{}\n{}{end}", name[0], name[1], members.collect::<String>())
        };
        let book = one("find_book", &[("title", "Ünder"), ("kind", "novel"), ("by", "null")]);
        let place = "{\"x\": -2, \"names\": [\"a\"]}";
        let find = one("find", &[("place", place), ("days", "[1, 2]"), ("count", "3"), ("exact", "true"), ("unit", "m")]);
        format!("{book}{between}{find}")
    };
    let gemma = |item: &str, end: &str, quote: &str| {
        format!(
            "{item}find_book{{by:null,kind:QnovelQ,title:QÜnderQ}}{end}\
             {item}find{{count:3,days:[1,2],exact:true,place:{{names:[QaQ],x:-2}},unit:QmQ}}{end}"
        )
        .replace('Q', quote)
    };
    let function = ["<function=", ">"];
    let dsml = tags(
        ["<｜DSML｜invoke name=\"", "\">"],
        ["<｜DSML｜parameter name=\"", "\" string=\"false\">"],
        ["", "</｜DSML｜parameter>"],
        "</｜DSML｜invoke>",
        "\n",
    );
    let texts = ["Ünder", "novel", "m"];
    let dsml = texts.iter().fold(dsml, |dsml, text| dsml.replace(&format!("false\">{text}<"), &format!("true\">{text}<")));
    vec![
        ("<tool_call>", format!("<tool_call>\n{}\n</tool_call>", objects("name", "arguments", "\n</tool_call>\n<tool_call>\n"))),
        ("<|python_tag|>", objects("name", "parameters", "; ")),
        (
            "<|python_tag|>",
            format!("<|python_tag|>{}", objects("name", "parameters", ";").replace("{\"name", "{\"type\": \"function\", \"name")),
        ),
        ("<|python_start|>", format!("<|python_start|>{python}<|python_end|>")),
        ("[func_name1(", python.to_owned()),
        ("<|tool_call_start|>", format!("<|tool_call_start|>{python}<|tool_call_end|>")),
        ("[TOOL_CALLS]", format!("[TOOL_CALLS] {}", list.replace("\"m\"}}", "\"m\"}, \"id\": \"aB3456789\"}"))),
        ("<|tool_call|>", format!("<|tool_call|>{list}")),
        ("<|tool_call|>", format!("<tool_call>{list}</tool_call>")),
        ("<|/tool|>", format!("<|tool_call|>{list}<|/tool_call|>")),
        ("functools", format!(" functools{list}")),
        ("<TOOLCALL>", format!("<TOOLCALL>{list}</TOOLCALL>")),
        ("<tool_calls>", format!("\n<tool_calls>{}</tool_calls>", list.replace("\"m\"}}", "\"m\"}, \"id\": \"call-1\"}"))),
        (
            "<|START_ACTION|>",
            format!("<|START_ACTION|>[\n    {}\n]<|END_ACTION|>", objects("tool_name", "parameters", ",\n    "))
                .replace("{\"tool_name", "{\"tool_call_id\": \"0\", \"tool_name"),
        ),
        (
            "Action: ```json \"tool_name\"",
            format!("Action:```json\n[\n    {}\n]```", objects("tool_name", "parameters", ",\n    ").replace("\": ", "\":\n        ")),
        ),
        ("<|tools_prefix|>", format!("<|tools_prefix|>[{{\"find_book\": {book}}}, {{\"find\": {find}}}]<|tools_suffix|>")),
        ("[TOOL_CALLS] [ARGS]", heads("[TOOL_CALLS]", "[ARGS]", "")),
        ("[TOOL_CALLS] [ARGS]", heads("[TOOL_CALLS]", "[CALL_ID]abc[ARGS]", "")),
        (
            "<｜tool▁calls▁begin｜> ```json",
            format!(
                "<｜tool▁calls▁begin｜>{}<｜tool▁calls▁end｜>",
                heads("<｜tool▁call▁begin｜>function<｜tool▁sep｜>", "\n```json\n", "\n```<｜tool▁call▁end｜>\n")
            ),
        ),
        (
            "<｜tool▁calls▁begin｜>",
            format!(
                "<｜tool▁calls▁begin｜>{}<｜tool▁calls▁end｜>",
                heads("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>")
            ),
        ),
        (
            "<|tool_calls_section_begin|>",
            format!(
                "<|tool_calls_section_begin|>{}<|tool_calls_section_end|>",
                heads("<|tool_call_begin|>functions.", ":0<|tool_call_argument_begin|>", "<|tool_call_end|>")
            ),
        ),
        (
            "<|tool_call:begin|>",
            format!(
                "<|tool_calls|>{}<|calls|>",
                heads("<|tool_call:begin|>a1<|tool_call:name|>", "<|tool_call:args|>", "<|tool_call:end|>")
            ),
        ),
        ("<function=", heads("<function=", ">", "</function>")),
        (">>>all", heads(">>>", "\n", "")),
        (">>>all", heads(">>>", "\n", "").replacen(">>>", "", 1)),
        ("<start_function_call>", gemma("<start_function_call>call:", "<end_function_call>", "<escape>")),
        ("<|tool_call>call:", gemma("<|tool_call>call:", "<tool_call|>", "<|\"|>")),
        (
            "<function= <parameter=",
            format!(
                "<tool_call>\n{}\n</tool_call>",
                tags(function, ["<parameter=", ">\n"], ["", "\n</parameter>"], "</function>", "\n</tool_call>\n<tool_call>\n")
            ),
        ),
        (
            "<seed:tool_call>",
            format!(
                "<seed:tool_call>\n{}\n</seed:tool_call>",
                tags(function, ["<parameter=", ">"], ["", "</parameter>"], "</function>", "\n</seed:tool_call>\n<seed:tool_call>\n")
            ),
        ),
        (
            "<minimax:tool_call>",
            format!(
                "<minimax:tool_call>\n{}\n</minimax:tool_call>",
                tags(["<invoke name=\"", "\">"], ["<parameter name=\"", "\">"], ["", "</parameter>"], "</invoke>", "\n")
            ),
        ),
        ("｜DSML｜", format!("<｜DSML｜function_calls>\n{dsml}\n</｜DSML｜function_calls>")),
        (
            "<tool_call> <arg_key>",
            tags(["<tool_call>", ""], ["<arg_key>", "</arg_key>\n"], ["<arg_value>", "</arg_value>"], "</tool_call>", "\n"),
        ),
    ]
}

/// The arguments of both calls.
pub(super) const ARGUMENTS: [&str; 2] = [
    r#"{"title": "Ünder", "kind": "novel", "by": null}"#,
    r#"{"place": {"x": -2, "names": ["a"]}, "days": [1, 2], "count": 3, "exact": true, "unit": "m"}"#,
];

/// Answers of families that call once: the format's texts, and answers.
pub(super) fn single_answers() -> Vec<(&'static str, Vec<String>)> {
    let book = ARGUMENTS[0];
    let object = format!("{{\"name\": \"find_book\", \"arguments\": {book}}}");
    let harmony =
        ["<|channel|>commentary to=functions.", "commentary to=functions.", " to=functions.", "<|channel|>analysis to=functions."];
    let asides = ["<|message|>", " <|constrain|>json<|message|>", "<|channel|>commentary json<|message|>"];
    let harmony = harmony.iter().flat_map(|begin| asides.map(|aside| format!("{begin}find_book{aside}{book}")));
    vec![
        ("<|channel|>analysis<|message|>", harmony.collect()),
        ("<|function_call|>", vec![format!("<|function_call|>{object}"), format!("<|function_call|>{object}<|message_sep|>")]),
        (
            "'function call' <|role_sep|>",
            vec![
                format!("function call<|role_sep|>\n{object}<|message_sep|>"),
                format!("<|message_sep|>\n\nfunction call<|role_sep|>\n{object}"),
            ],
        ),
    ]
}
