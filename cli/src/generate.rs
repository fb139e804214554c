//! Answers: what `run` and `chat` have in common.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};
use tegula::engine::usage::{FinishReason, Usage};
use tegula::sampler::Sampling;
use tegula::text::chat::Dialogue;
use tegula::text::message::Message;
use tegula::{EventKind, Prompt, Request};
use tegula_package::mlc::ChatConfig;

use crate::args::SamplingFlags;
use crate::open::{NAME, Served};
use crate::report;

/// A complete answer.
pub struct Answer {
    /// Ids of the prompt.
    pub prompt_ids: Vec<u32>,
    /// Ids of the answer; one that ended it is the last of them.
    pub ids: Vec<u32>,
    /// Its text.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it took.
    pub usage: Usage,
    /// Seconds to the first token.
    first: f64,
    /// Seconds from the first token to the last.
    rest: f64,
}

impl Answer {
    /// How fast it was.
    pub fn statistics(&self) -> String {
        let (prompt, ids) = (self.prompt_ids.len() as u64, self.ids.len() as u64);
        format!(
            "prompt {}, {}; answer {}, {}",
            report::count(prompt, "token"),
            report::speed(prompt, self.first),
            report::count(ids, "token"),
            // The first token came with the prompt.
            report::speed(ids.saturating_sub(1), self.rest),
        )
    }
}

/// A conversation as a prompt.
pub fn chat(messages: Vec<Message>) -> Prompt {
    Prompt::Chat(Dialogue { messages, ..Dialogue::default() })
}

/// A request with the command line's sampling, and the package's where that says nothing.
pub fn request(prompt: Prompt, config: &ChatConfig, flags: &SamplingFlags) -> Request {
    let defaults = Sampling::of(config);
    let sampling = Sampling {
        temperature: flags.temperature.unwrap_or(defaults.temperature),
        top_p: flags.top_p.unwrap_or(defaults.top_p),
        top_k: flags.top_k.unwrap_or(defaults.top_k),
        min_p: flags.min_p.unwrap_or(defaults.min_p),
        // A hasher's random keys are the standard library's only source of randomness.
        seed: flags.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
        ..defaults
    };
    Request { sampling, max_tokens: flags.max_tokens, ..Request::greedy(prompt) }
}

/// Runs a request to its end. `show` gets the text as it comes; setting `interrupted` ends the answer early.
pub fn generate(
    served: &mut Served,
    request: Request,
    interrupted: &AtomicBool,
    mut show: impl FnMut(&str) -> Result<()>,
) -> Result<Answer> {
    let Served { host, handle, intake } = served;
    let prompt_ids = intake.tokenize(&request.prompt)?;
    let (mut ids, mut text) = (Vec::new(), String::new());
    let started = Instant::now();
    let (mut first, mut last) = (None, started);
    let mut events = handle.ask(NAME, request)?;
    while pollster::block_on(host.turn()) {
        if interrupted.swap(false, Ordering::Relaxed) {
            handle.interrupt(events.request());
        }
        while let Some(event) = events.ready() {
            match event {
                EventKind::Token { id, text: piece, .. } => {
                    last = Instant::now();
                    first.get_or_insert(last);
                    ids.push(id);
                    text.push_str(&piece);
                    show(&piece)?;
                }
                EventKind::Finished { reason, usage } => {
                    let first = first.unwrap_or(last);
                    let (first, rest) = ((first - started).as_secs_f64(), (last - first).as_secs_f64());
                    return Ok(Answer { prompt_ids, ids, text, reason, usage, first, rest });
                }
                EventKind::Failed { error } => return Err(error.into()),
            }
        }
    }
    bail!("the host ended before the answer did")
}
