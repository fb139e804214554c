//! How fast a model is here, and how near that is to what the memory allows: the same measurement natively and in a browser.
//!
//! Both figures go through the engine, as users get them. Prefill is one prompt, whole. Decoding counts the tokens of all sequences of a
//! batch once each of them has its first.
//!
//! Decoding leaves prompts out: only the last row of each runs, and the cache holds noise in place of the rows before. A prompt of 16,384
//! tokens for each of eight sequences takes minutes on a large model, and changes neither what a step reads nor how long that takes. The
//! GPU makes the noise, because memory of zeros can be faster than memory that was written. Only the first sequence's pages may hold real
//! keys and values: those of the prompt whose prefill was measured.

mod gap;
mod speed;
mod subject;
mod traffic;
mod workload;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};

pub use gap::{Gap, Gaps};
use speed::median;
use subject::{Probe, Shared, Subject};
pub use traffic::Traffic;
pub use workload::{Drawn, Report, Workload};

use crate::engine::RUN_AHEAD;
use crate::host::{Handle, Host, Package};
use crate::load::Module;
use crate::load::weights::Loader;
use crate::model::budget::Budget;
use crate::model::choose::{Kernels, SECONDS};
use crate::model::forward::{Entry, Forward};
use crate::model::pools::Room;
use crate::model::step::Model;
use crate::sampler::Sampling;
use crate::{Error, ErrorKind, Event, EventKind, Prompt, Request, RequestId, Result};
use tegula_gpu::{Filler, Gpu};

/// A model with random weights, made on the GPU, and with the kernels that a user's first load would choose.
///
/// # Errors
/// Those of [`Loader::without_package`] and [`Loader::finish`].
pub async fn random_model<'a>(gpu: Gpu, library: impl Into<Module<'a>>) -> Result<Model> {
    let mut loader = Loader::without_package(gpu, library, Budget::default())?;
    loader.compile(Kernels::Measure { seconds: SECONDS });
    loader.random(1).await?;
    loader.finish().await
}

/// The model's name in its host.
const NAME: &str = "measured";

/// A model under measurement, and what was found out about it and its device.
pub struct Bench {
    host: Host,
    handle: Handle,
    /// Events that nobody looked at yet, and what sinks put them into.
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    /// Requests that have not ended.
    running: usize,
    model: Shared,
    probe: Arc<Probe>,
    filler: Filler,
    stream: f64,
    /// Tokens that the caches had room for when they were last filled with noise.
    noisy: u32,
    /// Tokens a second, by tokens of the prompt and repetitions: the batch makes no difference.
    prefills: BTreeMap<(u32, u32), f64>,
}

