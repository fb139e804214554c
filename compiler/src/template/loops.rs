//! Loops as drivers and browsers need them.
//!
//! **A loop marked `// unroll` is written out**, a block for each turn: `for (var i = 0u; i <
//! COUNT; i++) { // unroll`, where `COUNT` is a module constant. Drivers keep a private array in
//! registers only where every index is known, and not all of them unroll the loops that index it.
//! Fragments of matrices in an array that a loop runs over cost more than the matrix units save.
//!
//! **Every other loop is made to end.** A browser must not let a kernel run for ever. Chrome's
//! compiler knows that a loop ends where a variable is counted up by one to a constant. In every
//! other loop it counts turns itself, in 64 bits of two variables, and no driver unrolls a loop
//! that then has two ways out. A loop that goes in strides, or to a bound that only the device
//! knows, is therefore rewritten: it is counted by one to a constant that it never reaches, and
//! left where it ends. Natively nothing changes. Such a loop reads `for (var i = FIRST; i < BOUND;
//! i += STRIDE) {`, with `<=` for `<` or `i++` as well. `FIRST` keeps its value in the loop.

use super::constants::Constants;
use super::file::MARK;
use super::wrong;
use crate::Error;
use std::ops::Range;
use tegula_edit::{Edits, Kind, Token, closing, span};

/// More turns than any loop makes.
const ENDLESS: &str = "0x7fffffffu";

/// The most turns that are written out: more would be text without use.
const MOST: u32 = 64;

/// The loops of a text.
pub(super) struct Loops<'a> {
    pub template: &'a str,
    pub text: &'a str,
    pub tokens: &'a [Token<'a>],
    pub constants: &'a Constants,
}

/// Variables of loops that are being written out, with the turn that each is at.
type Turns<'a> = [(&'a str, u32)];

impl<'a> Loops<'a> {
    /// Rewrites all loops among these tokens.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Template`] where a loop is of another kind.
    pub fn edit(&self, within: Range<usize>, edits: &mut Edits<'a>) -> Result<(), Error> {
        self.walk(within, &[], &[], edits)
    }

