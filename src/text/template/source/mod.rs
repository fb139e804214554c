//! The source of a template, made ready for the engine.
//!
//! Templates come from whoever made the package, so their nesting is bounded here, before the
//! parser and the code generator recurse over it. The scan also adds what `limits.rs` needs: a
//! filter at what `set` binds, a filter before those that take all items of a value, and a call at
//! the start of each loop and macro. The call counts the tags and the text of the body and looks at
//! the arguments. Variables are bound nowhere else, so no value grows unseen from one statement to
//! the next. Blocks of `generation`, which mark the assistant's turns for training, become blocks of
//! `if true`. Lines stay where they were, and end as in Jinja.

use std::fmt::Write;

mod tag;

use super::expression::is_word;
use super::limits::{self, Failure, Limit};

/// Most bytes of a source. The longest of 111 real templates has 17 thousand.
const SOURCE: usize = 1 << 18;
/// Most blocks and branches around a block. Real ones have up to 10.
const BLOCKS: usize = 80;

/// A block that is open.
struct Block<'a> {
    name: &'a str,
    /// With its branches.
    depth: usize,
    /// Bytes of text and tags in it, without those of loops and macros inside.
    text: usize,
    tags: usize,
    /// Where the call is put, and the names that it looks at.
    call: Option<(usize, String)>,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
    blocks: Vec<Block<'a>>,
    /// Calls that are put into the output, and where.
    calls: Vec<(usize, String)>,
    /// What the source is given instead of some bytes: where, how many, and what.
    edits: Vec<(usize, usize, &'static str)>,
}

/// The source as the engine gets it.
pub fn prepared(text: &str) -> Result<String, Failure> {
    // Jinja reads every kind of line end as one, so that a file written on Windows prints no others.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    if text.len() > SOURCE {
        return Err(Failure::Limit(Limit { what: "bytes of source", most: SOURCE as u64 }));
    }
    let mut scan =
        Scan { text, at: 0, out: String::with_capacity(text.len() * 5 / 4), blocks: Vec::new(), calls: Vec::new(), edits: Vec::new() };
    while let Some(start) = text[scan.at..].find('{').map(|start| scan.at + start) {
        scan.plain(start);
        match text.as_bytes().get(start + 1) {
            Some(b'{') => scan.print()?,
            Some(b'%') => scan.tag()?,
            Some(b'#') => scan.copy(text[start + 2..].find("#}").map_or(text.len(), |end| start + end + 4)),
            _ => scan.plain(start + 1),
        }
    }
    scan.plain(text.len());
    let mut out = String::with_capacity(scan.out.len() + 64 * scan.calls.len());
    let mut end = 0;
    for (place, call) in &scan.calls {
        out.push_str(&scan.out[end..*place]);
        out.push_str(call);
        end = *place;
    }
    out.push_str(&scan.out[end..]);
    Ok(out)
}

impl<'a> Scan<'a> {
    fn copy(&mut self, end: usize) {
        let due = |(at, length, _): &(usize, usize, &str)| at + length <= end;
        while let Some((at, length, instead)) = self.edits.first().copied().filter(due) {
            self.out.push_str(&self.text[self.at..at]);
            self.out.push_str(instead);
            self.at = at + length;
            self.edits.remove(0);
        }
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn edit(&mut self, at: usize, length: usize, instead: &'static str) {
        let place = self.edits.partition_point(|(other, ..)| *other <= at);
        self.edits.insert(place, (at, length, instead));
    }

    /// Copies text that the template prints.
    fn plain(&mut self, end: usize) {
        if let Some(block) = self.blocks.last_mut() {
            block.text += end - self.at;
        }
        self.copy(end);
    }

    /// Counts a tag.
    fn count(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.tags += 1;
        }
    }

    fn print(&mut self) -> Result<(), Failure> {
        let start = self.at + 2;
        let tag = self.read(start + usize::from(self.text[start..].starts_with(['-', '+'])), "}}")?;
        self.count();
        self.copy(tag.end);
        Ok(())
    }

