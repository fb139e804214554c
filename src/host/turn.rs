//! Turns of the driver: messages first, then a step of every model that has something to do.
//!
//! A step that is awaited is dropped and begun again in the next turn. That loses nothing (see
//! `Engine::step`), and between turns nothing borrows an engine: a message that comes while the GPU
//! works is taken at once. Models take turns in order, each with steps of its own in flight. So none
//! waits for more than one step of each other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use futures::StreamExt;

use super::driver::{Host, Hosted};
use crate::engine::request::Event;
use crate::{Error, ErrorKind, HostError, Result};

/// What became of a step.
enum Stepped {
    Done(Result<Vec<Event>>),
    /// It panicked.
    #[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "a panic ends a page's runtime"))]
    Crashed(String),
}

impl Host {
    /// Waits until something has happened: a message was taken, or a step has ended. False when the host
    /// has ended: it was told to, or nothing runs and no handle is left.
    pub async fn turn(&mut self) -> bool {
        poll_fn(|context| self.poll_turn(context)).await
    }

    /// Runs until the host ends. Whatever else the executor has to do gets its turn after each step.
    pub async fn run(mut self) {
        while self.turn().await {
            let mut waited = false;
            poll_fn(|context| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    /// Runs until something that depends on it is there, such as an answer.
    pub async fn until<F: Future>(&mut self, wanted: F) -> F::Output {
        let mut wanted = pin!(wanted);
        poll_fn(|context| {
            if let Poll::Ready(output) = wanted.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            if self.poll_turn(context) == Poll::Ready(true) {
                context.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let mut moved = false;
        let reachable = loop {
            match self.mailbox.poll_next_unpin(context) {
                Poll::Ready(Some(message)) => {
                    self.take(message);
                    moved = true;
                }
                Poll::Ready(None) => break false,
                Poll::Pending => break true,
            }
        };
        if self.ended {
            return Poll::Ready(false);
        }
        let count = self.models.len();
        let mut crashed = Vec::new();
        for place in 0..count {
            let hosted = &mut self.models[(self.first + place) % count];
            if hosted.engine.idle() {
                continue;
            }
            let Poll::Ready(stepped) = hosted.poll_step(context) else { continue };
            moved = true;
            match stepped {
                Stepped::Done(Ok(events)) => hosted.deliver(events),
                Stepped::Done(Err(error)) if is_lost(&error) => {
                    self.lose(&error);
                    return Poll::Ready(true);
                }
                Stepped::Done(Err(error)) => hosted.fail(&error),
                Stepped::Crashed(reason) => crashed.push((hosted.name.clone(), reason)),
            }
            let cached = hosted.engine.model().cached_tokens();
            if hosted.cached != cached {
                hosted.cached = cached;
                self.shared.state().ledger.note_cached(&hosted.name, cached);
            }
        }
        self.first = (self.first + 1) % count.max(1);
        for (name, reason) in crashed {
            tracing::error!(name, reason, "a model's engine panicked");
            self.unload(&name, &HostError::Crashed { name: name.clone(), reason }.into());
        }
        if moved {
            return Poll::Ready(true);
        }
        // With nobody left to ask for anything, what runs is run to its end.
        if !reachable && self.models.iter().all(|hosted| hosted.engine.idle()) {
            return Poll::Ready(false);
        }
        Poll::Pending
    }

    /// Ends all requests, and refuses later ones: the device is gone.
    fn lose(&mut self, error: &Error) {
        self.shared.state().lost = Some(error.clone());
        for hosted in &mut self.models {
            hosted.fail(error);
            hosted.engine.abandon();
        }
    }
}

impl Hosted {
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Stepped> {
        let engine = &mut self.engine;
        let mut step = || pin!(engine.step()).poll(context).map(Stepped::Done);
        #[cfg(target_arch = "wasm32")]
        return step();
        #[cfg(not(target_arch = "wasm32"))]
        {
            // The engine is dropped after a panic, so that nobody sees what it left half done.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut step));
            caught.unwrap_or_else(|panic| Poll::Ready(Stepped::Crashed(words(&*panic))))
        }
    }
}

/// What a panic said.
#[cfg(not(target_arch = "wasm32"))]
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Gpu(gpu) if matches!(gpu.kind(), tegula_gpu::ErrorKind::Lost { .. }))
}