    /// Rewrites the loops among these tokens and puts turns in the place of variables. Words in
    /// `refused` would leave a loop that is written out.
    fn walk(&self, within: Range<usize>, turns: &Turns<'a>, refused: &[&str], edits: &mut Edits<'a>) -> Result<(), Error> {
        let mut at = within.start;
        while at < within.end {
            let token = &self.tokens[at];
            if token.kind != Kind::Word {
                at += 1;
                continue;
            }
            match token.text {
                "for" => {
                    let read = self.read(at)?;
                    if read.is_marked {
                        self.write_out(&read, turns, edits)?;
                    } else {
                        self.make_end(&read, turns, edits);
                        self.walk(read.body.clone(), turns, &[], edits)?;
                    }
                    at = read.body.end;
                }
                "switch" => {
                    // A `break` leaves the switch; `continue` is still about the loop.
                    let open = (at..within.end).find(|&index| self.tokens[index].is("{"));
                    let close = open.and_then(|open| closing(self.tokens, open)).ok_or_else(|| self.refuse(at, "it has no end"))?;
                    let refused: Vec<&str> = refused.iter().copied().filter(|word| *word != "break").collect();
                    self.walk(at + 1..close, turns, &refused, edits)?;
                    at = close;
                }
                "while" | "loop" => return Err(self.refuse(at, "only `for` loops can be shown to end")),
                word if refused.contains(&word) => return Err(self.refuse(at, "a loop that is written out cannot be left early")),
                _ => {
                    if let Some(turn) = self.turn(at, turns) {
                        edits.replace(token.start..token.end(), format!("{turn}u"));
                    }
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// The turn that a token stands for: it is the name of a variable, and not of a member.
    fn turn(&self, at: usize, turns: &Turns<'a>) -> Option<u32> {
        let is_member = at > 0 && self.tokens[at - 1].is(".");
        turns.iter().rev().find(|(name, _)| !is_member && self.tokens[at].is(name)).map(|(_, turn)| *turn)
    }

    /// Reads the head of a loop.
    fn read(&self, start: usize) -> Result<Loop<'a>, Error> {
        let refuse = || self.refuse(start, "it is not counted up, so browsers would count its turns");
        let tokens = self.tokens;
        let close = closing(tokens, start + 1).filter(|_| tokens[start + 1].is("(")).ok_or_else(refuse)?;
        let semicolons: Vec<usize> = (start..close).filter(|&index| tokens[index].is(";")).collect();
        let [first_end, bound_end] = semicolons[..] else { return Err(refuse()) };
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
        // Two symbols that are one operator.
        let joined = |at: usize, text: &str| is(at, text) && tokens[at].start == tokens[at - 1].end();
        let variable = tokens.get(start + 3).map_or("", |token| token.text);
        let at_most = joined(first_end + 3, "=");
        let bound = first_end + 3 + usize::from(at_most)..bound_end;
        let counts = is(start + 2, "var")
            && is(start + 4, "=")
            && is(first_end + 1, variable)
            && is(first_end + 2, "<")
            && is(bound_end + 1, variable)
            && is(bound_end + 2, "+");
        let stride = match counts {
            true if joined(bound_end + 3, "+") && bound_end + 4 == close => None,
            true if joined(bound_end + 3, "=") => Some(bound_end + 4..close),
            _ => return Err(refuse()),
        };
        let open = close + 1;
        let end = closing(tokens, open).filter(|_| tokens[open].is("{")).ok_or_else(|| self.refuse(start, "it has no end"))?;
        let is_marked = tokens[open + 1].text == MARK;
        let body = open + 1 + usize::from(is_marked)..end;
        Ok(Loop { start, variable, first: start + 5..first_end, at_most, bound, stride, is_marked, open, body })
    }

    /// Writes a loop out.
    fn write_out(&self, read: &Loop<'a>, turns: &Turns<'a>, edits: &mut Edits<'a>) -> Result<(), Error> {
        let only = || self.refuse(read.start, "only `for (var i = 0u; i < COUNT; i++) {` can be written out");
        let [first] = &self.tokens[read.first.clone()] else { return Err(only()) };
        let [bound] = &self.tokens[read.bound.clone()] else { return Err(only()) };
        if !first.is("0u") || read.at_most || read.stride.is_some() {
            return Err(only());
        }
        let count = self.constants.number(bound.text).filter(|count| *count <= MOST);
        let count = count.ok_or_else(|| self.refuse(read.start, "its bound is no constant of at most 64"))?;
        // From the line behind the mark to the brace.
        let inner = self.tokens[read.body.start - 1].end()..self.tokens[read.body.end].start;
        let mut out = String::new();
        for turn in 0..count {
            let mut body = Edits::default();
            self.walk(read.body.clone(), &[turns, &[(read.variable, turn)]].concat(), &["break", "continue"], &mut body)?;
            out.push('{');
            out.push_str(body.apply(self.text, inner.clone()).trim_end());
            out.push_str("\n}\n");
        }
        // The indentation goes with the loop, and so does the end of its last line.
        let indented = self.text[..self.tokens[read.start].start].trim_end_matches(' ').len();
        let end = self.tokens[read.body.end].end();
        edits.replace(indented..end + usize::from(self.text[end..].starts_with('\n')), out);
        Ok(())
    }

    /// Rewrites the head of a loop that browsers would not know to end.
    fn make_end(&self, read: &Loop<'a>, turns: &Turns<'a>, edits: &mut Edits<'a>) {
        let part = |tokens: Range<usize>| {
            let mut part = Edits::default();
            for at in tokens.clone() {
                if let Some(turn) = self.turn(at, turns) {
                    part.replace(self.tokens[at].start..self.tokens[at].end(), format!("{turn}u"));
                }
            }
            part.apply(self.text, span(&self.tokens[tokens]))
        };
        let is_constant = |at: usize| {
            let token = &self.tokens[at];
            token.kind != Kind::Word || self.constants.has(token.text) || self.turn(at, turns).is_some()
        };
        let head = self.tokens[read.start].start..self.tokens[read.open].end();
        let (variable, first, bound) = (read.variable, part(read.first.clone()), part(read.bound.clone()));
        let leave = format!("if {variable} {} {bound} {{ break; }}", if read.at_most { ">" } else { ">=" });
        let written = match &read.stride {
            None if !read.at_most && read.bound.clone().all(is_constant) => {
                format!("for (var {variable} = {first}; {variable} < {bound}; {variable}++) {{")
            }
            None => format!("for (var {variable} = {first}; {variable} < {ENDLESS}; {variable}++) {{ {leave}"),
            Some(stride) => {
                let stride = part(stride.clone());
                format!(
                    "for (var turn_{variable} = 0u; turn_{variable} < {ENDLESS}; turn_{variable}++) {{ \
                     let {variable} = {first} + turn_{variable} * ({stride}); {leave}"
                )
            }
        };
        edits.replace(head, written);
    }

    fn refuse(&self, at: usize, reason: &str) -> Error {
        let line = self.text[self.tokens[at].start..].lines().next().unwrap_or_default();
        wrong(self.template, &format!("`{}`: {reason}", line.trim_end_matches(MARK).trim()))
    }
}

/// `for (var VARIABLE = FIRST; VARIABLE < BOUND; VARIABLE += STRIDE) { BODY }`, by tokens.
struct Loop<'a> {
    start: usize,
    variable: &'a str,
    first: Range<usize>,
    /// Whether it reads `<=`.
    at_most: bool,
    bound: Range<usize>,
    /// None for one.
    stride: Option<Range<usize>>,
    is_marked: bool,
    open: usize,
    body: Range<usize>,
}

#[cfg(test)]
#[path = "loops_tests.rs"]
mod tests;
