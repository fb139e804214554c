//! The declarations of a module, found among its tokens.

use std::ops::Range;
use tegula_edit::{Kind, Token, closing};

/// A declaration at the top of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration<'a> {
    /// `const`, `var`, `fn`, `struct`, `alias` or `const_assert`.
    pub keyword: &'a str,
    /// Empty where it has none.
    pub name: &'a str,
    /// From its first attribute to its semicolon or closing brace.
    pub tokens: Range<usize>,
    /// The keyword.
    pub start: usize,
}

impl Declaration<'_> {
    /// What a constant is made of: the tokens between `=` and the semicolon. Empty for everything
    /// else.
    pub fn initializer<'t, 'a>(&self, all: &'t [Token<'a>]) -> &'t [Token<'a>] {
        let own = &all[self.start..self.tokens.end];
        let equals = own.iter().position(|token| token.is("=")).filter(|_| self.keyword == "const");
        equals.map_or(&[], |equals| &own[equals + 1..own.len() - 1])
    }
}

/// All declarations in the order of the text. Anything else, such as an import, is skipped.
pub(super) fn declarations<'a>(all: &[Token<'a>]) -> Vec<Declaration<'a>> {
    let mut found = Vec::new();
    let mut first = 0;
    let mut at = 0;
    while at < all.len() {
        let token = &all[at];
        let keyword = token.kind == Kind::Word && ["const", "var", "fn", "struct", "alias", "const_assert"].contains(&token.text);
        if token.is("@") {
            // An attribute belongs to what follows it. Its arguments stand in brackets.
            at += 2;
            if all.get(at).is_some_and(|open| open.is("(")) {
                at = closing(all, at).map_or(all.len(), |close| close + 1);
            }
        } else if keyword {
            let end = end(all, at);
            let name = all[at + 1..end].iter().find(|token| token.kind == Kind::Word);
            // `var<workgroup> name`: the address space is no name.
            let name = if token.text == "var" && all.get(at + 1).is_some_and(|open| open.is("<")) {
                closing(all, at + 1).and_then(|close| all.get(close + 1))
            } else {
                name.filter(|_| token.text != "const_assert")
            };
            found.push(Declaration { keyword: token.text, name: name.map_or("", |name| name.text), tokens: first..end, start: at });
            (first, at) = (end, end);
        } else {
            at += 1;
            first = at;
        }
    }
    found
}

/// The token behind a declaration: functions and structs end with their brace, others with a
/// semicolon.
fn end(all: &[Token<'_>], keyword: usize) -> usize {
    let braced = ["fn", "struct"].contains(&all[keyword].text);
    let rest = all.iter().enumerate().skip(keyword);
    let last = if braced {
        rest.clone().find(|(_, token)| token.is("{")).and_then(|(open, _)| closing(all, open))
    } else {
        rest.clone().find(|(_, token)| token.is(";")).map(|(index, _)| index)
    };
    last.map_or(all.len(), |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tegula_edit::{span, tokens};

    #[test]
    fn declarations_are_found_whatever_the_lines() {
        let text = "#import a/const_b\nconst A: u32 = 1u; const B: vec2u = vec2u(A,\n 2u); // const C\n\
            struct S { a: u32, }\n@group(0) @binding(1)\nvar<storage, read> s: array<S>;\nalias T = u32;\n\
            const_assert A > 0u;\n@compute @workgroup_size(A, 1u) fn main() { var x = 1u; const y = 2u; }\nvar<private> p: u32;";
        let all = tokens(text);
        let found = declarations(&all);
        let named: Vec<_> = found.iter().map(|declaration| (declaration.keyword, declaration.name)).collect();
        let expected = [
            ("const", "A"),
            ("const", "B"),
            ("struct", "S"),
            ("var", "s"),
            ("alias", "T"),
            ("const_assert", ""),
            ("fn", "main"),
            ("var", "p"),
        ];
        assert_eq!(named, expected);
        let text_of = |index: usize| &text[span(&all[found[index].tokens.clone()])];
        assert_eq!(text_of(3), "@group(0) @binding(1)\nvar<storage, read> s: array<S>;");
        assert!(text_of(6).starts_with("@compute") && text_of(6).ends_with('}'));
        assert_eq!(&text[span(found[1].initializer(&all))], "vec2u(A,\n 2u)");
        assert!(found[3].initializer(&all).is_empty());
    }
}
