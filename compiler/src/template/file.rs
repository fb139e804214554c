//! The files under `wgsl/`, and the modules that are made of the crate `plan`, each read once.

use super::declaration::declarations;
use super::plan::{Agreement, PLAN};
use super::{Slots, wrong};
use crate::Error;
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tegula_edit::{Kind, Token, tokens};

static WGSL: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../wgsl");

/// What follows the brace of a loop that is to be written out. It is the one comment that kernels
/// keep until they are built.
pub(super) const MARK: &str = "// unroll";

/// How a comment begins that lists the values to try for a constant.
const TUNE: &str = "// tune:";

/// A tunable and the values to try.
type Tunable = (&'static str, Vec<u32>);

struct File {
    text: &'static str,
    pieces: Vec<Piece>,
    /// Constants of type `u32` whose value is a number.
    constants: Vec<(&'static str, u32)>,
    /// The reason where a comment is not understood.
    tunables: Result<Vec<Tunable>, &'static str>,
    is_entry: bool,
}

/// A part of a file.
enum Piece {
    /// Lines without comments.
    Text(String),
    /// What an `#import` line names.
    Import(&'static str),
}

/// All files by path without extension.
pub(super) struct Files(BTreeMap<&'static str, File>);

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| Files::new(&PLAN))
}

impl Files {
    /// All files, and the modules that say what hosts and kernels agree on.
    pub fn new(agreement: &Agreement<'_>) -> Files {
        fn walk(dir: &'static Dir<'static>, files: &mut BTreeMap<&'static str, File>) {
            let named =
                |file: &'static include_dir::File<'static>| Some((file.path().to_str()?.strip_suffix(".wgsl")?, file.contents_utf8()?));
            files.extend(dir.files().filter_map(named).map(|(name, text)| (name, File::new(text))));
            dir.dirs().for_each(|dir| walk(dir, files));
        }
        let mut files = BTreeMap::new();
        walk(&WGSL, &mut files);
        // Ops and formats of tests bring their own.
        #[cfg(test)]
        files.extend([crate::op::toy::WGSL, crate::format::toy::WGSL].map(|(name, text)| (name, File::new(text))));
        // They live as long as the program, as files do that are part of it.
        files.extend(agreement.modules().map(|(name, text)| (name, File::new(text.leak()))));
        Files(files)
    }

    fn file(&self, name: &str) -> Result<&File, Error> {
        self.0.get(name).ok_or_else(|| wrong(name, "there is no such file under wgsl/"))
    }

    /// Follows the imports of a template, each once, with some redirected.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Template`] where a file or a slot does not exist: a defect of the
    /// compiler or of a template.
    pub fn join(&self, template: &str, slots: Slots<'_>) -> Result<String, Error> {
        let mut joined = Joined { files: self, slots, used: vec![false; slots.len()], seen: Vec::new(), text: String::new() };
        joined.include(template)?;
        match joined.used.iter().position(|used| !used) {
            Some(unused) => Err(wrong(template, &format!("it imports no `{}`", slots[unused].0))),
            None => Ok(joined.text),
        }
    }
}

fn file(name: &str) -> Result<&'static File, Error> {
    files().file(name)
}

impl File {
    fn new(text: &'static str) -> File {
        let all = tokens(text);
        let declarations = declarations(&all);
        let number = |token: &Token<'static>| token.text.strip_suffix('u')?.parse().ok();
        let constants = declarations.iter().filter_map(|declaration| match declaration.initializer(&all) {
            [number_token] => Some((declaration.name, number(number_token)?)),
            _ => None,
        });
        let tunables = all.iter().enumerate().filter(|(_, token)| token.kind == Kind::Comment && token.text.starts_with(TUNE));
        let tunables = tunables.map(|(index, comment)| {
            let constant = declarations.iter().find(|declaration| declaration.keyword == "const" && declaration.tokens.end == index);
            let values = comment.text[TUNE.len()..].split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>();
            match (constant, values) {
                (Some(constant), Ok(values)) => Ok((constant.name, values)),
                _ => Err("a `// tune:` comment follows something else than a constant, or names no numbers"),
            }
        });
        File {
            text,
            constants: constants.collect(),
            tunables: tunables.collect(),
            pieces: pieces(text, &all),
            is_entry: all.iter().any(|token| token.is("compute")),
        }
    }
}

/// A file without comments and empty lines, cut at its imports.
fn pieces(text: &'static str, all: &[Token<'static>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = String::new();
    let mut rest = all.iter().peekable();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        // Comments are found as tokens, and the rest is kept as it is laid out.
        let mut kept = String::new();
        let mut at = start;
        while let Some(token) = rest.next_if(|token| token.start < end) {
            if token.kind == Kind::Comment && token.text != MARK {
                kept.push_str(&text[at..token.start]);
                at = token.end();
            }
        }
        kept.push_str(text.get(at..end).unwrap_or_default());
        if let Some(import) = kept.trim().strip_prefix("#import ") {
            let import = import.trim();
            pieces.push(Piece::Text(std::mem::take(&mut lines)));
            pieces
                .push(Piece::Import(text[start..end].find(import).map_or("", |found| &text[start + found..start + found + import.len()])));
        } else if !kept.trim().is_empty() {
            lines.push_str(kept.trim_end());
            lines.push('\n');
        }
        start = end;
    }
    pieces.push(Piece::Text(lines));
    pieces
}

