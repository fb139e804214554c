//! How long a stream waits for a token while a long prompt of another runs.

use serde::Serialize;

use super::{Bench, NAME, Workload, median};
use crate::clock::seconds;
use crate::model::forward::Forward;
use crate::{ErrorKind, Result};

/// Tokens of the stream before the prompt comes.
const BEFORE: usize = 16;

/// A stream with a long prompt beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// Seconds between tokens of the stream before the prompt came: the median.
    pub alone_seconds: f64,
    /// The longest time between tokens while the prompt ran.
    pub longest_seconds: f64,
    /// Tokens that the stream got while the prompt ran.
    pub tokens: usize,
    /// Seconds to the first token of the prompt.
    pub first_token_seconds: f64,
}

/// The same prompt in both ways that the engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gaps {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Rows of the prompt share steps with those of the stream.
    pub mixed: Gap,
    /// Whole chunks of the prompt and rows of the stream take turns.
    pub turns: Gap,
}

impl Bench {
    /// Measures a prompt of so many tokens beside a stream that has the prompt of the workload.
    pub(super) async fn gaps(&mut self, workload: &Workload, prompt_tokens: u32) -> Result<Gaps> {
        // The stream gets a token for each step, and the smallest steps have a few dozen rows of the prompt.
        let tokens = u64::from(workload.prompt_tokens).max(prompt_tokens.into()) + BEFORE as u64 + u64::from(prompt_tokens) / 16;
        let (context, most) = {
            let model = self.model.get();
            (model.capacity(), model.facts().max_batch_size)
        };
        if tokens > u64::from(context) {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: tokens, context: context.into() }.into());
        }
        if most < 2 {
            let allowed = "a library for two sequences at least (--max-batch-size when it is compiled)".into();
            return Err(ErrorKind::FieldRange { field: "beside".into(), value: prompt_tokens.to_string(), allowed }.into());
        }
        self.probe.run_prompts();
        let mixed = self.gap(workload, prompt_tokens, true).await?;
        let turns = self.gap(workload, prompt_tokens, false).await?;
        Ok(Gaps { prompt_tokens, mixed, turns })
    }

    /// The second of two rounds: the first compiles what drivers compile late, and shows how long steps take.
    async fn gap(&mut self, workload: &Workload, prompt_tokens: u32, mixing: bool) -> Result<Gap> {
        self.host.set_mixing(NAME, mixing);
        self.host.set_prompt_share(NAME, if mixing { None } else { Some(usize::MAX) });
        self.gap_once(workload, prompt_tokens).await?;
        self.gap_once(workload, prompt_tokens).await
    }

    async fn gap_once(&mut self, workload: &Workload, prompt_tokens: u32) -> Result<Gap> {
        let answer = self.model.get().capacity() - workload.prompt_tokens;
        let stream = self.submit(workload.prompt_tokens, answer, workload.drawing)?;
        let mut times = Vec::new();
        while times.len() < BEFORE {
            times.extend(self.turn().await?.into_iter().filter(|id| *id == stream).map(|_| seconds()));
        }
        let (before, started) = (times.len(), seconds());
        let prompt = self.submit(prompt_tokens, 1, None)?;
        let mut ended = None;
        // The last gap is the one that the prompt's last rows are in.
        while ended.is_none_or(|ended| times.last().is_none_or(|last| *last < ended)) && self.running > 0 {
            for id in self.turn().await? {
                if id == stream {
                    times.push(seconds());
                } else if id == prompt {
                    ended = Some(seconds());
                }
            }
        }
        self.handle.interrupt(stream);
        while self.running > 0 {
            self.turn().await?;
        }
        let gaps = |from: usize| times[from..].windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f64>>();
        let first_token_seconds = ended.unwrap_or_else(seconds) - started;
        let longest_seconds = gaps(before - 1).into_iter().fold(0.0, f64::max);
        let mut alone = gaps(0);
        alone.truncate(before - 1);
        Ok(Gap { alone_seconds: median(alone), longest_seconds, tokens: times.len() - before, first_token_seconds })
    }
}
