//! Loops before and after: written out, made to end, left as they are, or refused. What comes out is parsed each time.

use super::super::declaration::declarations;
use super::*;
use std::collections::BTreeMap;
use tegula_edit::tokens;

fn rewritten(text: &str) -> Result<String, Error> {
    let all = tokens(text);
    let constants = Constants::read("test", text, &all, &declarations(&all), &BTreeMap::new())?;
    let mut edits = Edits::default();
    Loops { template: "test", text, tokens: &all, constants: &constants }.edit(0..all.len(), &mut edits)?;
    let out = edits.apply(text, 0..text.len());
    naga::front::wgsl::parse_str(&out).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&out)));
    Ok(out)
}

/// A loop with this head, in a function that knows `m`.
fn of(head: &str) -> Result<String, Error> {
    let text = format!("const N: u32 = 4u;\nfn f(m: u32) -> u32 {{\nvar y = 0u;\n{head}\ny += i;\n}}\nreturn y;\n}}\n");
    rewritten(&text)
}

#[test]
fn marked_loops_are_written_out_and_others_stay() {
    let text = "const N: u32 = 2u;\nconst M: u32 = N + 1u;\nfn f() {\n    for (var i = 0u; i < N; i++) { // unroll\n        let di = i;\n        \
        for (var j = 0u; j < M; j++) { // unroll\nlet x = i + j;\n}\n    }\nfor (var k = 0u; k < N; k++) {\n}\n}\n";
    let out = rewritten(text).unwrap();
    assert_eq!((out.matches("let di = ").count(), out.matches("let x = 1u + 2u;").count(), out.matches("let x").count()), (2, 1, 6));
    assert!(out.contains("for (var k = 0u; k < N; k++) {") && !out.contains("unroll"));
}

#[test]
fn layout_makes_no_difference() {
    let text = "const N: u32 = 2u;\nfn f() { if true { for(var i=0u;i<N;i++){ // unroll\n let a = i; } let b = 1u; }\n}\n";
    let out = rewritten(text).unwrap();
    assert!(out.contains("let a = 1u;") && out.contains("let b = 1u;"), "{out}");
}

#[test]
fn what_cannot_be_written_out_is_refused() {
    for (head, reason) in [("for (var i = 1u; i < N; i++) {", "only"), ("for (var i = 0u; i < m; i++) {", "no constant")] {
        let error = of(&format!("{head} // unroll")).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(&format!("`{head}`")), "{error}");
    }
    for leave in ["break;", "if m > 1u { continue; }", "switch m { default: { continue; } }"] {
        let error = of(&format!("for (var i = 0u; i < N; i++) {{ // unroll\n{leave}")).unwrap_err().to_string();
        assert!(error.contains("left early"), "{error}");
    }
    for stay in ["for (var j = 0u; j < m; j++) { break; }", "switch m { default: { break; } }"] {
        of(&format!("for (var i = 0u; i < N; i++) {{ // unroll\n{stay}")).unwrap();
    }
}

#[test]
fn variables_are_replaced_where_they_are_words() {
    let text = "const N: u32 = 1u;\nstruct S { i: u32, }\nfn f() {\nlet xi = 1u;\nvar i4 = array<S, 2>();\n\
        for (var i = 0u; i < N; i++) { // unroll\nlet di = i + xi * i4[i].i - (i);\n}\n}\n";
    assert!(rewritten(text).unwrap().contains("let di = 0u + xi * i4[0u].i - (0u);"));
}

#[test]
fn loops_to_a_constant_stay() {
    for head in ["for (var i = 0u; i < N; i++) {", "for (var i = m; i < (N + 3u) / 2u; i++) {"] {
        assert!(of(head).unwrap().contains(head));
    }
}

#[test]
fn strides_and_bounds_of_the_device_are_rewritten() {
    let cases = [
        ("for (var i = 1u; i < m; i++) {", "for (var i = 1u; i < 0x7fffffffu; i++) { if i >= m { break; }"),
        ("for (var i = 0u; i <= N; i++) {", "if i > N { break; }"),
        ("for (var i = m; i < N; i += 2u * N) {", "let i = m + turn_i * (2u * N); if i >= N { break; }"),
        (
            "for (var k = 0u; k < N; k++) { // unroll\nfor (var i = k; i < m + k; i += k + 1u) {\n}\nlet i = 0u;",
            "let i = 3u + turn_i * (3u + 1u); if i >= m + 3u",
        ),
    ];
    for (head, expected) in cases {
        let text = of(head).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn loops_of_another_kind_are_refused() {
    for head in
        ["for (var i = N; i > 0u; i /= 2u) {", "for (var i = 1u; i < N; i *= 2u) {", "for (; m < N;) {", "for (var i = 0u; i == N; i++) {"]
    {
        assert!(of(head).unwrap_err().to_string().contains("not counted up"), "{head}");
    }
    assert!(rewritten("fn f() {\nloop {\nbreak;\n}\n}\n").unwrap_err().to_string().contains("only `for`"));
}
