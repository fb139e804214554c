//! How many rows a step may have, so that every buffer fits in a binding.

use super::{is_picked, logits};
use crate::fuse::Fused;
use crate::graph::Graph;
use crate::op::stage::Bytes;
use crate::{Error, ErrorKind};
use tegula_plan::{MAX_BINDING, PAGE_SIZE};

/// The most rows of which every activation fits in a binding.
pub(crate) struct Limits {
    /// Of a batch.
    pub batch: u32,
    /// What values take that all rows of a prefill step have.
    values: Vec<Bytes>,
}

impl Limits {
    pub(crate) fn of(graph: &Graph, stages: &[Fused], context: u32) -> Limits {
        let logits = logits(graph, stages);
        let is_head = |value| Some(value) == logits || is_picked(graph, value);
        let makes = || stages.iter().flat_map(|fused| fused.stage.makes(graph));
        let widest = makes().map(|made| made.bytes.row + made.bytes.parts).max().unwrap_or(1);
        let page_table = u64::from(context.div_ceil(PAGE_SIZE)) * 4;
        let tokens = u64::from(graph.vocab_size) * 8;
        let batch = (MAX_BINDING / widest.max(page_table).max(tokens)) as u32;
        // A prefill step makes logits for no more rows than a batch has.
        Limits { batch, values: makes().filter(|made| !is_head(made.value)).map(|made| made.bytes).collect() }
    }

    /// Rows of a prefill step beside batches of so many.
    pub(crate) fn chunk(&self, batch: u32) -> u32 {
        let fit = |bytes: &Bytes| MAX_BINDING.saturating_sub(u64::from(batch) * bytes.parts) / bytes.row.max(1);
        self.values.iter().map(fit).min().map_or(u32::MAX, |rows| u32::try_from(rows).unwrap_or(u32::MAX))
    }

    /// `chunk`, where it fits.
    pub(crate) fn check_chunk(&self, chunk: u32, batch: u32) -> Result<u32, Error> {
        within("prefill_chunk_size", chunk, self.chunk(batch))
    }

    /// `batch`, where it fits.
    pub(crate) fn check_batch(&self, batch: u32) -> Result<u32, Error> {
        within("max_batch_size", batch, self.batch)
    }
}

fn within(setting: &'static str, asked: u32, fits: u32) -> Result<u32, Error> {
    if asked <= fits { Ok(asked) } else { Err(ErrorKind::StepTooLarge { setting, asked, fits }.into()) }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
