//! `tegula convert`: a Hugging Face folder becomes a weight package.

use std::time::Instant;

use anyhow::{Context, Result};
use tegula_compiler::convert::ConvertOptions;
use tegula_compiler::quant::Quantization;

use crate::args::Convert;
use crate::report;

/// Converts, with a progress bar. The package appears under its name only when it is whole, so that an interrupt leaves none.
pub fn convert(args: &Convert) -> Result<()> {
    let options = ConvertOptions { quantization: Quantization::parse(&args.quantization)?, f32_as_bf16: args.bf16 };
    let started = Instant::now();
    let bar = report::progress(0, "converting");
    let made = tegula_compiler::convert::convert(&args.source, &args.output, &options, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let made = made.with_context(|| format!("cannot convert {}", args.source.display()))?;
    for warning in &made.warnings {
        eprintln!("warning: {warning}");
    }
    eprintln!(
        "{}: {} parameters, {} in {} shards, {:.1} s",
        args.output.display(),
        made.parameters,
        report::bytes(made.bytes),
        made.shards,
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}