    fn tag(&mut self) -> Result<(), Failure> {
        let text = self.text;
        let start = self.at + 2;
        let signed = start + usize::from(text[start..].starts_with(['-', '+']));
        let named = text.len() - text[signed..].trim_start().len();
        let length = text[named..].find(|char| !is_word(char));
        let name = &text[named..length.map_or(text.len(), |length| named + length)];
        let tag = self.read(named, "%}")?;
        self.count();
        match name {
            "generation" | "endgeneration" => {
                self.copy(named);
                self.out.push_str(if name == "generation" { "if true" } else { "endif" });
                self.at = named + name.len();
            }
            "raw" => {
                let rest = &text[tag.end..];
                let is_end = |(at, _): &(usize, &str)| {
                    let tag = rest[at + 2..].trim_start_matches(['-', '+']).trim_start();
                    tag.starts_with("endraw")
                };
                let end = rest.match_indices("{%").find(is_end).map_or(text.len(), |(at, _)| tag.end + at);
                self.plain(end);
                return Ok(());
            }
            "set" if tag.assign.is_some() => {
                let assign = tag.assign.unwrap_or_default();
                self.copy(assign + 1);
                self.out.push_str(" (");
                self.copy(tag.inner);
                let _ = write!(self.out, ") | {} ", limits::BOUNDED);
            }
            // A loop takes a step for each item, also for those that its condition leaves out.
            "for" if tag.condition.is_some() => {
                let condition = tag.condition.unwrap_or_default();
                self.copy(condition);
                let _ = write!(self.out, " {}(0, 1) and (", limits::SPEND);
                let given = text[condition..tag.inner].trim_end();
                let bare = given.strip_suffix("recursive").filter(|bare| !bare.ends_with(is_word));
                self.copy(condition + bare.unwrap_or(given).len());
                self.out.push_str(") ");
            }
            _ => {}
        }
        self.copy(tag.end);
        let depth = self.blocks.last().map_or(0, |block| block.depth) + 1;
        match name {
            "if" | "generation" | "for" | "macro" | "call" | "with" | "filter" | "set" | "autoescape" => {
                if name == "set" && tag.assign.is_some() {
                    return Ok(());
                }
                self.bound("blocks in each other", depth, BLOCKS)?;
                let names = match name {
                    "macro" => tag.arguments,
                    // Arguments that the block takes, not those that it gives.
                    "call" if text[named + name.len()..].trim_start().starts_with('(') => tag.arguments,
                    "with" => tag.bound,
                    _ => Vec::new(),
                };
                let names = names.iter().fold(String::new(), |names, (start, end)| names + ", " + &text[*start..*end]);
                let called = matches!(name, "for" | "macro" | "call" | "with");
                let call = called.then_some((self.out.len(), names));
                self.blocks.push(Block { name, depth, text: 0, tags: 1, call });
            }
            "elif" => {
                self.bound("blocks in each other", depth, BLOCKS)?;
                if let Some(block) = self.blocks.last_mut() {
                    block.depth += 1;
                }
            }
            _ if name.starts_with("end") => self.close(),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        match block.call {
            Some((place, names)) if !(block.name == "with" && names.is_empty()) => {
                // Written as the tag before it ends: what it does to white space stays.
                let sign = ["-", "+"].into_iter().find(|sign| self.out[..place].ends_with(&format!("{sign}%}}")));
                let sign = sign.unwrap_or_default();
                let call = format!("{{% do {}({}, {}{names}) {sign}%}}", limits::SPEND, block.text, block.tags);
                // Blocks end in another order than they begin. A general sort is much code for a page.
                let at = self.calls.partition_point(|(other, _)| *other < place);
                self.calls.insert(at, (place, call));
            }
            _ => {
                if let Some(around) = self.blocks.last_mut() {
                    around.text += block.text;
                    around.tags += block.tags;
                }
            }
        }
    }

    fn bound(&self, what: &'static str, found: usize, most: usize) -> Result<(), Failure> {
        match found > most {
            true => Err(Failure::Limit(Limit { what, most: most as u64 })),
            false => Ok(()),
        }
    }
}
