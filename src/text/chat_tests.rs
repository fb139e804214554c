//! Conversations as templates get them, by hand and with real templates where the shared data is present.

use super::*;

fn dialogue(messages: Value) -> Dialogue {
    Dialogue { messages: serde_json::from_value(messages).unwrap(), ..Dialogue::default() }
}

fn chat(tokenizer_config: &str, jinja: Option<&str>, config: &str) -> Chat {
    Chat::new(Some(&TokenizerConfig::parse(tokenizer_config).unwrap()), jinja, &ChatConfig::parse(config).unwrap())
}

const MLC: &str = r#"{"conv_template": {"roles": {"user": "U", "assistant": "A"}, "seps": ["|"], "system_prefix_token_ids": [1]}}"#;

#[test]
fn the_template_file_comes_before_the_config_and_mlc() {
    let hi = dialogue(json!([{"role": "user", "content": "hi"}]));
    let config = r#"{"bos_token": {"content": "<s>"}, "chat_template": "{{ bos_token }}{{ messages[0].content }}"}"#;
    assert_eq!(chat(config, Some("file {{ eos_token is defined }}"), MLC).render(&hi).unwrap(), "file False");
    assert_eq!(chat(config, None, MLC).render(&hi).unwrap(), "<s>hi");
    assert_eq!(chat("{}", None, MLC).render(&hi).unwrap(), "U: hi|A: ");
    assert_eq!(chat("{}", None, "{}").render(&hi).unwrap_err().code(), "NoChatTemplateError");
}

#[test]
fn tools_choose_their_template() {
    let config = r#"{"chat_template": [{"name": "default", "template": "plain {{ tools is none }}"},
        {"name": "tool_use", "template": "{{ tools | tojson }}"}]}"#;
    let mut hi = dialogue(json!([{"role": "user", "content": "hi"}]));
    assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), "plain True");
    hi.tools = Some(json!([{"type": "function"}]));
    assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), r#"[{"type": "function"}]"#);
}

#[test]
fn messages_are_as_templates_expect_them() {
    let dump = r#"{"chat_template": "{{ messages | tojson }}"}"#;
    let said = dialogue(json!([
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
        {"role": "tool", "content": "2", "tool_call_id": "0"},
    ]));
    assert_eq!(
        serde_json::from_str::<Value>(&chat(dump, None, "{}").render(&said).unwrap()).unwrap(),
        json!([
            {"role": "system", "content": "a\nb"},
            {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
            {"role": "tool", "content": "2", "tool_call_id": "0"},
        ])
    );
}

#[test]
fn variables_of_the_request_reach_the_template() {
    let config = r#"{"chat_template": "{{ enable_thinking }} {{ add_generation_prompt }}"}"#;
    let mut hi = dialogue(json!([]));
    hi.variables.insert("enable_thinking".into(), false.into());
    assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), "False True");
}

#[test]
fn a_broken_template_is_an_error_only_when_used() {
    let broken = chat(r#"{"chat_template": "{% if %}"}"#, None, MLC);
    let error = broken.render(&dialogue(json!([]))).unwrap_err();
    assert_eq!(error.code(), "ChatTemplateError");
    assert!(error.to_string().contains("default:1"), "{error}");
}

/// A conversation in which the assistant calls a tool, with a content of one's choice.
fn with_call(content: Option<Value>) -> Dialogue {
    let mut call = json!({"role": "assistant", "tool_calls": [
        {"id": "call00001", "type": "function", "function": {"name": "lay_tiles", "arguments": "{\"hue\":\"<red>\"}"}},
    ]});
    if let Some(content) = content {
        call["content"] = content;
    }
    dialogue(json!([
        {"role": "user", "content": "Lay them"}, call,
        {"role": "tool", "tool_call_id": "call00001", "name": "lay_tiles", "content": "done"},
    ]))
}

fn with_template(template: &str) -> Chat {
    chat("{}", Some(template), "{}")
}

#[test]
fn null_is_none_and_what_is_missing_is_undefined() {
    let asks = with_template(
        "{% for m in messages %}{{ m.content is none }} {{ m.content is defined }} \
         {{ 'content' in m }};{% endfor %}",
    );
    let rendered = |content| asks.render(&with_call(content)).unwrap();
    let around = |middle: &str| format!("False True True;{middle}False True True;");
    assert_eq!(rendered(Some(Value::Null)), around("True True True;"));
    assert_eq!(rendered(None), around("False False False;"));
    assert_eq!(rendered(Some("".into())), around("False True True;"));
    // The same from the body of a request.
    for (member, middle) in [(r#""content": null,"#, "True True True;"), ("", "False False False;")] {
        let body = format!(
            r#"{{"messages": [{{"role": "user", "content": "a"}}, {{"role": "assistant", {member}
            "tool_calls": [{{"id": "x", "type": "function", "function": {{"name": "f", "arguments": "{{}}"}}}}]}},
            {{"role": "tool", "tool_call_id": "x", "content": "b"}}]}}"#
        );
        let crate::engine::request::Prompt::Chat(said) = crate::api::request::ApiRequest::chat(&body).unwrap().prompts.remove(0) else {
            panic!()
        };
        assert_eq!(asks.render(&said).unwrap(), around(middle));
    }
}

