//! `tegula tokenize`: text to ids, as `run --raw` tokenizes a prompt, and ids to text.

use anyhow::{Context, Result};
use serde::Serialize;
use tegula::load::folder;

use crate::args::Tokenize;
use crate::{report, source};

/// What `--json` prints.
#[derive(Serialize)]
struct Output {
    ids: Vec<u32>,
    /// The tokens as the vocabulary spells them.
    tokens: Vec<Option<String>>,
    text: String,
}

/// Prints the ids of a text, or the text of ids.
pub fn tokenize(args: &Tokenize) -> Result<()> {
    source::exists(&args.package)?;
    let tokenizer = folder::tokenizer(&args.package)?.with_context(|| format!("{} has no tokenizer.json", args.package.display()))?;
    let ids = match (&args.decode, &args.text) {
        (Some(ids), _) => ids.clone(),
        (None, text) => tokenizer.encode(text.as_deref().unwrap_or_default(), true)?,
    };
    if args.json {
        let tokens = ids.iter().map(|&id| tokenizer.token(id)).collect();
        return report::print_json(&Output { tokens, text: tokenizer.decode_with_special(&ids), ids });
    }
    let line = match args.decode {
        Some(_) => tokenizer.decode_with_special(&ids),
        None => ids.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
    };
    report::print_text(&format!("{line}\n"))
}
