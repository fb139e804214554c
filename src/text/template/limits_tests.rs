//! Templates that would run on, take all memory, or end the stack; and real ones, which must not be
//! stopped.

use serde_json::{Value as Json, json};

use super::*;
use crate::text::template::tests::{bounded, check, shared};

/// What a template has too much of, on a stack as small as that of a page.
fn limit(text: String) -> String {
    let stack = std::thread::Builder::new().stack_size(1 << 20);
    let found = stack.spawn(move || (bounded(&text, &json!({}), 1_000_000), text)).unwrap().join().unwrap();
    match found {
        (Err(Failure::Limit(limit)), _) => limit.what.to_owned(),
        (other, text) => panic!("{}: {:.200}", &text[..text.len().min(200)], format!("{other:?}")),
    }
}

#[test]
fn nesting_in_the_source_is_bounded() {
    let around = |open: &str, middle: &str, close: &str, count| open.repeat(count) + middle + &close.repeat(count);
    for count in [150, 5_000, 20_000] {
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "", "]"),
            ("{'a':", "1", "}"),
            ("x[", "0", "]"),
            ("f(", "0", ")"),
            ("not ", "x", ""),
            ("-", "1", ""),
            ("1 + ", "1", ""),
            ("1 ** ", "1", ""),
            ("'a' % ", "1", ""),
            ("'a' % 1 ** ", "1", ""),
            ("'a' % (", "1", ")"),
            ("'a' ~ ", "'b'", ""),
            ("x and ", "x", ""),
            ("", "x", ".a"),
            ("", "x", "|lower"),
            ("", "x", "[0]"),
            ("", "x", "()"),
            ("", "x", " is none"),
            ("", "x", " if x else x"),
        ] {
            let expression = around(open, middle, close, count);
            for text in [
                format!("{{{{ {expression} }}}}"),
                format!("{{% if {expression} %}}{{% endif %}}"),
                format!("{{% set y = {expression} %}}"),
            ] {
                let what = limit(text);
                assert!(what == "operators and brackets in each other" || what == "bytes of source", "{open}{middle}{close}: {what}");
            }
        }
        for (open, close) in [
            ("{% if x %}", "{% endif %}"),
            ("{% for x in y %}", "{% endfor %}"),
            ("{% with %}", "{% endwith %}"),
            ("{% filter lower %}", "{% endfilter %}"),
            ("{% macro f() %}", "{% endmacro %}"),
            ("{% call f() %}", "{% endcall %}"),
            ("{% set x %}", "{% endset %}"),
            ("{% if x %}{% else %}", "{% endif %}"),
            ("{% generation %}", "{% endgeneration %}"),
        ] {
            let what = limit(around(open, "", close, count));
            assert!(what == "blocks in each other" || what == "bytes of source", "{open}: {what}");
        }
        let what = limit(format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(count)));
        assert!(what == "blocks in each other" || what == "bytes of source", "{what}");
    }
    assert_eq!(limit("a".repeat(1 << 19)), "bytes of source");
    // What is long but not deep is no matter, nor is what no tag holds.
    let list = format!("{{{{ [{}] | length }}}}", "1, ".repeat(5_000));
    check(&list, json!({}), "5000");
    check(&"{{ 1 }}".repeat(5_000), json!({}), &"1".repeat(5_000));
    check(&"{% if true %}a{% endif %}".repeat(5_000), json!({}), &"a".repeat(5_000));
    check(&"{ (".repeat(5_000), json!({}), &"{ (".repeat(5_000));
    check("{# ((( {{ #}{{ '((((' }}{% raw %}{{ (((( {% if %}{% endraw %}", json!({}), "(((({{ (((( {% if %}");
}

