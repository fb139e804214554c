//! How long the sequences of a model may be, by its config.

use super::Rope;
use crate::config::Config;
use serde::Deserialize;

/// How many positions a model is for: those that it was trained with, and what its rope stretches them to. `None` where the config does not
/// tell, or cannot be read.
#[must_use]
pub fn positions(config: &Config) -> Option<u32> {
    #[derive(Deserialize)]
    struct Positions {
        max_position_embeddings: Option<u32>,
        // The names of GPT-2, which some configs have both, and of ChatGLM.
        n_positions: Option<u32>,
        n_ctx: Option<u32>,
        seq_length: Option<u32>,
        #[serde(flatten)]
        rope: Rope,
    }
    let found: Positions = config.read("any").ok()?;
    let trained = [found.max_position_embeddings, found.n_positions, found.n_ctx, found.seq_length, config.context_window_size]
        .into_iter()
        .flatten()
        .next()?;
    Some(found.rope.stretched(trained))
}
