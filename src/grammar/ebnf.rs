//! Grammars in the notation of llama.cpp (GBNF) and XGrammar (EBNF), written as Lark.
//!
//! The first rule is `root`. A rule that does not lead back to itself becomes a terminal, which is a regular expression to the lexer: so
//! texts that overlap, such as `"a" | "ab"`, are told apart exactly. Others become rules.

use std::collections::HashMap;

use super::schema::literal;
use super::{Grammar, Kind};
use crate::{ErrorKind, Result};

/// A piece of the notation.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A rule's name.
    Name(String),
    Text(String),
    /// A class of characters, with its brackets.
    Class(String),
    /// What Lark writes alike: groups, alternatives, repetition.
    Sign(String),
    /// `::=`.
    Is,
}

impl Grammar {
    /// A grammar in Lark, or in llama.cpp's and XGrammar's notation, which has `::=`.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] says what is wrong, and in which line.
    pub fn rules(field: &'static str, text: &str) -> Result<Grammar> {
        let failed = |reason: String| ErrorKind::Grammar { field, reason };
        let text = match tokens(text) {
            Ok(tokens) if tokens.iter().any(|(_, token)| *token == Token::Is) => lark(tokens).map_err(failed)?,
            Err(reason) if text.contains("::=") => return Err(failed(reason).into()),
            _ => text.to_owned(),
        };
        Ok(Grammar { field, kind: Kind::Lark, text })
    }
}

/// The same grammar in Lark.
fn lark(tokens: Vec<(usize, Token)>) -> Result<String, String> {
    let rules = rules(tokens)?;
    let places: HashMap<&str, usize> = rules.iter().enumerate().map(|(place, rule)| (rule.name.as_str(), place)).collect();
    if places.len() < rules.len() {
        return Err("two rules have the same name".into());
    }
    if !places.contains_key("root") {
        return Err("it has no rule `root`".into());
    }
    let mut uses = Vec::with_capacity(rules.len());
    for rule in &rules {
        let named = rule.body.iter().filter_map(|token| if let Token::Name(name) = token { Some(name.as_str()) } else { None });
        let found = named.map(|name| places.get(name).copied().ok_or_else(|| format!("the rule `{name}` of `{}` is missing", rule.name)));
        uses.push(found.collect::<Result<Vec<_>, _>>()?);
    }
    let terminal = terminals(&uses);
    let name = |place: usize| if terminal[place] { format!("TERMINAL_{place}") } else { format!("rule_{place}") };
    let mut out = format!("start: {}\n", name(places["root"]));
    for (place, rule) in rules.iter().enumerate() {
        out.push_str(&format!("{}:", name(place)));
        for token in &rule.body {
            out.push(' ');
            match token {
                Token::Name(other) => out.push_str(&name(places[other.as_str()])),
                Token::Text(text) => out.push_str(&literal(text)),
                Token::Class(class) => out.push_str(&format!("/{class}/")),
                Token::Sign(sign) => {
                    // Repetition belongs to what is before it.
                    if !matches!(sign.as_str(), "(" | ")" | "|") {
                        out.pop();
                    }
                    out.push_str(sign);
                }
                Token::Is => {}
            }
        }
        if rule.body.is_empty() {
            out.push_str(" \"\"");
        }
        out.push('\n');
    }
    Ok(out)
}

/// Which rules lead to no rule that uses itself, by way of others or not: those that use none, and those that use only such rules.
fn terminals(uses: &[Vec<usize>]) -> Vec<bool> {
    let mut users = vec![Vec::new(); uses.len()];
    for (rule, used) in uses.iter().enumerate() {
        used.iter().for_each(|&used| users[used].push(rule));
    }
    let mut left: Vec<usize> = uses.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..uses.len()).filter(|&rule| left[rule] == 0).collect();
    let mut terminal = vec![false; uses.len()];
    while let Some(rule) = ready.pop() {
        terminal[rule] = true;
        for &user in &users[rule] {
            left[user] -= 1;
            if left[user] == 0 {
                ready.push(user);
            }
        }
    }
    terminal
}

struct Rule {
    name: String,
    body: Vec<Token>,
}

/// Takes tokens apart at each `NAME ::=`. Line ends mean nothing.
fn rules(tokens: Vec<(usize, Token)>) -> Result<Vec<Rule>, String> {
    let mut rules: Vec<Rule> = Vec::new();
    for (line, token) in tokens {
        match (token, rules.last_mut()) {
            (Token::Is, Some(rule)) => {
                let Some(Token::Name(name)) = rule.body.pop() else { return Err(format!("line {line}: a name must be before `::=`")) };
                // The name of the first rule waits in a rule without one.
                if rules.len() == 1 && rules[0].name.is_empty() {
                    rules[0].name = name;
                } else {
                    rules.push(Rule { name, body: Vec::new() });
                }
            }
            (token, Some(rule)) => rule.body.push(token),
            (token, None) => rules.push(Rule { name: String::new(), body: vec![token] }),
        }
    }
    match rules.first() {
        None => Err("it has no rules".into()),
        Some(rule) if rule.name.is_empty() => Err("it has no rules".into()),
        Some(_) => Ok(rules),
    }
}

