//! A request while it runs: its tokens, how far they have been submitted, and the text that they make.

use std::collections::BTreeMap;
use std::sync::Arc;

use tegula_plan::Row;

use crate::clock;
use crate::engine::constraint::Constraint;
use crate::engine::request::RequestId;
use crate::engine::stop::Stops;
use crate::engine::thinking::Thinking;
use crate::engine::usage::{CompletionDetails, FinishReason, PromptDetails, Speed, Usage};
use crate::model::forward::Drawing;
use crate::sampler::Sampling;
use crate::text::detokenizer::Detokenizer;
use crate::text::tokenizer::Tokenizer;

/// A request that waits or runs.
pub(crate) struct Sequence {
    pub(crate) id: RequestId,
    /// Prompt and answer, as far as they are known here.
    pub(crate) ids: Vec<u32>,
    /// How many of them are the prompt.
    pub(crate) prompt: usize,
    /// Row of the page table, while it runs.
    pub(crate) slot: u32,
    /// Tokens of the prompt that the caches held when it began to run.
    cached: Option<usize>,
    /// Positions that were submitted. Beyond the known ids, the GPU goes on with what it sampled itself.
    pub(crate) submitted: usize,
    /// How many tokens it may have before all of its positions are rotated in another way; none where that makes no difference to it.
    pub(crate) turns_at: Option<usize>,
    /// Whether it has more.
    pub(crate) stretched: bool,
    /// Raised when submitted positions are taken back, so that their results are ignored.
    pub(crate) epoch: u32,
    pick: Pick,
    /// What its answer must be.
    pub(crate) constraint: Option<Constraint>,
    /// Its next id was refused, and is picked again here.
    pub(crate) again: bool,
    /// Where its answer is, if that matters.
    pub(crate) thinking: Option<Thinking>,
    /// Lower numbers run first.
    pub(crate) priority: i64,
    /// Log probabilities of so many tokens in each place, beside those of the answer's own.
    pub(crate) logprobs: Option<u32>,
    pub(crate) sampling: Sampling,
    /// How often the answer has each id, where that matters.
    pub(crate) counts: BTreeMap<u32, u32>,
    /// Tokens at which it ends.
    limit: usize,
    ignore_eos: bool,
    detokenizer: Detokenizer,
    stops: Stops,
    times: Times,
}

/// Moments, in seconds.
struct Times {
    asked: f64,
    started: Option<f64>,
    first: Option<f64>,
}

/// Who picks its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The GPU takes the greatest.
    Greatest,
    /// The GPU draws.
    Drawn,
    /// They are picked here, from the logits.
    Here,
}

impl Pick {
    /// Who picks ids of a request, and whether logits may be read too. The GPU penalises logits in place, so raw ones are read before it does.
    fn of(sampling: &Sampling, reads: bool) -> Pick {
        match sampling {
            _ if sampling.is_plain_greedy() => Pick::Greatest,
            _ if reads && sampling.adjusts() => Pick::Here,
            _ => Pick::Drawn,
        }
    }
}

/// What a sequence could submit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This many known tokens, two at least.
    Chunk(usize),
    /// One row with this token, or [`Row::SAMPLED`].
    Row(u32),
    /// Nothing before the last id is known here.
    Wait,
    /// Nothing more.
    Nothing,
}

/// How a sequence shall run and end.
pub(crate) struct Terms {
    pub(crate) sampling: Sampling,
    /// The most tokens, prompt and answer together; more than the prompt has.
    pub(crate) limit: usize,
    pub(crate) ignore_eos: bool,
    pub(crate) logprobs: Option<u32>,
    pub(crate) constraint: Option<Constraint>,
    pub(crate) thinking: Option<Thinking>,
    pub(crate) priority: i64,
    pub(crate) stops: Stops,
    /// Whether the answer's text goes on where the prompt's ends.
    pub(crate) continues: bool,
    /// Special tokens that are part of its text.
    pub(crate) shown: Arc<[u32]>,
}

impl Sequence {
    pub(crate) fn new(id: RequestId, ids: Vec<u32>, terms: Terms) -> Sequence {
        let detokenizer = Detokenizer::new().showing(terms.shown);
        let detokenizer = if terms.continues { detokenizer.continuing() } else { detokenizer };
        Sequence {
            id,
            prompt: ids.len(),
            ids,
            slot: 0,
            cached: None,
            submitted: 0,
            turns_at: None,
            stretched: false,
            epoch: 0,
            pick: Pick::of(&terms.sampling, terms.logprobs.is_some() || terms.constraint.is_some()),
            constraint: terms.constraint,
            again: false,
            thinking: terms.thinking,
            priority: terms.priority,
            logprobs: terms.logprobs,
            sampling: terms.sampling,
            counts: BTreeMap::new(),
            limit: terms.limit,
            ignore_eos: terms.ignore_eos,
            detokenizer,
            stops: terms.stops,
            times: Times { asked: clock::seconds(), started: None, first: None },
        }
    }

    /// Who picks its next id.
    pub(crate) fn pick(&self) -> Pick {
        if self.again || self.constraint.as_ref().is_some_and(Constraint::strays) { Pick::Here } else { self.pick }
    }

