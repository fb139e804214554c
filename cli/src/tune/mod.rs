//! `tegula tune`: measures the candidate schedules of a model's kernels on this device, and writes records of what won.
//!
//! Records are appended to a file as they are made. So a run that is cut short loses nothing, and the next one goes on where it ended.

mod budget;
mod course;
mod device;
mod measure;
mod report;
mod texts;
mod timing;
mod uploaded;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tegula_compiler::digest;
use tegula_compiler::op::Spec;
use tegula_compiler::tune::{Choice, Record, Records, candidates, device_slug, space, steps};
use tegula_plan::Requires;

use crate::args::{LibraryFlags, Tune};
use crate::report::{count, say};
use crate::{library, open};
use budget::Budget;
use device::Bench;
use measure::Outcome;

/// Where records are kept in the sources, from their top folder.
const FOLDER: &str = "compiler/records";

/// Measures, or prints what was measured.
pub fn tune(args: &Tune) -> Result<()> {
    if args.report {
        return report::print(&match &args.records {
            Some(file) => library::records(file)?,
            None => Records::embedded()?.clone(),
        });
    }
    if let Some(file) = &args.texts {
        return texts::write(&tasks(args, |_| true)?, file);
    }
    let gpu = open::device(&args.device)?;
    let tasks = tasks(args, |requires| gpu.meets(requires))?;
    let device = gpu.info().name.clone();
    let file = args.records.clone().unwrap_or_else(|| default_file(&device));
    let known = if file.is_file() { library::records(&file)? } else { Records::default() };
    let choice = Choice { records: &known, device: Some(&device), frozen: false, alternatives: 1 };
    let (done, open): (Vec<Task>, Vec<Task>) =
        tasks.into_iter().partition(|task| !args.again && choice.is_measured(&task.spec, &task.requires));
    if !done.is_empty() {
        let specs = count(done.len(), "spec");
        say(format_args!("records of this device for {specs} are in {}; --again measures them too", file.display()));
    }
    if open.is_empty() {
        return report::print(&known);
    }
    // A file that cannot be written is better known before the search than after it.
    let unwritable = || format!("cannot write {}", file.display());
    probe(&file).with_context(unwritable)?;
    let mut bench = Bench::new(gpu)?;
    // What comes before would leave nothing of a short budget.
    let deadline = args.budget.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let bar = progress(open.len() as u64);
    let (mut measured, mut wrong) = (Records::default(), Vec::new());
    let mut budget = Budget::default();
    for (index, Task { spec, requires }) in open.iter().enumerate() {
        let now = Instant::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            budget.left = open.len() - index;
            break;
        }
        // What one spec leaves of its share, the others have.
        let share = deadline.map(|deadline| now + (deadline - now) / (open.len() - index) as u32);
        let key = spec.key();
        bar.set_message(key.clone());
        match bench.measure(spec, requires, share)? {
            Outcome::Skipped { reason } => bar.suspend(|| say(format_args!("skipped {key}: {reason}"))),
            Outcome::Short { least } => budget.short.push(least),
            Outcome::Measured { record, failures } => {
                wrong.extend(failures.into_iter().map(|failure| format!("{key}: {failure}")));
                if let Some(record) = record {
                    append(&file, &record, measured.list.last().or(known.list.last())).with_context(unwritable)?;
                    measured.list.push(record);
                }
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report::print(&measured)?;
    match measured.list.len() {
        0 => say("no records were made"),
        made => say(format_args!("{} in {}", count(made, "record"), file.display())),
    }
    if let Some(text) = args.budget.and_then(|seconds| budget.advice(seconds)) {
        say(text);
    }
    if !wrong.is_empty() {
        let candidates = count(wrong.len(), "candidate");
        bail!("{candidates} cannot be used, a defect of their templates or of the driver:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// A spec, and a device class in which there is something to choose for it.
struct Task {
    spec: Spec,
    requires: Requires,
}

/// What is there to choose in these models, the heaviest first: in every device class that the device meets, the most demanding first, since
/// elsewhere the same device may be met in a lesser one, such as in a browser without matrix units. Where the candidates are those of a class
/// before, its record serves both. Devices without subgroups are not stood in for by those that have them.
fn tasks(args: &Tune, meets: impl Fn(&Requires) -> bool) -> Result<Vec<Task>> {
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut tasks = Vec::new();
    for model in &args.models {
        let flags = LibraryFlags { activations: args.activations, ..LibraryFlags::default() };
        let options = library::options(args.quantization.as_deref(), &flags)?;
        let compiled = library::compile(&library::config_file(model)?, &options)?;
        let classes: Vec<Requires> = compiled.plan.variants.iter().map(|variant| variant.requires).filter(&meets).collect();
        let subgroups = classes.iter().any(|class| class.subgroups);
        for (requires, spec) in compiled.specs {
            let key = spec.key();
            let asked = args.spec.as_ref().is_none_or(|part| key.contains(part.as_str()));
            if !asked || !space::is_open(&spec) || !classes.contains(&requires) || requires.subgroups != subgroups {
                continue;
            }
            let texts = candidates(&spec, &requires)?.into_iter().map(|candidate| candidate.linked.text).collect::<Vec<_>>();
            if found.entry(key).or_default().insert(digest(&texts.concat())) {
                tasks.push(Task { spec, requires });
            }
        }
    }
    ensure!(!tasks.is_empty(), "there is nothing to measure: no spec with tunables matches");
    tasks.sort_by_key(|task| std::cmp::Reverse(steps::timed(&task.spec).iter().map(|step| step.bytes()).max()));
    Ok(tasks)
}

/// In the sources if this is run there, else in the current folder.
fn default_file(device: &str) -> PathBuf {
    let name = format!("{}.txt", device_slug(device));
    let folder = Path::new(FOLDER);
    if folder.is_dir() { folder.join(name) } else { name.into() }
}

/// Finds whether a file can be appended to, and leaves none where there was none.
fn probe(file: &Path) -> io::Result<()> {
    let is_new = !file.exists();
    OpenOptions::new().create(true).append(true).open(file)?;
    if is_new { fs::remove_file(file) } else { Ok(()) }
}

/// Writes a record at once and whole.
fn append(file: &Path, record: &Record, last: Option<&Record>) -> Result<()> {
    let text = record.to_text(last);
    Ok(OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())?)
}

fn progress(specs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} {bar:20} {elapsed} {wide_msg}");
    let bar = ProgressBar::new(specs).with_style(style.expect("the template is a constant and right"));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
