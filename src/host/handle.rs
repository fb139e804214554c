//! The side of a host that others hold: it sends, from any thread natively.

use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;
use futures::channel::oneshot;

use super::events::{Answers, Events, Sink, Submitted, channel, channels};
use super::ledger::Holding;
use super::mailbox::{Message, Shared};
use super::resident::Resident;
use crate::engine::intake::Intake;
use crate::engine::request::{Prompt, Request, RequestId};
use crate::model::budget::{Budget, Memory};
use crate::text::tokenizer::Tokenizer;
use crate::{HostError, Result};
use tegula_package::mlc::ChatConfig;

/// Sends requests and models to a host. The host ends when all its handles are gone and nothing runs.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    mailbox: UnboundedSender<Message>,
}

/// What a package says of a model, beside its weights.
#[derive(Default)]
pub struct Package {
    /// Its tokenizer. Without one, prompts and answers are ids.
    pub tokenizer: Option<Tokenizer>,
    /// Its settings.
    pub config: ChatConfig,
    /// The text of chat_template.jinja.
    pub template: Option<String>,
    /// Steps that may be in flight at once, if not as many as usual.
    pub run_ahead: Option<usize>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>, mailbox: UnboundedSender<Message>) -> Handle {
        Handle { shared, mailbox }
    }

    /// The models that answer requests.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        self.shared.state().loaded()
    }

    /// What requests to a model are checked against: its tokenizer and settings.
    ///
    /// # Errors
    /// [`HostError::UnknownModel`].
    pub fn intake(&self, model: &str) -> Result<Arc<Intake>> {
        self.shared.state().intake(model)
    }

    /// What each model holds.
    #[must_use]
    pub fn memory(&self) -> Vec<Holding> {
        self.shared.state().ledger.holdings()
    }

    /// Bytes that no model holds and none was promised. Not known where memory is not limited.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        self.shared.state().ledger.free()
    }

    /// Checks a request and sends it to a model. Its events go to `sink`.
    ///
    /// # Errors
    /// [`HostError::UnknownModel`], those of [`Intake::tokenize`],
    /// [`ContextWindowSizeExceeded`](crate::ErrorKind::ContextWindowSizeExceeded),
    /// [`FieldRange`](crate::ErrorKind::FieldRange), and the loss of the device.
    pub fn submit(&self, model: &str, request: Request, sink: Sink) -> Result<RequestId> {
        let id = self.shared.next_id();
        let sequence = Box::new(self.open(model)?.check(id, request)?);
        self.mail(Message::Submit { model: model.to_owned(), sequence, sink })?;
        Ok(id)
    }

    /// What requests to a model are checked against, if there is a device to run them on.
    fn open(&self, model: &str) -> Result<Arc<Intake>> {
        let state = self.shared.state();
        if let Some(error) = &state.lost {
            return Err(error.clone());
        }
        state.intake(model)
    }

    /// Sends a request, unless the host has gone.
    fn mail(&self, message: Message) -> Result<()> {
        let Err(unsent) = self.mailbox.unbounded_send(message) else { return Ok(()) };
        let Message::Submit { model, .. } = unsent.into_inner() else { return Ok(()) };
        Err(self.shared.state().unknown(&model))
    }

    /// [`Handle::submit`] for several requests, of which all are checked before any runs. Prompts that are equal are made tokens once. Events
    /// of the request at a place go to the sink that `sink` gives for it.
    ///
    /// # Errors
    /// Those of [`Handle::submit`]. Then none runs.
    pub fn submit_all(&self, model: &str, requests: Vec<Request>, mut sink: impl FnMut(usize) -> Sink) -> Result<Vec<Submitted>> {
        let intake = self.open(model)?;
        let mut last: Option<(Prompt, Vec<u32>)> = None;
        let mut checked = Vec::with_capacity(requests.len());
        for request in requests {
            let ids = match last.take_if(|(prompt, _)| *prompt == request.prompt) {
                Some((_, ids)) => ids,
                None => intake.tokenize(&request.prompt)?,
            };
            last = Some((request.prompt.clone(), ids.clone()));
            checked.push(Box::new(intake.check_tokenized(self.shared.next_id(), request, ids)?));
        }
        let mut submitted = Vec::with_capacity(checked.len());
        for (place, sequence) in checked.into_iter().enumerate() {
            submitted.push(Submitted { id: sequence.id, tail: intake.tail(&sequence.ids) });
            self.mail(Message::Submit { model: model.to_owned(), sequence, sink: sink(place) })?;
        }
        Ok(submitted)
    }

    /// [`Handle::submit`], with the events as a stream.
    ///
    /// # Errors
    /// Those of [`Handle::submit`].
    pub fn ask(&self, model: &str, request: Request) -> Result<Events> {
        let (sink, receiver) = channel();
        Ok(Events::new(self.submit(model, request, sink)?, receiver))
    }

    /// [`Handle::submit_all`], with the events as a stream. Dropping it ends the requests.
    ///
    /// # Errors
    /// Those of [`Handle::submit_all`].
    pub fn ask_all(&self, model: &str, requests: Vec<Request>) -> Result<Answers> {
        let (sink, receiver) = channels();
        Ok(Answers::new(self.submit_all(model, requests, sink)?, receiver))
    }

    /// Ends a request. Its last event says so. Nothing happens if it has ended.
    pub fn interrupt(&self, request: RequestId) {
        self.send(Message::Interrupt(request));
    }

    /// Takes a name for a model that is to be loaded.
    ///
    /// # Errors
    /// [`HostError::ModelExists`], and the loss of the device.
    pub fn place(&self, name: &str) -> Result<Place> {
        let mut state = self.shared.state();
        if let Some(error) = &state.lost {
            return Err(error.clone());
        }
        if state.is_taken(name) {
            return Err(HostError::ModelExists { name: name.into() }.into());
        }
        state.set(name, None);
        drop(state);
        Ok(Place { handle: self.clone(), name: name.to_owned(), loaded: false })
    }

    /// Gives up a model. Requests that run on it fail, later ones are refused at once. Its memory is
    /// free when what this returns is done; it need not be awaited.
    ///
    /// # Errors
    /// [`HostError::UnknownModel`].
    pub fn unload(&self, model: &str) -> Result<impl Future<Output = ()> + use<>> {
        let mut state = self.shared.state();
        state.intake(model)?;
        // The name is taken until the driver has freed the memory.
        state.set(model, None);
        drop(state);
        let (done, unloaded) = oneshot::channel();
        self.send(Message::Unload { name: model.to_owned(), done });
        // A host that has gone has freed everything.
        Ok(async move {
            let _ = unloaded.await;
        })
    }

    /// Gives up all models and ends the host.
    pub fn shutdown(&self) {
        self.send(Message::Shutdown);
    }

    fn send(&self, message: Message) {
        // To a host that has gone there is nothing to say.
        drop(self.mailbox.unbounded_send(message));
    }
}

