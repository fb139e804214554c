//! Weight packages in MLC's format: `mlc-chat-config.json`, `tensor-cache.json`, the shards that it
//! lists and the tokenizer's files.
//!
//! The types of [`chat_config`], [`conversation`] and [`manifest`] are both written and read: their
//! members are in the order in which MLC writes them. MLC has written these files in several versions,
//! so a reader treats absent and null members alike.

pub mod chat_config;
#[cfg(feature = "make")]
pub mod checkpoint;
pub mod conversation;
#[cfg(feature = "make")]
pub mod folder;
mod lenient;
pub mod manifest;
#[cfg(feature = "make")]
pub mod shards;

pub use chat_config::ChatConfig;
pub use manifest::TensorCache;

/// The files of a tokenizer that a package has copies of, where they exist.
pub const TOKENIZER_FILES: [&str; 8] = [
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];