/// Every file under `wgsl/`, by path without extension, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    files().0.keys().copied().collect()
}

/// Every file under `wgsl/` with an entry point, by path without extension, in order: the others
/// are modules that these import.
#[must_use]
pub fn entries() -> Vec<&'static str> {
    files().0.iter().filter(|(_, file)| file.is_entry).map(|(name, _)| *name).collect()
}

/// The number that a template gives a constant of its own, if it is one.
pub fn constant(template: &str, name: &str) -> Result<Option<u32>, Error> {
    Ok(file(template)?.constants.iter().find(|(other, _)| *other == name).map(|(_, value)| *value))
}

/// The modules that a template imports, itself or through others.
pub fn imports(template: &str) -> Result<Vec<&'static str>, Error> {
    let mut found = Vec::new();
    let mut open = vec![file(template)?];
    while let Some(next) = open.pop() {
        for piece in &next.pieces {
            if let Piece::Import(name) = piece
                && !found.contains(name)
            {
                found.push(*name);
                open.push(file(name)?);
            }
        }
    }
    Ok(found)
}

/// The text of a file under `wgsl/`.
pub fn source(name: &str) -> Result<&'static str, Error> {
    Ok(file(name)?.text)
}

/// The tunables of a template and the values to try: constants with a trailing `// tune: 1 2 4`.
pub fn tunables(name: &str) -> Result<&'static [Tunable], Error> {
    match &file(name)?.tunables {
        Ok(tunables) => Ok(tunables),
        Err(reason) => Err(wrong(name, reason)),
    }
}

/// [`Files::join`] of the files as they are.
pub(super) fn join(template: &str, slots: Slots<'_>) -> Result<String, Error> {
    files().join(template, slots)
}

struct Joined<'a> {
    files: &'a Files,
    slots: Slots<'a>,
    used: Vec<bool>,
    seen: Vec<&'a str>,
    text: String,
}

impl<'a> Joined<'a> {
    fn include(&mut self, name: &'a str) -> Result<(), Error> {
        if self.seen.contains(&name) {
            return Ok(());
        }
        self.seen.push(name);
        for piece in &self.files.file(name)?.pieces {
            match piece {
                Piece::Text(text) => self.text.push_str(text),
                Piece::Import(import) => {
                    let slot = self.slots.iter().position(|(slot, _)| slot == import);
                    if let Some(slot) = slot {
                        self.used[slot] = true;
                    }
                    self.include(slot.map_or(import, |slot| self.slots[slot].1))?;
                }
            }
        }
        Ok(())
    }
}
