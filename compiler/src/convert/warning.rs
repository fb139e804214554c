//! Warnings of a conversion.

use serde_json::Value;
use std::fmt;
use tegula_plan::count;

/// Something odd that is no reason to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The checkpoint has tensors that the architecture does not use; their names.
    UnusedTensors(Vec<String>),
    /// The checkpoint has parts for images or sound, which the package is without.
    TextOnly {
        /// How many tensors they have.
        tensors: usize,
        /// Their names.
        parts: Vec<&'static str>,
    },
    /// The config ties the output layer to the embedding, but the checkpoint has another one.
    HeadIgnored,
    /// A setting makes no sense and is left out.
    Setting {
        /// The file that has it.
        file: &'static str,
        /// Its name.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What would make sense.
        expected: &'static str,
        /// What the package says; null for nothing.
        instead: Value,
    },
    /// There is no `tokenizer.json`.
    NoTokenizer,
    /// The tokenizer has no chat template, or one that MLC's templates have no like of.
    NoConversation,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnusedTensors(names) => {
                const SHOWN: usize = 8;
                write!(f, "the architecture does not use {} of the checkpoint: ", count(names.len(), "tensor"))?;
                f.write_str(&names[..names.len().min(SHOWN)].join(", "))?;
                if names.len() > SHOWN { f.write_str(", …") } else { Ok(()) }
            }
            Warning::TextOnly { tensors, parts } => write!(
                f,
                "the package takes text only: {} of the checkpoint's parts for images and sound are left out ({})",
                count(*tensors, "tensor"),
                parts.join(", ")
            ),
            Warning::HeadIgnored => f.write_str(
                "config.json ties the output layer to the embedding, but lm_head.weight of the checkpoint differs from it: \
                 the embedding is used; if the model has an output layer of its own, set `tie_word_embeddings` to false",
            ),
            Warning::Setting { file, setting, found, expected, instead } => {
                write!(f, "`{setting}` in {file} is {found}, but must be {expected}; ")?;
                if instead.is_null() { f.write_str("the package has none") } else { write!(f, "the package has {instead}") }
            }
            Warning::NoTokenizer => f.write_str("there is no tokenizer.json: the package takes and gives token ids only"),
            Warning::NoConversation => f.write_str("no known chat template: WebLLM will join messages without any markup"),
        }
    }
}
