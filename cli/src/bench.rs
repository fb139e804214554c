//! `tegula bench`: the runtime's own measurement (see [`tegula::bench`]) on a package, or on random weights in the shape of a config.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tegula::bench::{self, Report, Workload};
use tegula::budget::Budget;
use tegula::step::Model;
use tegula::weights::Loader;

use crate::args::Bench;
use crate::{library, open, report};

/// What `--json` prints.
#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    report: Report,
    /// Seconds to compile, load and prepare.
    load_seconds: f64,
}

/// Measures and prints.
pub fn bench(args: &Bench) -> Result<()> {
    let started = Instant::now();
    let model = load(args)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let workload = Workload { prompt_tokens: args.prompt_tokens, decode_tokens: args.decode_tokens, repetitions: args.repetitions };
    let output = Output { report: pollster::block_on(bench::measure(model, &workload))?, load_seconds };
    if args.json { report::print_json(&output) } else { report::print_text(&table(&output.report)) }
}

/// Compiles or reads the library and makes the model, with the package's weights or random ones.
fn load(args: &Bench) -> Result<Model> {
    let config = library::config_file(&args.model)?;
    let gpu = open::device(&args.device)?;
    let library = match &args.library {
        Some(file) => fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => {
            let options = library::options(args.quantization.as_deref(), &args.flags)?;
            library::compile(&config, &library::for_device(options, &gpu.info().name)?)?.library
        }
    };
    if args.random_weights {
        return Ok(pollster::block_on(bench::random_model(gpu, &library))?);
    }
    if !args.model.is_dir() {
        bail!("{} is not a package; with --random-weights a config is enough", args.model.display());
    }
    let mut loader = Loader::new(gpu, &library, None, &open::manifest(&args.model)?, Budget::default())?;
    open::upload(&mut loader, &args.model)?;
    Ok(pollster::block_on(loader.finish())?)
}

/// The figures for people.
fn table(report: &Report) -> String {
    format!(
        "{} {} on {} ({})\n\
         prefill {:>6} tokens  {:>10.1} tok/s\n\
         decode  {:>6} tokens  {:>10.1} tok/s\n\
         a decode step: {} dispatches, {}, {:.0} % of its time with the host busy\n\
         memory: decoding reads {:.1} GB/s, a plain stream {:.1} GB/s: {:.0} %\n",
        report.architecture,
        report.quantization,
        report.adapter,
        report.variant,
        report.prompt_tokens,
        report.prefill_tokens_per_second,
        report.decode_tokens,
        report.decode_tokens_per_second,
        report.dispatches_per_step,
        report::bytes(report.bytes_per_step),
        100.0 * report.host_share,
        report.fraction_of_stream * report.stream_bytes_per_second / 1e9,
        report.stream_bytes_per_second / 1e9,
        100.0 * report.fraction_of_stream,
    )
}
