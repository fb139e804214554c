//! How fast a model is here, and how near that is to what the memory allows: the same measurement natively and in a browser.
//!
//! Prefill and decode are measured through the engine, as users get them. The share of a decode step that the host is busy is measured apart,
//! on the model itself, where the time in `submit` (launch table, rows, encoding, submission) can be told from waiting.

mod traffic;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tegula_plan::Row;
pub use traffic::Traffic;

use crate::budget::Budget;
use crate::clock::seconds;
use crate::config::ChatConfig;
use crate::forward::{Entry, Forward, Read};
use crate::step::Model;
use crate::weights::Loader;
use crate::{Engine, ErrorKind, EventKind, Prompt, Request, Result};
use tegula_gpu::Gpu;

/// Steps by which the host's share is measured, at most.
const HOST_STEPS: u32 = 64;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Workload {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens to decode after it.
    pub decode_tokens: u32,
    /// Rounds, after one that warms up.
    pub repetitions: u32,
}

/// What was measured. Speeds are medians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The adapter's name.
    pub adapter: String,
    /// The API it is driven through.
    pub backend: String,
    /// Its driver, as it calls itself.
    pub driver: String,
    /// Model family.
    pub architecture: String,
    /// How its weights are stored.
    pub quantization: String,
    /// The device class whose kernels ran.
    pub variant: String,
    /// As asked.
    pub prompt_tokens: u32,
    /// As asked.
    pub decode_tokens: u32,
    /// As asked.
    pub repetitions: u32,
    /// Tokens of the prompt over the time to the first token.
    pub prefill_tokens_per_second: f64,
    /// Tokens after the first over the time after the first.
    pub decode_tokens_per_second: f64,
    /// Kernel launches of a decode step.
    pub dispatches_per_step: usize,
    /// Weights, and the cache at the middle of the answer.
    pub bytes_per_step: u64,
    /// What a plain stream reads, measured in the same run.
    pub stream_bytes_per_second: f64,
    /// Bytes a second that decoding reads, as a part of the stream's.
    pub fraction_of_stream: f64,
    /// The part of a decode step's time that the host is busy.
    pub host_share: f64,
    /// Bytes of all weights on the GPU.
    pub weights_bytes: u64,
}

/// A model with random weights, made on the GPU.
///
/// # Errors
/// Those of [`Loader::without_package`] and [`Loader::finish`].
pub async fn random_model(gpu: Gpu, library: &[u8]) -> Result<Model> {
    let mut loader = Loader::without_package(gpu, library, Budget::default())?;
    loader.random(1).await?;
    loader.finish().await
}

/// Measures a model.
///
/// # Errors
/// [`ErrorKind::ContextWindowSizeExceeded`] where the workload does not fit the context; those of the engine.
pub async fn measure(mut model: Model, workload: &Workload) -> Result<Report> {
    let Workload { prompt_tokens, decode_tokens, repetitions } = *workload;
    let tokens = u64::from(prompt_tokens) + u64::from(decode_tokens) + 1;
    if tokens > u64::from(model.capacity()) {
        return Err(ErrorKind::ContextWindowSizeExceeded { prompt: tokens, context: model.capacity().into() }.into());
    }
    let no_entry = || ErrorKind::NoEntry { entry: Entry::Decode.name() };
    let traffic = Traffic::of(model.plan(), model.variant()).ok_or_else(no_entry)?;
    let stream = tegula_gpu::stream_bandwidth(model.gpu()).await?;
    let host_share = host_share(&mut model, workload).await?;
    let (device, facts) = (model.gpu().info().clone(), model.facts().clone());
    let (variant, weights_bytes) = (model.variant().name.clone(), model.memory().weights);

    let mut engine = Engine::new(model, None, ChatConfig::default());
    // The first round compiles what drivers compile late, and grows the cache.
    round(&mut engine, workload).await?;
    let (mut prefills, mut decodes) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let [prefill, decode] = round(&mut engine, workload).await?;
        prefills.push(prefill);
        decodes.push(decode);
    }
    let bytes = traffic.bytes(u64::from(prompt_tokens) + u64::from(decode_tokens) / 2);
    let decode_tokens_per_second = f64::from(decode_tokens) / median(decodes);
    Ok(Report {
        adapter: device.name,
        backend: device.backend,
        driver: device.driver,
        architecture: facts.architecture,
        quantization: facts.quantization,
        variant,
        prompt_tokens,
        decode_tokens,
        repetitions,
        prefill_tokens_per_second: f64::from(prompt_tokens) / median(prefills),
        decode_tokens_per_second,
        dispatches_per_step: traffic.dispatches,
        bytes_per_step: bytes,
        stream_bytes_per_second: stream,
        fraction_of_stream: decode_tokens_per_second * bytes as f64 / stream,
        host_share,
        weights_bytes,
    })
}

/// Answers a prompt once: seconds to the first token, which belongs to the prompt, and from it to the last.
async fn round(engine: &mut Engine, workload: &Workload) -> Result<[f64; 2]> {
    let vocabulary = engine.model().facts().vocab_size;
    let prompt = (0..workload.prompt_tokens).map(|index| index.wrapping_mul(7919) % vocabulary).collect();
    let request = Request { max_tokens: Some(workload.decode_tokens + 1), ignore_eos: true, ..Request::greedy(Prompt::Ids(prompt)) };
    let started = seconds();
    engine.submit(request)?;
    let (mut first, mut last) = (None, started);
    while !engine.idle() {
        for event in engine.step().await? {
            match event.kind {
                EventKind::Token { .. } => {
                    last = seconds();
                    first.get_or_insert(last);
                }
                EventKind::Finished { .. } => {}
                EventKind::Failed { error } => return Err(error),
            }
        }
    }
    let first = first.unwrap_or(last);
    Ok([first - started, last - first])
}

/// Decodes behind a cache of the prompt's length, a few steps under way at once as the engine does it, and gives the part of the time that
/// `submit` takes. What the cache holds does not matter.
async fn host_share(model: &mut Model, workload: &Workload) -> Result<f64> {
    let first = workload.prompt_tokens;
    let steps = workload.decode_tokens.min(HOST_STEPS);
    if !model.reserve(0, first + steps)? {
        return Err(ErrorKind::ContextWindowSizeExceeded { prompt: (first + steps).into(), context: model.capacity().into() }.into());
    }
    let mut share = 0.0;
    // Twice, since the first time makes what later steps find.
    for _ in 0..2 {
        let (mut busy, mut flights) = (0.0, VecDeque::new());
        let started = seconds();
        for position in first..first + steps {
            let mut row = [Row { token: Row::SAMPLED, position, slot: 0, sequence: 0 }];
            let submitting = seconds();
            flights.push_back(model.submit(Entry::Decode, &mut row, Read::GREATEST)?);
            busy += seconds() - submitting;
            if flights.len() > 3
                && let Some(flight) = flights.pop_front()
            {
                flight.await?;
            }
        }
        for flight in flights {
            flight.await?;
        }
        share = busy / (seconds() - started);
    }
    model.release(0);
    Ok(share)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_of_an_even_number_is_between() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
