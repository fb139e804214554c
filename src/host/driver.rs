//! The driver: it owns the engines, and takes the messages that handles send.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::channel::oneshot;

use super::events::Sink;
use super::handle::Handle;
use super::mailbox::{Message, Shared};
use super::resident::Resident;
use crate::engine::request::{Event, EventKind, RequestId};
use crate::engine::{Counters, Engine};
use crate::model::budget::Memory;
use crate::{Error, HostError, Result};

/// Models on one device, and what runs on them.
pub struct Host {
    pub(super) shared: Arc<Shared>,
    pub(super) mailbox: UnboundedReceiver<Message>,
    pub(super) models: Vec<Hosted>,
    /// Whose step comes first in the next turn.
    pub(super) first: usize,
    /// Whether it was told to end.
    pub(super) ended: bool,
}

/// A model that is loaded.
pub(super) struct Hosted {
    pub(super) name: String,
    pub(super) engine: Engine<Box<dyn Resident>>,
    /// Requests that run, and where their events go.
    pub(super) sinks: Vec<(RequestId, Sink)>,
    /// Tokens that its cache had room for when the ledger was last told.
    pub(super) cached: u32,
}

impl Host {
    /// A host without models, which may have so many bytes of memory together: no bound if absent, since
    /// WebGPU does not say how much there is. All its models must be on one device.
    #[must_use]
    pub fn new(memory: Option<u64>) -> (Host, Handle) {
        let (shared, (sender, mailbox)) = (Shared::new(memory), unbounded());
        (Host::behind(Arc::clone(&shared), mailbox), Handle::new(shared, sender))
    }

    fn behind(shared: Arc<Shared>, mailbox: UnboundedReceiver<Message>) -> Host {
        Host { shared, mailbox, models: Vec::new(), first: 0, ended: false }
    }

    /// A loaded model.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&dyn Resident> {
        self.models.iter().find(|hosted| hosted.name == name).map(|hosted| &**hosted.engine.model())
    }

    /// What the engine of a model has done.
    #[must_use]
    pub fn counters(&self, name: &str) -> Option<Counters> {
        self.models.iter().find(|hosted| hosted.name == name).map(|hosted| hosted.engine.counters())
    }

    /// Sets how many steps of a model may be in flight at once. It changes the speed only.
    pub fn set_run_ahead(&mut self, name: &str, steps: usize) {
        if let Ok(hosted) = self.sent(name) {
            hosted.engine.set_run_ahead(steps);
        }
    }

    /// Sets whether rows of prompts share steps with rows of sequences that decode. It changes the speed only.
    pub fn set_mixing(&mut self, name: &str, mixing: bool) {
        if let Ok(hosted) = self.sent(name) {
            hosted.engine.set_mixing(mixing);
        }
    }

    /// Sets whether requests begin with what earlier ones computed. It changes the speed only.
    pub fn set_prefix_cache(&mut self, name: &str, reuses: bool) {
        if let Ok(hosted) = self.sent(name) {
            hosted.engine.set_prefix_cache(reuses);
        }
    }

    /// Sets how many rows of prompts a step may have while other sequences decode. It changes the speed only.
    pub fn set_prompt_share(&mut self, name: &str, rows: Option<usize>) {
        if let Ok(hosted) = self.sent(name) {
            hosted.engine.set_prompt_share(rows);
        }
    }

    /// Shows the logits after every one of `ids` to `visit`, as (position, logits), in order. It is for
    /// comparing models with other implementations: nothing else runs meanwhile.
    ///
    /// # Errors
    /// [`HostError::UnknownModel`], [`ErrorKind::NoEntry`](crate::ErrorKind::NoEntry),
    /// [`ErrorKind::Busy`](crate::ErrorKind::Busy), those of a prompt, those of the device.
    pub async fn score(&mut self, name: &str, ids: &[u32], visit: impl FnMut(usize, &[f32])) -> Result<()> {
        self.sent(name)?.engine.score(ids, visit).await
    }

    /// A model that is loaded, or was sent and is taken now.
    fn sent(&mut self, name: &str) -> Result<&mut Hosted> {
        self.take_messages();
        self.find(name)
    }

    fn find(&mut self, name: &str) -> Result<&mut Hosted> {
        match self.models.iter_mut().find(|hosted| hosted.name == name) {
            Some(hosted) => Ok(hosted),
            None => Err(self.shared.state().unknown(name)),
        }
    }

    /// Takes the messages that have come. True if there were any.
    pub(super) fn take_messages(&mut self) -> bool {
        let mut any = false;
        while let Ok(message) = self.mailbox.try_recv() {
            self.take(message);
            any = true;
        }
        any
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Submit { model, sequence, mut sink } => match self.find(&model) {
                Ok(hosted) => {
                    hosted.sinks.push((sequence.id, sink));
                    hosted.engine.enqueue(*sequence);
                }
                // Unloaded since.
                Err(error) => {
                    let _ = tell(&mut sink, Event { request: sequence.id, kind: EventKind::Failed { error } });
                }
            },
            Message::Interrupt(request) => {
                if let Some(hosted) = self.models.iter_mut().find(|hosted| hosted.sinks.iter().any(|(id, _)| *id == request)) {
                    hosted.engine.interrupt(request);
                }
            }
            Message::Reserve { name, memory, reply } => self.reserve(name, memory, reply),
            Message::Load { name, model, intake, run_ahead } => {
                let cached = model.cached_tokens();
                let mut engine = Engine::new(model, intake);
                if let Some(steps) = run_ahead {
                    engine.set_run_ahead(steps);
                }
                self.models.push(Hosted { name, engine, sinks: Vec::new(), cached });
            }
            Message::Unload { name, done } => {
                self.unload(&name, &HostError::Unloaded { name: name.clone() }.into());
                // Whether anybody waits for it is their affair.
                let _ = done.send(());
            }
            Message::Release { name } => {
                self.shared.state().free(&name);
                self.forget(&name);
            }
            Message::Shutdown => self.end(),
        }
    }

    /// Makes room for a model that is to be loaded.
    fn reserve(&mut self, name: String, memory: Memory, reply: oneshot::Sender<Result<u32>>) {
        let keeps = |name: &str| keeps(&self.models, name);
        let admitted = self.shared.state().ledger.admit(&name, memory, keeps);
        let outcome = admitted.and_then(|()| self.set_limits()).map(|()| self.shared.state().ledger.limit(&name).unwrap_or_default());
        if outcome.is_err() {
            self.forget(&name);
        }
        // Whoever gave it up drops its place, which is a message of its own.
        let _ = reply.send(outcome);
    }

    /// Takes a model out of the ledger, and shares its memory among the others.
    fn forget(&mut self, name: &str) {
        self.shared.state().ledger.remove(name, |name| keeps(&self.models, name));
        if let Err(error) = self.set_limits() {
            // The caches are as they were. A device that is lost is told of at the next step.
            tracing::warn!(%error, "the memory of a model cannot be shared among the others");
        }
    }

    /// Sets the limits of caches as the ledger has them: first those that become smaller, which makes room for the others.
    fn set_limits(&mut self) -> Result<()> {
        for grows in [false, true] {
            for hosted in &mut self.models {
                let now = hosted.engine.model().memory().capacity;
                let limit = self.shared.state().ledger.limit(&hosted.name);
                let Some(tokens) = limit.filter(|tokens| *tokens != now && (*tokens > now) == grows) else { continue };
                if !grows {
                    hosted.engine.forget_prefixes();
                }
                hosted.engine.model_mut().limit_cache(tokens)?;
                hosted.engine.intake().set_capacity(hosted.engine.model().capacity());
                hosted.cached = hosted.engine.model().cached_tokens();
                self.shared.state().ledger.note_cached(&hosted.name, hosted.cached);
            }
        }
        Ok(())
    }

    /// Gives up a model. Its requests fail.
    pub(super) fn unload(&mut self, name: &str, error: &Error) {
        if let Some(index) = self.models.iter().position(|hosted| hosted.name == name) {
            let mut hosted = self.models.remove(index);
            hosted.fail(error);
        }
        self.shared.state().free(name);
        self.forget(name);
    }

    /// Gives up everything.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.shared.state().clear();
        for mut hosted in std::mem::take(&mut self.models) {
            let error = HostError::Unloaded { name: hosted.name.clone() }.into();
            hosted.fail(&error);
        }
        self.mailbox.close();
        // Requests that nobody took yet are told.
        self.take_messages();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
        }
    }
}

