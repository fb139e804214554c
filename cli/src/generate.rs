//! Answers: what `run` and `chat` have in common.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tegula::engine::logprobs::Logprobs;
use tegula::engine::usage::{FinishReason, Usage};
use tegula::sampler::Sampling;
use tegula::text::answer::{Parser, Piece};
use tegula::text::chat::Dialogue;
use tegula::text::message::Message;
use tegula::{EventKind, Prompt, Request};
use tegula_package::mlc::ChatConfig;

use crate::args::SamplingFlags;
use crate::form::{self, Call, Form};
use crate::open::{NAME, Served};
use crate::report;

/// A complete answer.
pub struct Answer {
    /// Ids of the prompt.
    pub prompt_ids: Vec<u32>,
    /// Ids of the answer; one that ended it is the last of them.
    pub ids: Vec<u32>,
    /// Its text, without what is told apart from it.
    pub text: String,
    /// What the model thought before, if that is told apart.
    pub reasoning: String,
    /// Tools that it calls.
    pub calls: Vec<Call>,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it took.
    pub usage: Usage,
    /// How likely its tokens were, if that was asked for.
    pub logprobs: Vec<Logprobs>,
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
pub fn chat(messages: Vec<Message>, form: &Form) -> Prompt {
    Prompt::Chat(Dialogue { messages, tools: form.tools().cloned(), ..Dialogue::default() })
}

/// A request with the command line's form and sampling, and the package's where that says nothing.
pub fn request(prompt: Prompt, config: &ChatConfig, form: &Form, flags: &SamplingFlags) -> Request {
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
    form.shape(Request { sampling, max_tokens: flags.max_tokens, ..Request::greedy(prompt) })
}

/// Runs a request to its end. `show` gets its pieces as they come; setting `interrupted` ends the answer early.
pub fn generate(
    served: &mut Served,
    request: Request,
    interrupted: &AtomicBool,
    mut show: impl FnMut(&Piece) -> Result<()>,
) -> Result<Answer> {
    let mut answers = generate_all(served, vec![request], interrupted, |_, piece| show(piece))?;
    answers.pop().context("a request has an answer")
}

/// Runs requests side by side to their ends. `show` gets their pieces as they come, with the places of their requests.
pub fn generate_all(
    served: &mut Served,
    requests: Vec<Request>,
    interrupted: &AtomicBool,
    mut show: impl FnMut(usize, &Piece) -> Result<()>,
) -> Result<Vec<Answer>> {
    let Served { host, handle, intake } = served;
    let begin = |request: &Request| {
        let prompt_ids = intake.tokenize(&request.prompt)?;
        let parser = match &request.prompt {
            Prompt::Chat(Dialogue { tools, .. }) if request.marks => {
                Some(Parser::new(intake.format(tools.is_some()), &intake.tail(&prompt_ids), tools.as_ref()))
            }
            _ => None,
        };
        Ok(Growing { prompt_ids, parser, ..Growing::default() })
    };
    let mut growing = requests.iter().map(begin).collect::<tegula::Result<Vec<Growing>>>()?;
    let started = Instant::now();
    let mut events = handle.ask_all(NAME, requests)?;
    while pollster::block_on(host.turn()) {
        if interrupted.swap(false, Ordering::Relaxed) {
            events.submitted().iter().for_each(|request| handle.interrupt(request.id));
        }
        while let Some((place, event)) = events.ready() {
            let answer = &mut growing[place];
            match event {
                EventKind::Token { id, text, logprobs } => {
                    let now = Instant::now();
                    answer.times = Some((answer.times.map_or(now, |(first, _)| first), now));
                    answer.ids.push(id);
                    answer.logprobs.extend(logprobs.map(|logprobs| *logprobs));
                    let pieces = match &mut answer.parser {
                        Some(parser) => parser.push(&text),
                        None => vec![Piece::Content(text)],
                    };
                    answer.take(pieces, |piece| show(place, piece))?;
                }
                EventKind::Finished { reason, usage } => {
                    answer.ended = Some((reason, usage));
                    let rest = answer.parser.as_mut().map(Parser::finish).unwrap_or_default();
                    answer.take(rest, |piece| show(place, piece))?;
                }
                EventKind::Failed { error } => return Err(error.into()),
            }
        }
        if growing.iter().all(|answer| answer.ended.is_some()) {
            return Ok(growing.into_iter().filter_map(|answer| answer.whole(started)).collect());
        }
    }
    bail!("the host ended before the answer did")
}

/// An answer while it comes.
#[derive(Default)]
struct Growing {
    prompt_ids: Vec<u32>,
    ids: Vec<u32>,
    /// Tells its parts apart, where that matters.
    parser: Option<Parser>,
    pieces: Vec<Piece>,
    logprobs: Vec<Logprobs>,
    /// When the first and the last token came.
    times: Option<(Instant, Instant)>,
    ended: Option<(FinishReason, Usage)>,
}

impl Growing {
    fn take(&mut self, pieces: Vec<Piece>, show: impl FnMut(&Piece) -> Result<()>) -> Result<()> {
        pieces.iter().try_for_each(show)?;
        self.pieces.extend(pieces);
        Ok(())
    }

    /// The answer, if it has ended.
    fn whole(self, started: Instant) -> Option<Answer> {
        let (reason, usage) = self.ended?;
        let (first, last) = self.times.unwrap_or((started, started));
        let (first, rest) = ((first - started).as_secs_f64(), (last - first).as_secs_f64());
        let Growing { prompt_ids, ids, pieces, logprobs, .. } = self;
        let (mut text, mut reasoning) = (String::new(), String::new());
        for piece in &pieces {
            match piece {
                Piece::Content(more) => text.push_str(more),
                Piece::Reasoning(more) => reasoning.push_str(more),
                Piece::Call { .. } | Piece::Arguments { .. } => {}
            }
        }
        let calls = form::calls(&pieces);
        let reason = if reason == FinishReason::Stop && !calls.is_empty() { FinishReason::ToolCalls } else { reason };
        Some(Answer { prompt_ids, ids, text, reasoning, calls, reason, usage, logprobs, first, rest })
    }
}
