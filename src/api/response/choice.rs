//! One of the answers to a request, while it comes.

use super::call::CallDelta;
use crate::engine::logprobs::Logprobs;
use crate::engine::usage::{FinishReason, Usage};
use crate::text::answer::{Parser, Piece};

/// What has come of an answer. A stream takes the parts as they come, a whole answer all of them at its end.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Tells the parts of a chat's answer apart. Without one, all is content.
    parser: Option<Parser>,
    /// Makes ids of its calls.
    seed: u64,
    /// Whether calls after the first are left out.
    one_call: bool,
    /// What was not taken.
    pub(super) part: Part,
    /// Calls that have begun.
    calls: usize,
    /// Whether a chunk has gone out.
    pub(super) begun: bool,
    /// Characters that have gone out.
    pub(super) sent: usize,
    /// Tokens of the answer that were reasoning.
    reasoning_tokens: u32,
    /// The sum of all log probabilities, and of how many.
    likelihood: (f64, u32),
    /// Why the answer ended, once it has.
    pub(super) reason: Option<FinishReason>,
}

/// A part of an answer.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) content: String,
    pub(super) reasoning: String,
    pub(super) calls: Vec<CallDelta>,
    pub(super) logprobs: Vec<Logprobs>,
}

impl Part {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.content.is_empty() && self.reasoning.is_empty() && self.calls.is_empty()
    }
}

impl Choice {
    pub(super) fn new(parser: Option<Parser>, one_call: bool, seed: u64, echo: Option<String>) -> Choice {
        let part = Part { content: echo.unwrap_or_default(), ..Part::default() };
        Choice { parser, one_call, seed, part, ..Choice::default() }
    }

    /// A token has come.
    pub(super) fn token(&mut self, text: &str, logprobs: Option<&Logprobs>) {
        let before = self.part.reasoning.len();
        let pieces = self.parser.as_mut().map(|parser| parser.push(text));
        self.put(text, pieces);
        self.reasoning_tokens += u32::from(self.part.reasoning.len() > before);
        if let Some(logprobs) = logprobs {
            self.likelihood = (self.likelihood.0 + f64::from(logprobs.chosen.logprob), self.likelihood.1 + 1);
            self.part.logprobs.push(logprobs.clone());
        }
    }

    /// The answer has ended.
    pub(super) fn end(&mut self, reason: FinishReason, usage: &mut Usage) {
        let pieces = self.parser.as_mut().map(Parser::finish);
        self.put("", pieces);
        usage.completion_tokens_details.reasoning_tokens = self.reasoning_tokens;
        let called = self.calls > 0 && reason == FinishReason::Stop;
        self.reason = Some(if called { FinishReason::ToolCalls } else { reason });
    }

    /// The mean of the tokens' log probabilities.
    pub(super) fn mean(&self) -> f64 {
        self.likelihood.0 / f64::from(self.likelihood.1.max(1))
    }

    fn put(&mut self, text: &str, pieces: Option<Vec<Piece>>) {
        let Some(pieces) = pieces else { return self.part.content.push_str(text) };
        for piece in pieces {
            match piece {
                Piece::Content(text) => self.part.content.push_str(&text),
                Piece::Reasoning(text) => self.part.reasoning.push_str(&text),
                Piece::Call { index, .. } | Piece::Arguments { index, .. } if self.one_call && index > 0 => {}
                Piece::Call { index, id, name } => {
                    self.calls = self.calls.max(index + 1);
                    self.part.calls.push(CallDelta::begin(index, id, name, self.seed));
                }
                Piece::Arguments { index, text } => match self.part.calls.last_mut().filter(|call| call.index == index) {
                    Some(call) => call.function.arguments.push_str(&text),
                    None => self.part.calls.push(CallDelta::more(index, text)),
                },
            }
        }
    }
}