/// Gives an event to a sink. A sink that panics, natively, ends its request and nothing else.
fn tell(sink: &mut Sink, event: Event) -> ControlFlow<()> {
    #[cfg(target_arch = "wasm32")]
    return sink(event);
    #[cfg(not(target_arch = "wasm32"))]
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sink(event))).unwrap_or(ControlFlow::Break(()))
}

/// Whether a model's cache must keep what it was promised: it answers requests, or it is on its way.
fn keeps(models: &[Hosted], name: &str) -> bool {
    models.iter().find(|hosted| hosted.name == name).is_none_or(|hosted| !hosted.engine.idle())
}

impl Hosted {
    /// Gives events to their sinks.
    pub(super) fn deliver(&mut self, events: Vec<Event>) {
        for event in events {
            let request = event.request;
            let last = !matches!(event.kind, EventKind::Token { .. });
            let Some(place) = self.sinks.iter().position(|(id, _)| *id == request) else { continue };
            let left = tell(&mut self.sinks[place].1, event).is_break();
            if last || left {
                drop(self.sinks.swap_remove(place));
            }
            if left && !last {
                self.engine.interrupt(request);
            }
        }
    }

    /// Ends all its requests with an error.
    pub(super) fn fail(&mut self, error: &Error) {
        for (request, mut sink) in std::mem::take(&mut self.sinks) {
            let _ = tell(&mut sink, Event { request, kind: EventKind::Failed { error: error.clone() } });
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Host {
    /// Runs a host on a thread of its own. The thread ends when all handles are gone and nothing runs, or
    /// after [`Handle::shutdown`]; whoever joins it knows that all GPU memory is free.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn spawn(memory: Option<u64>) -> std::io::Result<(Handle, std::thread::JoinHandle<()>)> {
        let (shared, (sender, mailbox)) = (Shared::new(memory), unbounded());
        let behind = Arc::clone(&shared);
        let run = move || futures::executor::block_on(Host::behind(behind, mailbox).run());
        let thread = std::thread::Builder::new().name("tegula host".into()).spawn(run)?;
        Ok((Handle::new(shared, sender), thread))
    }
}
