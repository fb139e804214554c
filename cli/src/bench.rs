//! `tegula bench`: the runtime's own measurement (see [`tegula::bench`]) on a package, or on random weights in the shape of a config.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;
use tegula::bench::{self, Drawn, Gap, Gaps, Report, Workload};
use tegula::load::folder;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::model::step::Model;
use tegula_compiler::CompileOptions;
use tegula_gpu::Gpu;
use tegula_package::mlc::ChatConfig;

use crate::args::Bench;
use crate::kernels::Kept;
use crate::origin::Binary;
use crate::package::Package;
use crate::source::Source;
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
    let mut bench = pollster::block_on(bench::Bench::new(model))?;
    for (index, workload) in workloads(args).iter().enumerate() {
        let report = pollster::block_on(bench.measure(workload))?;
        if args.json {
            report::print_json(&Output { report, load_seconds })?;
            continue;
        }
        if index == 0 {
            report::print_text(&head(&report))?;
        }
        report::print_text(&row(&report))?;
    }
    Ok(())
}

/// Every prompt with every batch, the shortest and smallest first: caches grow as they go.
fn workloads(args: &Bench) -> Vec<Workload> {
    let &Bench { decode_tokens, repetitions, run_ahead, temperature, top_p, beside, .. } = args;
    let run_ahead = run_ahead.map(|steps| steps as usize);
    let drawing = temperature.map(|temperature| Drawn { temperature, top_p });
    let sorted = |list: &[u32]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list.dedup();
        list
    };
    let contexts = if args.contexts.is_empty() { vec![args.prompt_tokens] } else { sorted(&args.contexts) };
    let batches = sorted(&args.batches);
    let of = |&prompt_tokens| {
        batches.iter().map(move |&batch| Workload { prompt_tokens, decode_tokens, repetitions, batch, run_ahead, drawing, beside })
    };
    contexts.iter().flat_map(of).collect()
}

/// Compiles or reads the library and makes the model, with the package's weights or random ones.
fn load(args: &Bench) -> Result<Model> {
    let mut options = library::options(args.quantization.as_deref(), &args.flags)?;
    // A stream and a prompt beside it are two sequences.
    let most = args.batches.iter().copied().chain(args.beside.map(|_| 2)).max().unwrap_or(1);
    batch_size(&mut options, most);
    let own = args.library.as_deref().map(|file| Binary::read(file, args.trust_library)).transpose()?;
    if args.random_weights {
        let config = library::config_file(&args.model)?;
        let gpu = open::device(&args.device)?;
        let library = library(own, &config, options, &gpu)?;
        return Ok(pollster::block_on(bench::random_model(gpu, library.module()))?);
    }
    if args.model.is_file() && args.model.extension().is_some_and(|end| end == "json") {
        bail!("{} is a config and no package; with --random-weights a config is enough", args.model.display());
    }
    let source = Source::find(&args.model)?;
    let gpu = open::device(&args.device)?;
    let package = Package::of(source, args.quantization.as_deref())?;
    let library = library(own, &package.folder.join(ChatConfig::FILE), options, &gpu)?;
    let mut loader = Loader::new(gpu, library.module(), None, &folder::manifest(&package.folder)?, Budget::default())?;
    let kept = Kept::begin(&mut loader);
    open::upload(&mut loader, &package)?;
    Ok(kept.finish(loader)?)
}

/// The library that was given, or one for this device.
fn library(own: Option<Binary>, config: &Path, options: CompileOptions, gpu: &Gpu) -> Result<Binary> {
    match own {
        Some(library) => Ok(library),
        None => Ok(Binary::compiled(library::compile(config, &library::for_device(options, &gpu.info().name)?)?.library)),
    }
}

/// Lets the library hold the largest batch, unless the command line says what it holds.
fn batch_size(options: &mut CompileOptions, most: u32) {
    if most > 1 {
        options.max_batch_size.get_or_insert(most);
    }
}

/// What holds for every row, for people.
fn head(report: &Report) -> String {
    format!(
        "{} {} on {} ({}, {} activations); a plain stream reads {:.1} GB/s\n\
         {:>8} {:>6} {:>15} {:>15} {:>11} {:>13} {:>9} {:>10}\n",
        report.architecture,
        report.quantization,
        report.adapter,
        report.variant,
        report.activations,
        report.stream_bytes_per_second / 1e9,
        "prompt",
        "batch",
        "prefill, tok/s",
        "decode, tok/s",
        "dispatches",
        "bytes a step",
        "of stream",
        "host busy",
    )
}

/// The figures for people.
fn row(report: &Report) -> String {
    let figures = format!(
        "{:>8} {:>6} {:>15.1} {:>15.1} {:>11} {:>13} {:>7.0} % {:>8.0} %\n",
        report.prompt_tokens,
        report.batch,
        report.prefill_tokens_per_second,
        report.decode_tokens_per_second,
        report.dispatches_per_step,
        report::bytes(report.bytes_per_step),
        100.0 * report.fraction_of_stream,
        100.0 * report.host_share,
    );
    let Some(Gaps { prompt_tokens, mixed, turns }) = report.gaps else { return figures };
    let line = |what: &str, gap: &Gap| {
        let [alone, longest, first] = [gap.alone_seconds, gap.longest_seconds, gap.first_token_seconds].map(|seconds| 1e3 * seconds);
        format!(
            "{what}: a stream waits {longest:.1} ms at most for a token ({alone:.1} ms alone) and gets {}; its first token comes after {first:.0} ms\n",
            report::count(gap.tokens as u32, "token")
        )
    };
    let head = format!("         beside a prompt of {}:\n", report::count(prompt_tokens, "token"));
    [figures, head, line("           in shared steps", &mixed), line("           taking turns", &turns)].concat()
}