    /// Lets ids be picked here from now on.
    pub(crate) fn pick_here(&mut self) {
        self.pick = Pick::Here;
    }

    /// What can be submitted.
    pub(crate) fn next(&self) -> Next {
        if self.turns_at.is_some_and(|at| self.submitted >= at) {
            return if self.submitted + 1 >= self.limit { Next::Nothing } else { Next::Wait };
        }
        match self.ids.len().saturating_sub(self.submitted) {
            // The row at a position brings the id of the next one, which must still be wanted.
            0 if self.submitted + 1 >= self.limit => Next::Nothing,
            0 if self.pick() == Pick::Here => Next::Wait,
            0 => Next::Row(Row::SAMPLED),
            1 => Next::Row(self.ids[self.submitted]),
            known => Next::Chunk(known),
        }
    }

    /// Whether somebody waits for its next token, which needs one row.
    pub(crate) fn streams(&self) -> bool {
        self.submitted >= self.prompt && matches!(self.next(), Next::Row(_) | Next::Wait)
    }

    /// Whether its logits are read back.
    pub(crate) fn reads_logits(&self) -> bool {
        self.pick() == Pick::Here || self.logprobs.is_some()
    }

    /// How the GPU shall draw its ids, where it shall.
    pub(crate) fn drawing(&self, active: u32) -> Option<Drawing<'_>> {
        (self.pick == Pick::Drawn).then_some(Drawing { sampling: &self.sampling, counts: &self.counts, active })
    }

    /// Notes how its positions are rotated, which changes once it has more than `after` tokens.
    pub(crate) fn turn(&mut self, after: Option<u32>) {
        let after = after.map(|after| after as usize);
        self.stretched = after.is_some_and(|after| self.ids.len() > after);
        self.turns_at = after.filter(|_| !self.stretched);
    }

    /// Whether it has more tokens than its caches were computed for.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.turns_at.is_some_and(|at| self.ids.len() > at)
    }

    /// Notes that it runs, and that the caches hold its first `begun` tokens.
    pub(crate) fn start(&mut self, slot: u32, begun: usize) {
        (self.slot, self.submitted) = (slot, begun);
        self.cached.get_or_insert(begun.min(self.prompt));
        self.times.started.get_or_insert_with(clock::seconds);
    }

    /// Takes back all that was submitted after the first `positions`.
    pub(crate) fn rewind(&mut self, positions: usize) {
        self.submitted = positions;
        self.epoch += 1;
    }

    /// Takes the next id of the answer, and gives the text that it completes and whether it is the last.
    pub(crate) fn accept(&mut self, id: u32, tokenizer: Option<&Tokenizer>, eos: &[u32]) -> (String, Option<FinishReason>) {
        self.times.first.get_or_insert_with(clock::seconds);
        self.ids.push(id);
        if self.sampling.has_penalties() {
            *self.counts.entry(id).or_default() += 1;
        }
        let over = self.constraint.as_ref().is_some_and(Constraint::ended);
        let ended = over || !self.ignore_eos && eos.contains(&id);
        let last = ended || self.ids.len() >= self.limit;
        let mut text = String::new();
        let mut stopped = false;
        if let Some(tokenizer) = tokenizer {
            if over || !ended {
                self.detokenizer.push(tokenizer, id, &mut text);
            }
            if let Some(thinking) = &mut self.thinking {
                thinking.push(id, &text);
            }
            if last {
                self.detokenizer.finish(tokenizer, &mut text);
            }
            stopped = self.stops.push(&mut text);
            if last && !stopped {
                self.stops.finish(&mut text);
            }
        }
        let reason = match (ended || stopped, last) {
            (true, _) => Some(FinishReason::Stop),
            (false, true) => Some(FinishReason::Length),
            (false, false) => None,
        };
        (text, reason)
    }

    /// What it took so far.
    pub(crate) fn usage(&self) -> Usage {
        let now = clock::seconds();
        let completion = self.ids.len() - self.prompt;
        let per_second = |tokens: usize, seconds: f64| if tokens > 0 && seconds > 0.0 { tokens as f64 / seconds } else { 0.0 };
        let first = self.times.first.unwrap_or(now);
        let started = self.times.started.unwrap_or(now);
        let decoded = completion.saturating_sub(1);
        let speed = Speed {
            e2e_latency_s: now - self.times.asked,
            time_to_first_token_s: first - self.times.asked,
            time_per_output_token_s: if decoded > 0 { (now - first) / decoded as f64 } else { 0.0 },
            prefill_tokens_per_s: per_second(self.prompt - self.cached.unwrap_or_default(), first - started),
            decode_tokens_per_s: per_second(decoded, now - first),
        };
        let (prompt_tokens, completion_tokens) = (self.prompt as u32, completion as u32);
        let cached_tokens = self.cached.unwrap_or_default() as u32;
        Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            prompt_tokens_details: PromptDetails { cached_tokens },
            completion_tokens_details: CompletionDetails::default(),
            extra: speed,
        }
    }
}
