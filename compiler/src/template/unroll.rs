//! Unrolling: a loop marked `// unroll` is written out, a block for each turn.
//!
//! Drivers keep a private array in registers only where every index is known, and not all of them unroll the loops that index it. On an H200
//! fragments of matrices in an array that a loop runs over cost more than the units that multiply them save.
//!
//! A marked loop reads `for (var i = 0u; i < COUNT; i++) { // unroll`, where `COUNT` is a module constant, and has no `break` or `continue`
//! of its own.

use super::{DIRECTIVES, wrong};
use crate::Error;
use naga::{Expression, Literal, Module};

/// What follows the brace of a loop that is to be written out.
pub(super) const MARK: &str = "// unroll";

/// The most turns: more would be text without use.
const MOST: u32 = 64;

/// Writes marked loops out.
///
/// # Errors
/// [`crate::ErrorKind::Template`] where a text is no WGSL, or a marked loop is none that can be written out.
pub fn unroll(template: &str, text: &str) -> Result<String, Error> {
    if !text.contains(MARK) {
        return Ok(text.to_owned());
    }
    let whole = [DIRECTIVES, text].concat();
    let module = naga::front::wgsl::parse_str(&whole).map_err(|error| wrong(template, &error.emit_to_string(&whole)))?;
    let lines: Vec<&str> = text.lines().collect();
    let mut out = expand(template, &module, &lines)?.join("\n");
    out.push('\n');
    Ok(out)
}

fn expand(template: &str, module: &Module, lines: &[&str]) -> Result<Vec<String>, Error> {
    let mut out = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let Some(header) = line.trim().strip_suffix(MARK) else {
            out.push(line.to_owned());
            continue;
        };
        let refuse = |reason: &str| wrong(template, &format!("`{}`: {reason}", header.trim()));
        let (variable, bound) = counted(header).ok_or_else(|| refuse("only `for (var i = 0u; i < COUNT; i++) {` can be written out"))?;
        let turns = number(module, bound).filter(|turns| *turns <= MOST);
        let turns = turns.ok_or_else(|| refuse("its bound is no constant of at most 64"))?;
        let length = body(&lines[at..]).ok_or_else(|| refuse("it has no end"))?;
        let body = expand(template, module, &lines[at..at + length])?;
        if body.iter().any(|line| ["break;", "continue;"].contains(&line.trim())) {
            return Err(refuse("it cannot be left early"));
        }
        for turn in 0..turns {
            out.push("{".into());
            out.extend(body.iter().map(|line| replace(line, variable, &format!("{turn}u"))));
            out.push("}".into());
        }
        at += length + 1;
    }
    Ok(out)
}

/// Variable and bound of a loop's head.
fn counted(header: &str) -> Option<(&str, &str)> {
    let (variable, rest) = header.trim().strip_prefix("for (var ")?.split_once(" = 0u; ")?;
    let bound = rest.strip_prefix(variable)?.strip_prefix(" < ")?.strip_suffix("++) {")?.strip_suffix(variable)?.strip_suffix("; ")?;
    Some((variable, bound))
}

/// Lines before the brace that closes what is open.
fn body(lines: &[&str]) -> Option<usize> {
    let mut depth = 1i32;
    lines.iter().position(|line| {
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        depth == 0
    })
}

fn number(module: &Module, name: &str) -> Option<u32> {
    let (_, constant) = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name))?;
    match module.global_expressions[constant.init] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        _ => None,
    }
}

/// A line with a variable's name replaced, where it stands as a word.
fn replace(line: &str, variable: &str, value: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(variable) {
        let end = at + variable.len();
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let alone = !before.is_some_and(|c| word(c) || c == '.') && !rest[end..].starts_with(word);
        out.push_str(&rest[..at]);
        out.push_str(if alone { value } else { variable });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_loops_are_written_out_and_others_stay() {
        let text = "const N: u32 = 2u;\nconst M: u32 = N + 1u;\nfn f() {\nfor (var i = 0u; i < N; i++) { // unroll\nlet di = i;\nfor (var j = 0u; j < M; j++) { // unroll\nlet x = i + j;\n}\n}\nfor (var k = 0u; k < N; k++) {\n}\n}\n";
        let out = unroll("test", text).unwrap();
        assert_eq!((out.matches("let di = ").count(), out.matches("let x = 1u + 2u;").count(), out.matches("let x").count()), (2, 1, 6));
        assert!(out.contains("for (var k = 0u; k < N; k++) {") && !out.contains("unroll"));
        naga::front::wgsl::parse_str(&out).unwrap();
    }

    #[test]
    fn what_cannot_be_written_out_is_refused() {
        for (head, reason) in [("for (var i = 1u; i < N; i++) {", "only"), ("for (var i = 0u; i < n; i++) {", "no constant")] {
            let text = format!("const N: u32 = 2u;\nfn f(n: u32) {{\n{head} // unroll\n}}\n}}\n");
            let error = unroll("test", &text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let text = "const N: u32 = 2u;\nfn f() {\nfor (var i = 0u; i < N; i++) { // unroll\nbreak;\n}\n}\n";
        assert!(unroll("test", text).unwrap_err().to_string().contains("left early"));
    }

    #[test]
    fn names_are_replaced_where_they_are_words() {
        assert_eq!(replace("i + di - xi + a[i].i * i4 + i", "i", "3u"), "3u + di - xi + a[3u].i * i4 + 3u");
    }
}
