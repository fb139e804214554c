//! Templates against Python's Jinja: by hand, and on real ones where the shared data is present.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;

pub(super) fn render(text: &str, variables: &Json) -> Result<String, String> {
    try_render(text, variables).map_err(|failure| match failure {
        Failure::Said(reason) => reason,
        Failure::Limit(limit) => limit.to_string(),
    })
}

pub(super) fn try_render(text: &str, variables: &Json) -> Result<String, Failure> {
    bounded(text, variables, limits::STEPS.most)
}

pub(super) fn bounded(text: &str, variables: &Json, steps: u64) -> Result<String, Failure> {
    // 2025-07-10 12:00 UTC, the moment that the shared cases were made for.
    Templates::at([("default", text)], || 1_752_148_800.0, steps)?.render("default", variables)
}

pub(super) fn check(text: &str, variables: Json, expected: &str) {
    assert_eq!(render(text, &variables).unwrap(), expected, "{text}");
}

#[test]
fn tojson_is_that_of_python() {
    let value = json!({"v": {"a": ["<é>&'", 1, 2.0, 1e16, 1.5e-7, true, null, [], {}], "b": "\u{1}\t\"\\🙂"}});
    check("{{ v | tojson }}", value.clone(), r#"{"a": ["<é>&'", 1, 2.0, 1e+16, 1.5e-07, true, null, [], {}], "b": "\u0001\t\"\\🙂"}"#);
    check("{{ v.b | tojson(ensure_ascii=true) }}", value.clone(), r#""\u0001\t\"\\\ud83d\ude42""#);
    check("{{ v.a[1:3] | tojson(separators=(',', ':')) }}", value.clone(), "[1,2.0]");
    check("{{ {'b': [1, {}], 'a': 2} | tojson(indent=2, sort_keys=true) }}", value, "{\n  \"a\": 2,\n  \"b\": [\n    1,\n    {}\n  ]\n}");
    assert!(render("{{ nothing | tojson }}", &json!({})).unwrap_err().contains("undefined"));
}

#[test]
fn lines_of_the_source_end_as_in_jinja() {
    let given = json!({"x": "p\r\nq\r"});
    for (text, expected) in [
        ("a\r\nb\rc\n\rd\r\n", "a\nb\nc\n\nd"),
        ("{% if true %}\r\na\r\n{% endif %}\r\nb\r\n\r\n", "a\nb\n"),
        ("{{ 'x\r\ny\rz' }}", "x\ny\nz"),
        ("{# c\r\n #}\r\na\r", "a"),
        ("{% set x %}\r\na\r\n{% endset %}{{ x | length }}", "2"),
        ("a\r\n{%- if true %}\rb{% endif -%}\r\nc", "abc"),
        ("{% for i in range(2) %}\r\n{{ i }}\r\n{% endfor %}\r\n", "0\n1\n"),
        ("a\u{2028}b\u{b}c\n\n", "a\u{2028}b\u{b}c\n"),
        // What a conversation says, or the template spells, stays.
        ("{{ x }}", "p\r\nq\r"),
        ("{{ 'a\\r\\nb' }}", "a\r\nb"),
    ] {
        check(text, given.clone(), expected);
    }
}

#[test]
fn generation_blocks_print_what_is_in_them() {
    check("a\n  {% generation %}\nb\n  {%- endgeneration -%}\n c", json!({}), "a\nbc");
    check("{%- generation -%} x {%- endgeneration +%}\ny", json!({}), "x\ny");
}

#[test]
fn filters_and_tests_are_those_of_jinja() {
    check("{{ nothing | length }} {{ 'é' | count }}", json!({}), "0 1");
    assert!(render("{{ none | length }}", &json!({})).unwrap_err().contains("length of none"));
    check("{{ 'a\n\nb\n' | indent(2, first=true) }}|", json!({}), "  a\n\n  b\n|");
    check("{{ 'a\nb' | indent('> ', blank=true) }}", json!({}), "a\n> b");
    check(
        "{{ none is iterable }} {{ [] is iterable }} {{ {} is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }}",
        json!({}),
        "False True True True False",
    );
}

#[test]
fn exceptions_carry_their_text() {
    let error = render("{{ raise_exception('roles must alternate') }}", &json!({})).unwrap_err();
    assert!(error.contains("roles must alternate"), "{error}");
}

#[test]
fn dates_are_those_of_the_calendar() {
    check("{{ strftime_now('%d %b %Y, %A %-H:%M:%S %p %j %y%%') }}", json!({}), "10 Jul 2025, Thursday 12:00:00 PM 191 25%");
    for (seconds, date) in [(0.0, "1970-01-01"), (951_782_400.0, "2000-02-29"), (4_107_542_400.0, "2100-03-01"), (-1.0, "1969-12-31")] {
        assert_eq!(strftime("%F", seconds), date);
    }
}

pub(super) fn shared(path: &str) -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Writes a list as JSON in the expected text, where Python's Jinja, and Tegula, write Python.
const NOT_PYTHON: &str = "MadeAgents/Hammer2.1";

/// Needs variables of its own.
const NOT_PLAIN: &str = "fireworks-ai-llama-3-firefunction-v2.jinja";

#[test]
fn real_conversations_render_as_expected() {
    let Some(path) = shared("jinja-e2e/e2e.json") else { return };
    let cases: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in ["default_templates", "custom_templates"].iter().flat_map(|group| cases[group].as_array().unwrap()) {
        let name = case["name"].as_str().unwrap();
        let found = render(case["chat_template"].as_str().unwrap(), &case["data"]);
        count += 1;
        let same = found.as_deref() == Ok(case["target"].as_str().unwrap());
        if same == (name == NOT_PYTHON) {
            wrong.push(format!("{name}:\n{found:?}\nand\n{:?}", case["target"]));
        }
    }
    assert!(count > 50 && wrong.is_empty(), "{} of {count} are not as expected:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{} of {count} cases agree; {NOT_PYTHON} differs from Python too", count - 1);
}

#[test]
fn real_templates_compile_and_carry_the_question() {
    let Some(folder) = shared("chat-templates") else { return };
    let mut wrong = Vec::new();
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "jinja"));
    names.sort();
    for path in &names {
        let text = std::fs::read_to_string(path).unwrap();
        let variables = json!({
            "messages": [{"role": "user", "content": "What is a roof tile?"}], "add_generation_prompt": true, "tools": null,
            "documents": null, "bos_token": "<s>", "eos_token": "</s>",
        });
        let name = path.file_name().unwrap().to_string_lossy();
        let rendered = render(&text, &variables);
        if rendered.as_ref().is_ok_and(|prompt| prompt.contains("What is a roof tile?")) == (name == NOT_PLAIN) {
            wrong.push(format!("{name}: {rendered:?}"));
        }
    }
    assert!(names.len() > 50 && wrong.is_empty(), "{} of {} fail:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}
