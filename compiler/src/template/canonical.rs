//! What a text computes, without what it is called.
//!
//! Search records hold as long as the kernel that was measured computes the same. Moving a function
//! to another module, renaming a variable or editing a comment changes no kernel. So the
//! fingerprint of a record is made of this form: the declarations that `main` uses, in the order of
//! their first use, with numbers for names, and numbers for the constants that are one. Left out
//! are comments, assertions, the numbers and names of bindings, and the values of constants that a
//! spec or a schedule sets. Members of structs keep their names.

use super::declaration::{Declaration, declarations};
use super::file::MARK;
use std::collections::HashMap;
use tegula_edit::{Kind, Token, tokens};

/// The form of a text. The constants named in `open` have no value.
pub(super) fn canonical(text: &str, open: &[&str]) -> String {
    let all = tokens(text);
    let declarations = declarations(&all);
    let places: HashMap<&str, usize> = declarations.iter().enumerate().map(|(place, declaration)| (declaration.name, place)).collect();
    let literals = declarations.iter().filter_map(|declaration| match declaration.initializer(&all) {
        [number] if number.kind == Kind::Number && !open.contains(&declaration.name) => Some((declaration.name, number.text)),
        _ => None,
    });
    let literals = literals.collect();
    let mut form = Form { all: &all, declarations: &declarations, places, literals, queue: Vec::new(), out: String::new() };
    let main = declarations.iter().position(|declaration| declaration.keyword == "fn" && declaration.name == "main");
    form.queue.extend(main);
    // What a workgroup makes is part of a kernel, though no function uses it.
    form.queue.extend(declarations.iter().position(|declaration| declaration.name == "BLOCK"));
    let mut next = 0;
    while let Some(place) = form.queue.get(next).copied() {
        form.declaration(&declarations[place], open);
        next += 1;
    }
    form.out
}

struct Form<'a> {
    all: &'a [Token<'a>],
    declarations: &'a [Declaration<'a>],
    places: HashMap<&'a str, usize>,
    /// Constants that are a number.
    literals: HashMap<&'a str, &'a str>,
    /// Declarations in the order of their first use, by place in the text.
    queue: Vec<usize>,
    out: String,
}

impl<'a> Form<'a> {
    fn declaration(&mut self, declaration: &Declaration<'a>, open: &[&str]) {
        let own = &self.all[declaration.tokens.clone()];
        let locals = locals(declaration, own);
        // By order of first occurrence.
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let is_open = declaration.keyword == "const" && open.contains(&declaration.name);
        let mut at = 0;
        while at < own.len() {
            let token = &own[at];
            let before = at.checked_sub(1).map(|before| &own[before]);
            let is_member = before.is_some_and(|before| before.is("."));
            let is_attribute = before.is_some_and(|before| before.is("@"));
            if is_attribute && ["group", "binding"].contains(&token.text) {
                at += 4;
                continue;
            }
            if is_open && token.is("=") {
                self.out.push_str(" open");
                break;
            }
            at += 1;
            if token.kind == Kind::Comment && token.text != MARK {
                continue;
            }
            self.out.push(' ');
            if token.kind == Kind::Word && !is_member && !is_attribute {
                let count = numbers.len();
                if locals.contains(&token.text) {
                    self.out.push_str(&format!("%{}", numbers.entry(token.text).or_insert(count)));
                    continue;
                }
                if let Some(literal) = self.literals.get(token.text) {
                    self.out.push_str(literal);
                    continue;
                }
                if let Some(&place) = self.places.get(token.text).filter(|_| !self.is_member_name(declaration, own, at - 1)) {
                    let number = self.number(place);
                    self.out.push_str(&format!("${number}"));
                    continue;
                }
            }
            self.out.push_str(token.text);
        }
        self.out.push('\n');
    }

    /// Members of a struct are declared as `name: type`.
    fn is_member_name(&self, declaration: &Declaration<'_>, own: &[Token<'_>], at: usize) -> bool {
        declaration.keyword == "struct" && own.get(at + 1).is_some_and(|next| next.is(":"))
    }

    /// The number of a declaration, which follows in its turn.
    fn number(&mut self, place: usize) -> usize {
        self.queue.iter().position(|queued| *queued == place).unwrap_or_else(|| {
            debug_assert!(place < self.declarations.len());
            self.queue.push(place);
            self.queue.len() - 1
        })
    }
}

/// The names that a function declares: parameters and variables.
fn locals<'a>(declaration: &Declaration<'a>, own: &[Token<'a>]) -> Vec<&'a str> {
    if declaration.keyword != "fn" {
        return Vec::new();
    }
    let pairs = own.windows(2).filter(|pair| pair[1].kind == Kind::Word && ["let", "var", "const"].iter().any(|word| pair[0].is(word)));
    let declared = pairs.map(|pair| pair[1].text);
    // Of a function nothing but parameters has a type behind a colon, apart from variables, which
    // are among the declared.
    let typed = own.windows(2).filter(|pair| pair[0].kind == Kind::Word && pair[1].is(":") && !pair[0].is("default"));
    declared.chain(typed.map(|pair| pair[0].text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "const N: u32 = 4u;\nconst M: u32 = N * 2u;\nconst BLOCK: vec3u = vec3u(M, 1u, 1u);\nstruct P { a: u32, }\n\
        @group(0) @binding(1) var<storage, read> xs: array<u32>;\nvar<private> sum: u32;\n\
        fn get(i: u32) -> u32 { let x = xs[i]; return x + M; }\nfn unused() {}\n\
        @compute @workgroup_size(N) fn main() { var p: P; for (var i = 0u; i < N; i++) { // unroll\np.a += get(i); }\nsum = p.a; }\n";

    fn form(text: &str) -> String {
        canonical(text, &["N"])
    }

    #[test]
    fn names_order_comments_and_open_values_make_no_difference() {
        let moved = "const BLOCK: vec3u = vec3u(TWICE, 1u, 1u); // other\nvar<private> total: u32;\n\
            @compute @workgroup_size(N)\nfn main() {\n  var q: Q;\n  for (var j = 0u; j < N; j++) { // unroll\n    q.a += fetch(j);\n  }\n  total = q.a;\n}\n\
            fn fetch(k: u32) -> u32 {\n  let y = input[k];\n  return y + TWICE;\n}\nconst TWICE: u32 = N * 2u;\nstruct Q { a: u32, }\n\
            @group(0) @binding(7) var<storage, read> input: array<u32>;\nconst N: u32 = 128u;\nconst_assert N > 0u;\n";
        assert_eq!(form(moved), form(TEXT));
        assert_eq!(form(&TEXT.replace("N * 2u", "N * TWO").replace("struct P", "const TWO: u32 = 2u;\nstruct P")), form(TEXT));
    }

    #[test]
    fn everything_else_makes_one() {
        let changes = [
            ("N * 2u", "N * 3u"),
            ("let x = xs[i]", "let x = xs[i + 1u]"),
            (" // unroll", ""),
            ("array<u32>", "array<i32>"),
            ("vec3u(M, 1u", "vec3u(N, 1u"),
            ("@workgroup_size(N)", "@workgroup_size(M)"),
            ("x + M", "x + x"),
            ("p.a += get(i)", "p.a += get(N)"),
        ];
        for (from, to) in changes {
            assert_ne!(form(&TEXT.replace(from, to)), form(TEXT), "{from}");
        }
        assert_ne!(canonical(TEXT, &[]), canonical(&TEXT.replace("= 4u", "= 5u"), &[]));
    }
}
