//! An engine without a host, for tests. Outside of tests only `host` holds engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fake::Fake;
use super::intake::Intake;
use super::request::{Answer, EventKind, Prompt, Request, RequestId};
use super::{Engine, Event};
use crate::model::forward::Forward;
use crate::text::tokenizer::Tokenizer;
use crate::{Error, Result};
use tegula_package::mlc::ChatConfig;

impl Engine<Fake> {
    pub(super) fn of(model: Fake, tokenizer: Option<Tokenizer>, config: ChatConfig) -> Engine<Fake> {
        let intake = Arc::new(Intake::new(&model, tokenizer, config, None));
        Engine::new(model, intake)
    }

    /// Takes ids from here on for padding.
    pub(super) fn pad_from(&mut self, id: u32) {
        Arc::get_mut(&mut self.intake).expect("nobody else has it").config_mut().active_vocab_size = Some(id);
    }

    pub(super) fn submit(&mut self, request: Request) -> Result<RequestId> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = RequestId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.enqueue(self.intake.check(id, request)?);
        Ok(id)
    }

    pub(super) fn tokenize(&self, prompt: &Prompt) -> Result<Vec<u32>> {
        self.intake.tokenize(prompt)
    }

    pub(super) fn tokenizer(&self) -> Option<&Tokenizer> {
        self.intake.tokenizer()
    }

    /// Answers one request, start to end.
    pub(super) async fn complete(&mut self, request: Request) -> Result<Answer> {
        let asked = self.submit(request)?;
        let (mut ids, mut text, mut logprobs) = (Vec::new(), String::new(), Vec::new());
        loop {
            for Event { request, kind } in self.step().await? {
                assert_eq!(request, asked, "it runs alone");
                match kind {
                    EventKind::Token { id, text: piece, logprobs: likely } => {
                        ids.push(id);
                        text.push_str(&piece);
                        logprobs.extend(likely.map(|likely| *likely));
                    }
                    EventKind::Finished { reason, usage } => return Ok(Answer { ids, text, logprobs, reason, usage }),
                    EventKind::Failed { error } => return Err::<Answer, Error>(error),
                }
            }
        }
    }

    /// The logits after every one of `ids`.
    pub(super) async fn logits(&mut self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(ids.len());
        self.score(ids, |_, logits| all.push(logits.to_vec())).await?;
        Ok(all)
    }
}

/// Whether two capacities agree: that of a model and that which requests are checked against.
#[test]
fn requests_are_checked_against_the_models_capacity() {
    let engine = Engine::of(Fake::new(160, 1024, None), None, ChatConfig::default());
    assert_eq!(engine.intake().capacity(), engine.model().capacity());
    engine.intake().set_capacity(16);
    let long = Request::greedy(Prompt::Ids(vec![3; 16]));
    assert_eq!(engine.intake().check(RequestId(0), long).err().unwrap().code(), "ContextWindowSizeExceededError");
}