impl Bench {
    /// Takes a model, and measures what a plain stream reads on its device.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn new(model: Model) -> Result<Bench> {
        let stream = tegula_gpu::stream_bandwidth(model.gpu()).await?;
        let filler = model.gpu().filler().await?;
        let model = Shared::new(model);
        let probe = Arc::new(Probe::default());
        let (host, handle) = Host::new(None);
        handle.place(NAME)?.load(Subject::new(model.clone(), Arc::clone(&probe)), Package::default());
        let (sender, events) = mpsc::channel();
        Ok(Bench { host, handle, events, sender, running: 0, model, probe, filler, stream, noisy: 0, prefills: BTreeMap::new() })
    }

    /// Measures a workload.
    ///
    /// # Errors
    /// [`ErrorKind::ContextWindowSizeExceeded`] where the workload does not fit the context, [`ErrorKind::FieldRange`] where the batch is larger
    /// than the library's, [`ErrorKind::Budget`] where the cache does not hold it; those of the engine.
    pub async fn measure(&mut self, workload: &Workload) -> Result<Report> {
        let Workload { prompt_tokens, decode_tokens, repetitions, batch, run_ahead, drawing, beside } = *workload;
        self.check(workload)?;
        let run_ahead = run_ahead.unwrap_or(RUN_AHEAD);
        self.settle().await?;
        self.host.set_run_ahead(NAME, run_ahead);
        // Each prompt is to be computed.
        self.host.set_prefix_cache(NAME, false);
        self.make_noise(workload).await?;
        let prefill = self.prefill(workload).await?;

        let (mut speeds, mut shares) = (Vec::new(), Vec::new());
        // The first round compiles what drivers compile late.
        for round in 0..=repetitions {
            let [speed, share] = self.decode(workload).await?;
            if round > 0 {
                speeds.push(speed);
                shares.push(share);
            }
        }
        let decode = median(speeds);
        let gaps = match beside {
            Some(tokens) => Some(self.gaps(workload, tokens).await?),
            None => None,
        };
        let model = self.model.get();
        let traffic = Traffic::of(model.plan(), model.variant(), batch).ok_or_else(no_entry)?;
        let bytes = traffic.bytes(u64::from(prompt_tokens) + u64::from(decode_tokens) / 2);
        let (device, facts) = (model.gpu().info().clone(), model.facts());
        Ok(Report {
            adapter: device.name,
            backend: device.backend,
            driver: device.driver,
            architecture: facts.architecture.clone(),
            quantization: facts.quantization.clone(),
            variant: model.variant().name.clone(),
            activations: model.variant().activations.name(),
            prompt_tokens,
            decode_tokens,
            repetitions,
            batch,
            run_ahead,
            drawing,
            prefill_tokens_per_second: prefill,
            decode_tokens_per_second: decode,
            dispatches_per_step: traffic.dispatches,
            bytes_per_step: bytes,
            stream_bytes_per_second: self.stream,
            fraction_of_stream: decode / f64::from(batch) * bytes as f64 / self.stream,
            host_share: median(shares),
            weights_bytes: model.memory().weights,
            gaps,
        })
    }

    fn check(&self, workload: &Workload) -> Result<()> {
        let model = self.model.get();
        let (tokens, context) = (workload.tokens(model.facts().prefill_chunk_size), model.capacity());
        if tokens > u64::from(context) {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: tokens, context: context.into() }.into());
        }
        let most = model.max_rows(Entry::Batch).unwrap_or(1).min(model.facts().max_batch_size);
        if (1..=most).contains(&workload.batch) {
            return Ok(());
        }
        let allowed = "at least 1 and at most the library's largest batch (--max-batch-size when it is compiled)";
        Err(ErrorKind::FieldRange { field: "batch".into(), value: workload.batch.to_string(), allowed: allowed.into() }.into())
    }

    /// Lets the caches grow to what the workload needs, which should not happen while it is measured, and fills what is new.
    #[expect(clippy::await_holding_lock, reason = "nobody else uses the model while it grows")]
    async fn make_noise(&mut self, workload: &Workload) -> Result<()> {
        let model = &mut *self.model.get();
        let tokens = workload.tokens(model.facts().prefill_chunk_size) as u32;
        let mut fits = true;
        let facts = model.facts();
        let held = facts.paged().filter_map(|group| group.held(facts.prefill_chunk_size)).max();
        for sequence in 0..workload.batch {
            // Layers with a window hold no more than that and a chunk.
            let next = held.unwrap_or(tokens).min(tokens);
            fits = fits
                && loop {
                    match model.reserve(sequence, next, tokens) {
                        Room::Ready => break true,
                        Room::Full => break false,
                        Room::Grow => model.grow().await?,
                    }
                };
        }
        (0..workload.batch).for_each(|sequence| model.release(sequence));
        if !fits {
            let bytes = model.facts().cache_bytes_per_token();
            let what =
                format!("the KV cache of {} of {}", tegula_plan::count(workload.batch, "sequence"), tegula_plan::count(tokens, "token"));
            let (needed, available) = (bytes * u64::from(tokens) * u64::from(workload.batch), bytes * u64::from(model.memory().capacity));
            return Err(ErrorKind::Budget { what, needed, available, advice: "measure a smaller batch or context" }.into());
        }
        if model.cached_tokens() > self.noisy {
            self.noisy = model.cached_tokens();
            model.fill_cache(&self.filler, 1)?;
        }
        Ok(())
    }

    /// Rows of a prompt in a step.
    fn chunk(&self) -> u32 {
        self.model.get().facts().prefill_chunk_size
    }

    /// Asks for an answer to a prompt.
    fn submit(&mut self, prompt_tokens: u32, answer: u32, drawing: Option<Drawn>) -> Result<RequestId> {
        let vocabulary = self.model.get().facts().vocab_size;
        let prompt = (0..prompt_tokens).map(|index| index.wrapping_mul(7919) % vocabulary).collect();
        let mut request = Request { max_tokens: Some(answer), ignore_eos: true, ..Request::greedy(Prompt::Ids(prompt)) };
        if let Some(Drawn { temperature, top_p }) = drawing {
            request.sampling = Sampling { temperature, top_p, ..request.sampling };
        }
        let sender = self.sender.clone();
        // The other end lives as long as the host does.
        let sink = move |event| sender.send(event).map_or(ControlFlow::Break(()), ControlFlow::Continue);
        let id = self.handle.submit(NAME, request, Box::new(sink))?;
        self.running += 1;
        Ok(id)
    }

    /// Waits until nothing runs any more.
    async fn settle(&mut self) -> Result<()> {
        while self.running > 0 {
            self.turn().await?;
        }
        Ok(())
    }

    /// A turn of the host: the requests that got a token.
    async fn turn(&mut self) -> Result<Vec<RequestId>> {
        self.host.turn().await;
        let (mut tokens, mut failed) = (Vec::new(), None);
        for event in self.events.try_iter() {
            match event.kind {
                EventKind::Token { .. } => tokens.push(event.request),
                EventKind::Finished { .. } => self.running -= 1,
                EventKind::Failed { error } => {
                    self.running -= 1;
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(tokens), |error: Error| Err(error))
    }
}

fn no_entry() -> crate::Error {
    ErrorKind::NoEntry { entry: Entry::Decode.name() }.into()
}
