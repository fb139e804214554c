//! `tegula compile`: a config becomes a model library.

use std::fs;

use anyhow::{Context, Result, bail};
use tegula_compiler::{CompileOptions, Compiled, Phase};

use crate::args::{Compile, Emit};
use crate::{library, origin, report};

/// Compiles, writes the library, prints the memory plan to stderr and the phase that `--emit` asks for to stdout.
pub fn compile(args: &Compile) -> Result<()> {
    let config = library::config_file(&args.model)?;
    let options = library::options(args.quantization.as_deref(), &args.library)?;
    if let Some(device) = &args.device {
        check_device(device, args, &options)?;
    }
    let (device, frozen, alternatives) = (args.device.clone(), args.frozen, args.alternatives);
    let precision = args.precision.unwrap_or_default().into();
    let compiled = library::compile(&config, &CompileOptions { device, frozen, alternatives, precision, ..options })?;
    if let Some(output) = &args.output {
        fs::write(output, &compiled.library).with_context(|| format!("cannot write {}", output.display()))?;
        origin::note(&compiled.library);
    }
    if let Some(phase) = args.emit {
        report::print_text(&compiled.dump(phase.into()))?;
    }
    report::say(memory_plan(&compiled).trim_end());
    Ok(())
}

/// Fails for a device that nobody measured, which would do nothing: its name is likely misspelt. Whoever brings records of their own, or wants
/// none but what was measured, has a reason to name it, and is only told.
fn check_device(device: &str, args: &Compile, options: &CompileOptions) -> Result<()> {
    let records = options.records()?;
    if records.knows(device) {
        return Ok(());
    }
    let known = records.devices();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    if args.frozen || args.library.records.is_some() {
        report::say(format_args!("warning: there are no records of `{device}`; there are of: {known}"));
        return Ok(());
    }
    bail!(
        "nothing was measured on a device named `{device}`. There are records of: {known}. \
         Without --device the library gets kernels that are good on all of them"
    );
}

impl From<Emit> for Phase {
    fn from(emit: Emit) -> Self {
        match emit {
            Emit::Graph => Phase::Graph,
            Emit::Fused => Phase::Fused,
            Emit::Plan => Phase::Plan,
            Emit::Wgsl => Phase::Wgsl,
        }
    }
}

/// What the model will take, a fact a line.
fn memory_plan(compiled: &Compiled) -> String {
    let Compiled { plan, memory, .. } = compiled;
    let model = &plan.model;
    let context = memory.cache_per_token * u64::from(model.context_window_size);
    let mut text = format!(
        "{} {}, {} activations, context {}, prefill chunk {}, batch {}\n\
         weights           {}\n\
         KV cache a token  {} ({} for a full context)\n\
         peak activations  {}\n\
         library           {}, {}\n\
         schedules         {}\n",
        model.architecture,
        model.quantization,
        model.activations.name(),
        model.context_window_size,
        model.prefill_chunk_size,
        model.max_batch_size,
        report::bytes(memory.weights),
        report::bytes(memory.cache_per_token),
        report::bytes(context),
        report::bytes(memory.activations),
        report::bytes(compiled.library.len() as u64),
        report::count(compiled.shaders.len(), "shader"),
        compiled.tally,
    );
    for variant in &plan.variants {
        let entries: Vec<String> = variant.entries.iter().map(|entry| format!("{} {}", entry.name, entry.greedy_dispatches())).collect();
        let (kernels, choices) = (report::count(variant.kernels.len(), "kernel"), report::count(variant.choices.len(), "choice"));
        text += &format!("{:<17} {kernels}, {choices}; dispatches: {}\n", variant.name, entries.join(", "));
    }
    text
}
