//! Loops that browsers know to end.
//!
//! A browser must not let a kernel run for ever. Chrome's compiler knows that a loop ends where a variable is counted up by one to a constant;
//! in every other loop it counts turns itself, in 64 bits of two variables, and no driver unrolls what then has two ways out. Loops that go in
//! strides, or to a bound that only the device knows, are therefore rewritten: counted by one to a constant that they never reach, and left
//! where they end. Natively nothing changes.
//!
//! A loop reads `for (var i = FIRST; i < BOUND; i += STRIDE) {`, with `<=` for `<` or `i++` as well. `FIRST` keeps its value within it.

use super::{DIRECTIVES, wrong};
use crate::Error;
use naga::Module;

/// More turns than any loop makes.
const ENDLESS: &str = "0x7fffffffu";

/// Rewrites the loops of a text.
///
/// # Errors
/// [`crate::ErrorKind::Template`] where a text is no WGSL, or a loop reads otherwise.
pub fn count(template: &str, text: &str) -> Result<String, Error> {
    let whole = [DIRECTIVES, text].concat();
    let module = naga::front::wgsl::parse_str(&whole).map_err(|error| wrong(template, &error.emit_to_string(&whole)))?;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let head = line.trim();
        let first_word = head.split(|c: char| !c.is_ascii_alphanumeric()).next();
        if first_word == Some("while") || first_word == Some("loop") {
            return Err(wrong(template, &format!("`{head}`: only `for` loops can be shown to end")));
        }
        if first_word != Some("for") {
            out.push_str(line);
        } else {
            let read = Loop::read(head)
                .ok_or_else(|| wrong(template, &format!("`{head}`: it is not counted up, so browsers would count its turns")))?;
            out.push_str(&if read.ends(&module) { line.to_owned() } else { read.rewritten() });
        }
        out.push('\n');
    }
    Ok(out)
}

struct Loop<'a> {
    variable: &'a str,
    first: &'a str,
    /// `<` or `<=`.
    comparison: &'a str,
    bound: &'a str,
    /// None for one.
    stride: Option<&'a str>,
}

impl<'a> Loop<'a> {
    fn read(head: &'a str) -> Option<Loop<'a>> {
        let (start, rest) = head.strip_prefix("for (var ")?.strip_suffix(") {")?.split_once("; ")?;
        let (variable, first) = start.split_once(" = ")?;
        let (condition, step) = rest.split_once("; ")?;
        let (comparison, bound) = condition.strip_prefix(variable)?.strip_prefix(' ')?.split_once(' ')?;
        let stride = match step.strip_prefix(variable)? {
            "++" => None,
            step => Some(step.strip_prefix(" += ")?),
        };
        ["<", "<="].contains(&comparison).then_some(Loop { variable, first, comparison, bound, stride })
    }

    /// Whether it is counted by one to a constant.
    fn ends(&self, module: &Module) -> bool {
        let mut words = self.bound.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        let constant = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_digit())
                || module.constants.iter().any(|(_, constant)| constant.name.as_deref() == Some(word))
        };
        self.stride.is_none() && self.comparison == "<" && words.all(constant)
    }

    fn rewritten(&self) -> String {
        let Loop { variable, first, bound, .. } = self;
        let leave = format!("if {variable} {} {bound} {{ break; }}", if self.comparison == "<" { ">=" } else { ">" });
        match self.stride {
            None => format!("for (var {variable} = {first}; {variable} < {ENDLESS}; {variable}++) {{ {leave}"),
            Some(stride) => format!(
                "for (var turn_{variable} = 0u; turn_{variable} < {ENDLESS}; turn_{variable}++) {{ let {variable} = {first} + turn_{variable} * ({stride}); {leave}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "const N: u32 = 4u;\nfn f(m: u32) -> u32 {\nvar y = 0u;\n";

    fn of(head: &str) -> Result<String, Error> {
        count("test", &format!("{HEAD}{head}\ny += i;\n}}\nreturn y;\n}}\n"))
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
        ];
        for (head, expected) in cases {
            let text = of(head).unwrap();
            assert!(text.contains(expected), "{text}");
            naga::front::wgsl::parse_str(&text).unwrap();
        }
    }

    #[test]
    fn loops_of_another_kind_are_refused() {
        for head in ["for (var i = N; i > 0u; i /= 2u) {", "for (var i = 1u; i < N; i *= 2u) {"] {
            assert!(of(head).unwrap_err().to_string().contains("not counted up"));
        }
        assert!(count("test", "fn f() {\nloop {\nbreak;\n}\n}\n").unwrap_err().to_string().contains("only `for`"));
    }
}
