//! `tegula tune --texts`: the candidates' texts, for other compilers to check.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use tegula_compiler::tune::candidates;
use tegula_plan::Requires;

use super::Task;
use crate::report;

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    spec: &'a str,
    requires: &'a Requires,
    schedule: &'a str,
    text: &'a str,
}

/// Writes the text of every candidate to `file`, in WGSL as naga takes it.
pub(super) fn write(tasks: &[Task], file: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", file.display());
    let mut output = BufWriter::new(File::create(file).with_context(failed)?);
    let mut count = 0u64;
    for Task { spec, requires } in tasks {
        for candidate in candidates(spec, requires)? {
            let (key, schedule) = (spec.key(), candidate.schedule.to_string());
            let line = Line { spec: &key, requires, schedule: &schedule, text: &candidate.linked.text };
            serde_json::to_writer(&mut output, &line).with_context(failed)?;
            output.write_all(b"\n").with_context(failed)?;
            count += 1;
        }
    }
    output.flush().with_context(failed)?;
    report::say(format_args!("{} in {}", report::count(count, "text"), file.display()));
    Ok(())
}