#[test]
fn a_template_that_fails_gets_other_forms() {
    let joins = with_template("{% for m in messages %}{{ '[' + m.content + ']' }}{% endfor %}");
    for content in [Some(Value::Null), None] {
        assert_eq!(joins.render(&with_call(content)).unwrap(), "[Lay them][][done]");
    }
    let text = with_template(
        "{% for m in messages %}{% if m.content is none %}\
         {% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }}{% endfor %}{% endif %}{% endfor %}",
    );
    assert_eq!(text.render(&with_call(Some(Value::Null))).unwrap(), "lay_tiles{\"hue\":\"<red>\"}");
    let refuses = with_template("{{ raise_exception('never') }}");
    assert!(refuses.render(&with_call(None)).unwrap_err().to_string().contains("never"));
}

#[test]
fn a_template_gets_parts_where_it_reads_them() {
    let said = dialogue(json!([
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]));
    let print = "{% if c is string %}{{ c }}{% else %}{% for x in c %}<{{ x.text }}>{% endfor %}{% endif %}";
    let cases = [
        // Only texts.
        ("{% for m in messages %}{{ m.content | trim }};{% endfor %}".to_owned(), "a\nb;c;d;"),
        ("{% for m in messages %}{{ m.content }};{% endfor %}".to_owned(), "a\nb;c;d;"),
        ("{% for m in messages %}{{ m.content | tojson }};{% endfor %}".to_owned(), "\"a\\nb\";\"c\";\"d\";"),
        ("{% for m in messages %}{% if m.content is string %}{{ m.content }};{% endif %}{% endfor %}".to_owned(), "a\nb;c;d;"),
        // Both, by any name and through a macro.
        (format!("{{% for m in messages %}}{{% set c = m['content'] %}}{print};{{% endfor %}}"), "<a><b>;c;d;"),
        (format!("{{% macro p(c) %}}{print};{{% endmacro %}}{{% for m in messages %}}{{{{ p(m.content) }}}}{{% endfor %}}"), "<a><b>;c;d;"),
        // Only parts.
        ("{% for m in messages %}{% for x in m.content %}<{{ x['text'] }}>{% endfor %};{% endfor %}".to_owned(), "<a><b>;<c>;<d>;"),
        ("{% for m in messages %}{{ m.content | map(attribute='text') | join }};{% endfor %}".to_owned(), "ab;c;d;"),
        // Parts from users alone.
        (
            format!(
                "{{% for m in messages %}}{{% set c = m.content %}}{{% if m.role == 'user' %}}{print}{{% else %}}{{{{ c + '.' }}}}\
                 {{% endif %}};{{% endfor %}}"
            ),
            "<a><b>;c.;d;",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(with_template(&template).render(&said).unwrap(), expected, "{template}");
    }
}

/// The real templates, as (name, text).
fn real_templates() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chat-templates");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is absent", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jinja"));
    paths.sort();
    paths.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into(), std::fs::read_to_string(path).unwrap())).collect()
}

fn real(template: &str) -> Chat {
    chat(r#"{"bos_token": "<s>", "eos_token": "</s>"}"#, Some(template), "{}")
}

/// Needs variables of its own.
const NOT_PLAIN: &str = "fireworks-ai-llama-3-firefunction-v2.jinja";

#[test]
fn real_templates_lose_no_part() {
    let parts = dialogue(json!([
        {"role": "user", "content": [{"type": "text", "text": "Roof "}, {"type": "text", "text": "tiles?"}]},
    ]));
    let (mut wrong, mut joined) = (Vec::new(), 0);
    for (name, template) in real_templates().iter().filter(|(name, _)| name != NOT_PLAIN) {
        let found = real(template).render(&parts);
        let text = found.as_deref().unwrap_or_default();
        joined += usize::from(text.contains("Roof \ntiles?"));
        if !(text.contains("Roof") && text.contains("tiles?")) || text.contains("'type': 'text'") || text.contains("\"type\": \"text\"") {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{joined} templates read only texts");
}

#[test]
fn real_templates_keep_tool_calls_without_content() {
    let (mut wrong, mut kept) = (Vec::new(), Vec::new());
    for (name, template) in real_templates() {
        let calls = |content| real(&template).render(&with_call(content)).is_ok_and(|text| text.contains("lay_tiles"));
        let (null, absent, empty) = (calls(Some(Value::Null)), calls(None), calls(Some("".into())));
        if empty && !(null && absent) {
            wrong.push(format!("{name}: null {null}, absent {absent}"));
        }
        if null {
            kept.push(name);
        }
    }
    eprintln!("{} templates write calls beside null: {kept:?}", kept.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kept.is_empty() || kept.iter().any(|name| name.starts_with("deepseek-ai-DeepSeek-R1-Distill-Llama")));
}