/// The tokens of a grammar, with their lines.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let failed = |what: &str| format!("line {line}: {what}");
        let (token, length) = match first {
            _ if first.is_whitespace() => (None, first.len_utf8()),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' => {
                let length = closing(rest, first).ok_or_else(|| failed("a text does not end"))?;
                (Some(Token::Text(unescaped(&rest[1..length - 1]).map_err(|what| failed(&what))?)), length)
            }
            '[' => {
                let length = closing(rest, ']').ok_or_else(|| failed("a class of characters does not end"))?;
                (Some(Token::Class(class(&rest[..length]).map_err(|what| failed(&what))?)), length)
            }
            '.' => (Some(Token::Class("(?s:.)".into())), 1),
            '(' | ')' | '|' | '*' | '+' | '?' => (Some(Token::Sign(first.into())), 1),
            '{' => {
                let length = 1 + rest.find('}').ok_or_else(|| failed("a number of repetitions does not end"))?;
                (Some(Token::Sign(rest[..length].split_whitespace().collect())), length)
            }
            ':' if rest.starts_with("::=") => (Some(Token::Is), 3),
            _ if is_name(first) => {
                let length = rest.find(|char| !is_name(char)).unwrap_or(rest.len());
                (Some(Token::Name(rest[..length].to_owned())), length)
            }
            _ => return Err(failed(&format!("`{first}` is not expected"))),
        };
        tokens.extend(token.map(|token| (line, token)));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '-' | '_')
}

/// The length up to the closing mark, which a backslash hides.
fn closing(text: &str, mark: char) -> Option<usize> {
    let mut hidden = false;
    for (place, char) in text.char_indices().skip(1) {
        match char {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if char == mark => return Some(place + char.len_utf8()),
            _ => {}
        }
    }
    None
}

/// What a text with escapes says.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.push(if char == '\\' { escaped(&mut chars)? } else { char });
    }
    Ok(out)
}

/// A class of characters, for a regular expression.
fn class(text: &str) -> Result<String, String> {
    let inner = &text[1..text.len() - 1];
    let (not, inner) = inner.strip_prefix('^').map_or(("", inner), |inner| ("^", inner));
    let mut out = format!("[{not}");
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        let (char, bare) = if char == '\\' { (escaped(&mut chars)?, false) } else { (char, true) };
        // A dash between two characters is a range, as it is in a regular expression.
        if char == '-' && bare {
            out.push('-');
        } else {
            out.push_str(&format!("\\x{{{:X}}}", u32::from(char)));
        }
    }
    out.push(']');
    Ok(out)
}

/// The character that is written behind a backslash.
fn escaped(chars: &mut std::str::Chars<'_>) -> Result<char, String> {
    let kind = chars.next().ok_or("a backslash stands at the end")?;
    let digits = match kind {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Ok(other),
    };
    let code: String = chars.by_ref().take(digits).collect();
    let known = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits).and_then(char::from_u32);
    known.ok_or_else(|| format!("`\\{kind}{code}` is no character"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String> {
        Ok(Grammar::rules("grammar", text)?.text)
    }

    #[test]
    fn what_does_not_recur_is_a_terminal() {
        let text = "# sums\nroot ::= term (\"+\" term)*\nterm ::= num | \"(\" root \")\"\n num ::= [0-9]{1,3} \".\"? ";
        let expected = "start: rule_0\nrule_0: rule_1 ( \"+\" rule_1 )*\nrule_1: TERMINAL_2 | \"(\" rule_0 \")\"\n\
                        TERMINAL_2: /[\\x{30}-\\x{39}]/{1,3} \".\"?\n";
        assert_eq!(of(text).unwrap(), expected);
        assert_eq!(
            of("root ::= \"\\u00e9\\n\\\"\" [^\\]\"/] .").unwrap(),
            "start: TERMINAL_0\nTERMINAL_0: \"é\\n\\\"\" /[^\\x{5D}\\x{22}\\x{2F}]/ /(?s:.)/\n"
        );
        assert_eq!(of("start: \"a\"").unwrap(), "start: \"a\"");
    }

    #[test]
    fn what_leads_to_a_rule_that_recurs_is_a_rule() {
        let text = of("root ::= a b\na ::= \"(\" c \")\"\nb ::= d d\nc ::= a | \"x\"\nd ::= \"y\"").unwrap();
        let names: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["rule_0", "rule_1", "TERMINAL_2", "rule_3", "TERMINAL_4"]);
        // A long chain of rules is read in one go.
        let chain: String = (0..20_000).map(|rule| format!("\nr{rule} ::= r{}", rule + 1)).collect();
        assert!(of(&format!("root ::= r0{chain}\nr20000 ::= \"a\"")).unwrap().starts_with("start: TERMINAL_0\n"));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, expected) in [
            ("root ::= other", "the rule `other` of `root` is missing"),
            ("first ::= \"a\"", "it has no rule `root`"),
            ("root ::= \"a\"\nb ::= \"c", "line 2: a text does not end"),
            ("root ::= \"a\" root ::= \"b\"", "two rules have the same name"),
            ("::= \"a\"", "it has no rules"),
            ("root ::= \"\\xZZ\"", "line 1: `\\xZZ` is no character"),
            ("root ::= ;", "line 1: `;` is not expected"),
        ] {
            let error = of(text).unwrap_err();
            assert_eq!(error.to_string(), format!("`grammar` is no grammar that answers can keep to: {expected}"), "{text}");
        }
    }
}
