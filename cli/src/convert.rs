//! `tegula convert`: a Hugging Face folder becomes a weight package.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Error, Result, bail};
use tegula::text::tokenizer::Tokenizer;
use tegula_compiler::convert::{ConvertOptions, ConvertReport};
use tegula_compiler::quant::Quantization;
use tegula_package::ErrorKind;

use crate::args::Convert;
use crate::interrupt::Watch;
use crate::report;
use crate::source::Source;

/// Converts, and says what came of it.
pub fn convert(args: &Convert) -> Result<()> {
    if let Source::Package(folder) = Source::find(&args.source)? {
        bail!("{} is a weight package already; give the Hugging Face folder that it was made from", folder.display());
    }
    let options = ConvertOptions { quantization: Quantization::parse(&args.quantization)?, f32_as_bf16: args.bf16 };
    let started = Instant::now();
    let made = with_bar(&args.source, &args.output, &options).with_context(|| format!("cannot convert {}", args.source.display()))?;
    for warning in &made.warnings {
        report::say(format_args!("warning: {warning}"));
    }
    report::say(format_args!(
        "{}: {}, {} in {}, {:.1} s",
        args.output.display(),
        report::count(made.parameters, "parameter"),
        report::bytes(made.bytes),
        report::count(made.shards, "shard"),
        started.elapsed().as_secs_f64(),
    ));
    Ok(())
}

/// Converts with a progress bar. The package appears under its name only when it is whole; Ctrl-C removes what there is of it.
pub fn with_bar(source: &Path, output: &Path, options: &ConvertOptions) -> Result<ConvertReport> {
    check_tokenizer(source)?;
    let watch = Watch::begin()?;
    let bar = report::progress(0, "converting");
    let made = tegula_compiler::convert::convert(source, output, options, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        if watch.flag().load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    Ok(made?)
}

/// Fails where the runtime could not read the tokenizer of the package.
fn check_tokenizer(source: &Path) -> Result<()> {
    if let Some((json, config)) = tegula_compiler::convert::tokenizer(source)? {
        Tokenizer::new(json.as_bytes(), Some(&config))?;
    }
    Ok(())
}

/// Whether a conversion ended because of Ctrl-C.
pub fn is_interrupted(error: &Error) -> bool {
    let is = |error: &tegula_compiler::Error| matches!(error.package(), Some(ErrorKind::Interrupted));
    error.downcast_ref::<tegula_compiler::Error>().is_some_and(is)
}
