//! Logits of every token of a text, beside the requests that run.

use super::{Engine, row};
use crate::model::forward::{Entry, Forward, Read};
use crate::{ErrorKind, Result};

impl<M: Forward> Engine<M> {
    /// Shows the logits after every one of `ids` to `visit`, as (position, logits), in order. Requests that run are left alone.
    ///
    /// # Errors
    /// [`ErrorKind::NoEntry`], [`ErrorKind::Busy`], [`ErrorKind::ContextWindowSizeExceeded`], [`ErrorKind::UnknownToken`], those of the device.
    pub(crate) async fn score(&mut self, ids: &[u32], mut visit: impl FnMut(usize, &[f32])) -> Result<()> {
        self.intake.check_ids(ids)?;
        let context = self.model.capacity();
        if ids.len() as u64 > u64::from(context) {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: ids.len() as u64, context: u64::from(context) }.into());
        }
        let most = self.model.max_rows(Entry::Score).ok_or(ErrorKind::NoEntry { entry: Entry::Score.name() })? as usize;
        // The slot stays in the list: nobody takes it while this borrows the engine.
        let busy = ErrorKind::Busy { slots: self.running.len() as u32 };
        let slot = *self.slots.last().ok_or(busy)?;
        let outcome = self.score_in(slot, ids, most.max(1), &mut visit).await;
        self.model.release(slot);
        outcome
    }

    async fn score_in(&mut self, slot: u32, ids: &[u32], most: usize, visit: &mut impl FnMut(usize, &[f32])) -> Result<()> {
        let vocab = self.model.facts().vocab_size as usize;
        self.model.release(slot);
        self.forget_prefixes();
        let after = self.model.facts().stretched_after;
        self.model.stretch(slot, after.is_some_and(|after| ids.len() > after as usize));
        for (start, chunk) in (0..).step_by(most).zip(ids.chunks(most)) {
            self.model.forget(slot, start as u32);
            let end = start + chunk.len();
            if !self.model.room(slot, end as u32).await? {
                return Err(self.shortage(end));
            }
            self.rows.clear();
            self.rows.extend(chunk.iter().zip(start..).map(|(&token, position)| row(token, position, slot)));
            let read = Read::logits(chunk.len() as u32);
            let readback = self.model.submit(Entry::Score, &mut self.rows, read)?.await?;
            self.counters.steps += 1;
            for (position, logits) in (start..).zip(readback.logits.chunks(vocab)) {
                visit(position, logits);
            }
        }
        Ok(())
    }
}