#[test]
fn running_on_is_bounded() {
    let nested = |count: usize, body: &str| {
        (0..count).map(|depth| format!("{{% for v{depth} in range(100000) %}}")).collect::<String>() + body + &"{% endfor %}".repeat(count)
    };
    for body in ["", "a", "{{ 1 }}", "{% if false %}a{% endif %}"] {
        assert_eq!(limit(nested(3, body)), "steps", "{body}");
    }
    assert_eq!(limit(nested(2, "{% for x in range(100000) if false %}{% endfor %}")), "steps");
    assert_eq!(
        limit(format!("{{% macro f() %}}{{% for x in range(100000) %}}{{% endfor %}}{{% endmacro %}}{}", nested(2, "{{ f() }}"))),
        "steps"
    );
    assert_eq!(limit("{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}".into()), "levels of calls");
    assert_eq!(limit("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into()), "levels of calls");
    assert_eq!(limit("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}".into()), "levels of calls");
    assert_eq!(limit("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}".into()), "steps");
    assert_eq!(limit("{{ range(4000000000) | list }}".into()), "items in one range");
}

#[test]
fn memory_is_bounded() {
    let one = [
        "'x' * 4000000000",
        "4000000000 * 'x'",
        "'x' | indent(4000000000, first=true)",
        "'a\nb' | indent(4000000000)",
        "['a'] | tojson(indent=4000000000)",
        "(['x' * 30000000] * 1000) | join",
        "('x' * 20000000) | replace('x', 'yyyyyyyyy')",
        "[0] * 4000000000",
        "[1] | slice(4000000000) | list",
        "[1] | batch(4000000000, 0) | list",
        "([0] * 2000000) | list",
        "([0] * 2000000) | join(',')",
        "([0] * 2000000) | tojson",
        "['x' * 1000] * 1000000",
        "([0] * 2000000) | sort",
        "(['x' * 30000000] * 1000) | string",
        "([0] * 2000000) | map('string')",
        "'x'.join([0] * 2000000)",
        "('x' * 20000000).replace('x', 'yyyyy')",
        "'%4000000000d' | format(1)",
        "'%*d' | format(4000000000, 1)",
        "'%.4000000000f' | format(1.5)",
        "'{:4000000000}'.format(1)",
        "'{:>{}}'.format(1, 4000000000)",
        "'x' | center(4000000000)",
        "'x'.center(4000000000)",
        "'x'.ljust(4000000000)",
        "'x'.rjust(4000000000)",
        "'x'.zfill(4000000000)",
        "'%4000000000d' % 1",
        "['x' * 30000000, 'y'] | join('z' * 30000000)",
    ];
    for expression in one {
        let text = format!("{{{{ ({expression}) | length }}}}{{{{ {expression} }}}}");
        let what = limit(text);
        assert!(what.starts_with("bytes") || what.starts_with("items"), "{expression}: {what}");
    }
    let doubled = [
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(60) %}{% set ns.s = [ns.s[0] ~ ns.s[0]] %}{% endfor %}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% macro f(x, n) %}{% if n %}{{ f(x ~ x, n - 1) }}{% endif %}{% endmacro %}{{ f('x', 45) }}",
        "{% macro f(x) %}{{ caller(x ~ x) }}{% endmacro %}{% call(y) f('x' * 30000000) %}{{ y | length }}{% endcall %}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
        "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
        "{% set s %}{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}{% endset %}",
    ];
    for text in doubled {
        let what = limit(text.into());
        assert!(what.starts_with("bytes") || what.starts_with("items") || what.starts_with("values"), "{text}: {what}");
    }
    let straight = "{% set s = 'x' %}".to_owned() + &"{% set s = s ~ s %}".repeat(60);
    assert_eq!(limit(straight), "bytes in one value");
    let raw = format!("{{% set s %}}{{% for i in range(100000) %}}{}{{% endfor %}}{{% endset %}}", "x".repeat(20_000));
    assert_eq!(limit(raw), "bytes printed");
    let two = (0..60).fold("{% set s = 'x' %}".to_owned(), |text, _| text + "{% with a = 1, s = s ~ s %}") + &"{% endwith %}".repeat(60);
    assert_eq!(limit(two), "bytes in one value");
    let with = (0..60).fold("{% set s = 'x' %}".to_owned(), |text, _| text + "{% with s = s ~ s %}") + &"{% endwith %}".repeat(60);
    assert_eq!(limit(with), "bytes in one value");
}

#[test]
fn values_in_each_other_are_bounded() {
    for wrap in ["[ns.x]", "{'a': ns.x}", "(ns.x,)", "[ns.x, 1]", "[ns.x] | list", "dict(a=ns.x)", "[[ns.x]]"] {
        let text =
            format!("{{% set ns = namespace(x=1) %}}{{% for i in range(100000) %}}{{% set ns.x = {wrap} %}}{{% endfor %}}{{{{ ns.x }}}}");
        assert_eq!(limit(text), "values in each other", "{wrap}");
    }
    let text = "{% set x = [1] %}".to_owned() + &"{% set x = [x] %}".repeat(10_000) + "{{ x }}";
    assert_eq!(limit(text), "values in each other");
}

