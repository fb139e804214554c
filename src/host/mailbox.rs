//! What is sent to the driver, and what it shares with those who send.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;

use super::events::Sink;
use super::ledger::Ledger;
use super::resident::Resident;
use crate::engine::intake::Intake;
use crate::engine::request::RequestId;
use crate::engine::sequence::Sequence;
use crate::model::budget::Memory;
use crate::{Error, HostError, Result};

/// What the driver is asked for.
pub(super) enum Message {
    /// Run a request that was checked.
    Submit { model: String, sequence: Box<Sequence>, sink: Sink },
    /// End a request.
    Interrupt(RequestId),
    /// Make room for a model that would take so much if it were alone. The reply is the limit of its
    /// cache, in tokens.
    Reserve { name: String, memory: Memory, reply: oneshot::Sender<Result<u32>> },
    /// Take a model.
    Load { name: String, model: Box<dyn Resident>, intake: Arc<Intake>, run_ahead: Option<usize> },
    /// Give up a model, and whatever runs on it.
    Unload { name: String, done: oneshot::Sender<()> },
    /// A model that was to be loaded will not be.
    Release { name: String },
    /// Give up everything.
    Shutdown,
}

/// What handles and the driver have in common.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    next: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    /// Names, each with an intake if the model answers requests: it may be on its way, or going.
    models: Vec<(String, Option<Arc<Intake>>)>,
    pub(super) ledger: Ledger,
    /// Why there is no device any more.
    pub(super) lost: Option<Error>,
}

impl Shared {
    #[cfg_attr(target_arch = "wasm32", expect(clippy::arc_with_non_send_sync, reason = "a page has one thread, and grammars of its own"))]
    pub(super) fn new(memory: Option<u64>) -> Arc<Shared> {
        let state = State { ledger: Ledger::new(memory), ..State::default() };
        Arc::new(Shared { state: Mutex::new(state), next: AtomicU64::new(0) })
    }

    /// A panic while this is held leaves nothing half done.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other request of the host has.
    pub(super) fn next_id(&self) -> RequestId {
        RequestId(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl State {
    /// What requests to a model are checked against.
    pub(super) fn intake(&self, name: &str) -> Result<Arc<Intake>> {
        let named = self.models.iter().find(|(taken, _)| taken == name);
        named.and_then(|(_, intake)| intake.clone()).ok_or_else(|| self.unknown(name))
    }

    /// Whether a model has this name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.models.iter().any(|(taken, _)| taken == name)
    }

    /// Takes a name, and says what requests are checked against if the model answers any.
    pub(super) fn set(&mut self, name: &str, intake: Option<Arc<Intake>>) {
        self.free(name);
        self.models.push((name.to_owned(), intake));
    }

    /// Frees a name.
    pub(super) fn free(&mut self, name: &str) {
        self.models.retain(|(taken, _)| taken != name);
    }

    /// Frees everything.
    pub(super) fn clear(&mut self) {
        self.models.clear();
        self.ledger = Ledger::default();
    }

    /// The models that answer requests.
    pub(super) fn loaded(&self) -> Vec<String> {
        let mut names: Vec<_> = self.models.iter().filter(|(_, intake)| intake.is_some()).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// The error for a name that no loaded model has.
    pub(super) fn unknown(&self, name: &str) -> Error {
        HostError::UnknownModel { name: name.into(), models: self.loaded() }.into()
    }
}