/// A name, and memory, for a model on its way. Dropping it gives them back.
pub struct Place {
    handle: Handle,
    name: String,
    loaded: bool,
}

impl Place {
    /// Asks for memory: `memory` is what the model would take if it were alone. Idle models may have to
    /// give up parts of their caches. Where memory is not limited, neither is the budget.
    ///
    /// # Errors
    /// [`HostError::NoRoom`], and those of the device.
    pub async fn budget(&self, memory: Memory) -> Result<Budget> {
        let tokens = Some(memory.capacity);
        if !self.handle.shared.state().ledger.is_limited() {
            return Ok(Budget { memory: None, tokens });
        }
        let (reply, limit) = oneshot::channel();
        let fixed = memory.weights + memory.activations;
        let cache = |tokens: u32| memory.cache_bytes(tokens);
        self.handle.send(Message::Reserve { name: self.name.clone(), memory: memory.clone(), reply });
        let gone = |_| self.handle.shared.state().unknown(&self.name);
        let tokens = limit.await.map_err(gone)??;
        Ok(Budget { memory: Some(fixed + cache(tokens)), tokens: Some(tokens) })
    }

    /// Hands the model over. From now on it answers requests.
    pub fn load(self, model: impl Resident + 'static, package: Package) {
        self.load_boxed(Box::new(model), package);
    }

    #[cfg_attr(target_arch = "wasm32", expect(clippy::arc_with_non_send_sync, reason = "a page has one thread, and grammars of its own"))]
    fn load_boxed(mut self, model: Box<dyn Resident>, package: Package) {
        let Package { tokenizer, config, template, run_ahead } = package;
        let intake = Arc::new(Intake::new(&model, tokenizer, config, template.as_deref()));
        self.loaded = true;
        let name = self.name.clone();
        let mut state = self.handle.shared.state();
        let (memory, cached) = (model.memory(), model.cached_tokens());
        let message = Message::Load { name: name.clone(), model, intake: Arc::clone(&intake), run_ahead };
        // While the state is held, nobody can ask for the model before the driver is sent it.
        if self.handle.mailbox.unbounded_send(message).is_ok() {
            state.set(&name, Some(intake));
            state.ledger.note_loaded(&name, memory, cached);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.loaded {
            return;
        }
        let mut state = self.handle.shared.state();
        if state.ledger.is_limited() {
            // The name is taken until the driver has shared the memory anew.
            drop(state);
            self.handle.send(Message::Release { name: std::mem::take(&mut self.name) });
        } else {
            state.free(&self.name);
        }
    }
}
