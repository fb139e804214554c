//! What a model keeps of each sequence.

use crate::{Dtype, PAGE_SIZE};
use serde::{Deserialize, Serialize};

/// State of some layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Keys and values of every token, in pages.
    Paged(Paged),
}

/// Layers whose caches are alike: they share a page table, and a page of the group is a page in the cache of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paged {
    /// The layers, in order.
    pub layers: Vec<u32>,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// Element type: [`Dtype::F16`] (pairs packed in words) or [`Dtype::F32`].
    pub format: Dtype,
    /// How many tokens these layers look back, the token itself included, where that is less than the context: pages before that are freed.
    pub window: Option<u32>,
}

impl Paged {
    /// Bytes that a page takes in the cache of one layer. Layout: `[page][key, value][kv_heads][PAGE_SIZE][head_dim]`.
    #[must_use]
    pub fn page_bytes(&self) -> u64 {
        self.bytes_per_token().saturating_mul(u64::from(PAGE_SIZE))
    }

    /// Bytes that a token takes in the cache of one layer.
    #[must_use]
    pub fn bytes_per_token(&self) -> u64 {
        let elements = 2 * u64::from(self.kv_heads) * u64::from(self.head_dim);
        elements.saturating_mul(self.format.bytes())
    }

    /// The most tokens of a sequence that are held at once, where steps have up to `chunk` rows: `None` if it is all of them.
    #[must_use]
    pub fn held(&self, chunk: u32) -> Option<u32> {
        // To the ends of the first and of the last page.
        self.window.map(|window| window.saturating_add(chunk).saturating_add(2 * PAGE_SIZE))
    }
}
