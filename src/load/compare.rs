//! Whether a package is of the model that a library was compiled for.

use std::collections::HashMap;
use std::fmt::Write;

use tegula_package::mlc::manifest::Record;
use tegula_package::mlc::{ChatConfig, TensorCache};
use tegula_package::{Element, ErrorKind as Package};
use tegula_plan::{Dtype, Param, Plan};

use crate::{ErrorKind, Result};

/// Every parameter of the plan is in the package, as it was compiled for.
pub(super) fn tensors(plan: &Plan, manifest: &TensorCache) -> Result<()> {
    let records: HashMap<&str, &Record> =
        manifest.shards.iter().flat_map(|shard| &shard.records).map(|record| (record.name.as_str(), record)).collect();
    let tensors: Vec<Param> = plan.params.iter().flat_map(Param::tensors).map(|(_, tensor)| tensor).collect();
    let wrong: Vec<_> = tensors
        .iter()
        .map(|param| (param, records.get(param.name.as_str())))
        .filter(|(param, record)| !record.is_some_and(|record| matches(param, record)))
        .collect();
    let extra = records.len().saturating_sub(tensors.len() - wrong.len());
    tracing::debug!(extra, "tensors of the package that the library does not read");
    let Some(((param, record), others)) = wrong.split_first() else { return Ok(()) };
    let mut more = String::new();
    for (index, (param, record)) in others.iter().enumerate().take(4) {
        let found = record.map_or_else(|| "absent".into(), |record| record.describe());
        let start = if index == 0 { format!("; {} more do not fit: ", others.len()) } else { ", ".into() };
        write!(more, "{start}`{}` is {found}, not {}", param.name, describe(param)).expect("strings take everything");
    }
    let (name, expected) = (param.name.clone(), describe(param));
    Err(match record {
        None => ErrorKind::MissingParam { name, expected, more }.into(),
        Some(record) => ErrorKind::ParamMismatch { name, expected, found: record.describe(), more }.into(),
    })
}

/// The package says that it is of the model that the library was compiled for. A package that Tegula did
/// not make has no fingerprint: nothing tells it from one of another model with the same shapes.
pub(super) fn model(plan: &Plan, config: &ChatConfig) -> Result<()> {
    if !config.quantization.is_empty() && config.quantization != plan.model.quantization {
        let (file, field, value) = (ChatConfig::FILE, "quantization", format!("`{}`", config.quantization));
        return Err(Package::ConfigValue { file, field, value, allowed: "the model library was compiled for another one" }.into());
    }
    let mut differences = plan.model.fingerprint.differences(&config.fingerprint);
    let Some((name, expected, found)) = differences.next() else { return Ok(()) };
    let others: Vec<_> = differences.map(|(name, ..)| format!("`{name}`")).collect();
    let more = if others.is_empty() { String::new() } else { format!(" ({} differ too)", others.join(", ")) };
    Err(ErrorKind::ModelMismatch { name: name.into(), expected: expected.into(), found: found.into(), more }.into())
}

fn matches(param: &Param, record: &Record) -> bool {
    let stored = match param.dtype {
        Dtype::U32 => record.element() == Element::U32,
        Dtype::F16 => record.element() == Element::F16,
        // How exact the package keeps it is the package's choice.
        Dtype::F32 => matches!(record.element(), Element::F32 | Element::Bf16),
    };
    stored && param.shape == record.shape
}

fn describe(param: &Param) -> String {
    format!("{} {:?}", param.dtype.name(), param.shape)
}