/// A quarter of 2,000 messages. Steps grow with their square in the templates that take most.
#[test]
fn long_conversations_stay_far_below_the_limits() {
    let Some(folder) = shared("chat-templates") else { return };
    let call = json!({"id": "call00001", "type": "function", "function": {"name": "f", "arguments": {"a": [1, 2]}}});
    let messages: Vec<Json> = (0..500)
        .map(|index| match index % 4 {
            0 => json!({"role": "user", "content": "What is a roof tile? ".repeat(20)}),
            1 => json!({"role": "assistant", "content": "", "tool_calls": [call, call]}),
            2 => json!({"role": "tool", "tool_call_id": "call00001", "name": "f", "content": "fired clay"}),
            _ => json!({"role": "assistant", "content": "A tile of a roof. ".repeat(20)}),
        })
        .chain([json!({"role": "user", "content": "More?"})])
        .collect();
    let plain: Vec<Json> = messages.iter().filter(|message| message["content"] != "" && message["role"] != "tool").cloned().collect();
    let tool =
        json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}});
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (messages, tools) in [(&messages, json!([tool])), (&plain, Json::Null)] {
            let variables =
                json!({"messages": messages, "add_generation_prompt": true, "tools": tools, "bos_token": "<s>", "eos_token": "</s>"});
            let found = bounded(&text, &variables, STEPS.most / 16);
            assert!(!matches!(found, Err(Failure::Limit(_))), "{}: {found:?}", path.display());
        }
    }
}

#[test]
fn what_the_scan_adds_changes_no_template() {
    let given = json!({"x": 3, "y": [1, 2, 3]});
    for (text, expected) in [
        ("{% macro f(a, b=[1, 2], c='(') %}{{ a }}{{ b }}{{ c }}{% endmacro %}\n{{ f(1) }}|{{ f(1, c=2) }}", "1[1, 2](|1[1, 2]2"),
        ("{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}{% call(v) f(not x) %}{{ v }}{% endcall %}", "<False>"),
        ("{% macro f(a=1) -%}\n a\n{%- endmacro %}\n[{{ f() }}]", "[a]"),
        ("{% for v in y if v >= 2 %}{{ loop.index }}{{ v }};{% else %}none{% endfor %}", "12;23;"),
        ("{% for v in y if not v %}{{ v }}{% else %}none{% endfor %}", "none"),
        ("{% for v in (y if x else []) if v is odd -%}\n {{ v }}\n{%- endfor %}", "13"),
        ("{% for v in [[1, [2]], [3]] recursive %}{{ loop(v) if v is iterable else v }}{% endfor %}", "123"),
        ("a\n  {%+ for v in y %}\n{{ v }}\n  {%- endfor +%}\nb", "a\n  123\nb"),
        ("{% with a = x >= 2, b = not x %}{{ a }}{{ b }}{% endwith %}", "TrueFalse"),
        ("{% with %}{% set x = 4 %}{{ x }}{% endwith %}{{ x }}", "43"),
        ("{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}{%- set d = x == 3 -%} {{ d }}", "12(1, 2)True"),
        ("{% set a = 1 if x else 2 %}{% set b = x or 2 %}{% set c = x | string ~ '%}' -%} {{ a }}{{ b }}{{ c }}", "133%}"),
        ("{% set a | upper %}b{% endset %}{% set n = namespace(v=[]) %}{% set n.v = n.v + [a] %}{{ n.v }}", "['B']"),
        ("{% for v in y %}{% if v == 2 %}{% continue %}{% endif %}{{ v }}{% if v == 3 %}{% break %}{% endif %}{% endfor %}", "13"),
        ("{{ {'a': {'b': '}}'}}['a']['b'] }}{{ '{%' }}{# {{ #}{{ \"'\" }}", "}}{%'"),
        ("{% filter upper %}{% for v in y %}a{% endfor %}{% endfilter %}", "AAA"),
        ("{% set a = '%s'%x%}{% for v in y if '%s'%v=='2'%}{{ v }}{{ a }}{% endfor %}", "23"),
        ("{{- '%s' % x -}} {{+ '%d%%' % x }}{% if '%s' % x == '3' %}!{% endif %}", "33%!"),
    ] {
        check(text, given.clone(), expected);
    }
    // Whatever is cut off is an error of the parser, or a template.
    for text in [
        "{{ 'é' % (é | f }}",
        "{% set é = 'é\\",
        "{% for é in é if é",
        "{{ 'a' % [x) }} {{ 'b' % y }}",
        "{% raw %}{% é",
        "{%",
        "{{",
        "{#",
        "{%-",
        "{{ '%s' % ",
    ] {
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let _ = bounded(&text[..cut], &given, 1_000);
        }
    }
}
