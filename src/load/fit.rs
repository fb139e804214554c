//! Whether a package, a library and a device fit each other.

use std::collections::HashMap;
use std::fmt::Write;

use tegula_gpu::Gpu;
use tegula_plan::{Dtype, Param, Plan, Precision, VectorSource};

use crate::load::manifest::{Record, Shard, Stored, TensorCache};
use crate::load::upload::{Extent, Kept, Target};
use crate::model::Place;
use crate::{ErrorKind, Result};

/// The first variant that the device can run. For f32 precision that is the one for every device:
/// subgroups add in an order that depends on their size.
pub(super) fn choose(plan: &Plan, gpu: &Gpu, precision: Precision) -> Result<usize> {
    let mut refused = None;
    if precision == Precision::F32 {
        if plan.model.cache != Dtype::F32 {
            return Err(ErrorKind::Precision.into());
        }
        let last = plan.variants.len() - 1;
        plan.variants[last].kernels.iter().try_for_each(|kernel| gpu.fits(kernel))?;
        return Ok(last);
    }
    for (index, variant) in plan.variants.iter().enumerate().filter(|(_, variant)| gpu.meets(&variant.requires)) {
        match variant.kernels.iter().try_for_each(|kernel| gpu.fits(kernel)) {
            Ok(()) => {
                tracing::debug!(variant = variant.name, "variant chosen");
                return Ok(index);
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("the last variant requires nothing, which the library's reader checks").into())
}

/// Every parameter of the plan is in the package, as it was compiled for.
pub(super) fn compare(plan: &Plan, manifest: &TensorCache) -> Result<()> {
    let records: HashMap<&str, &Record> =
        manifest.shards.iter().flat_map(|shard| &shard.records).map(|record| (record.name.as_str(), record)).collect();
    let wrong: Vec<_> = plan
        .params
        .iter()
        .map(|param| (param, records.get(param.name.as_str())))
        .filter(|(param, record)| !record.is_some_and(|record| matches(param, record)))
        .collect();
    let extra = records.len().saturating_sub(plan.params.len() - wrong.len());
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

fn matches(param: &Param, record: &Record) -> bool {
    let stored = match param.dtype {
        Dtype::U32 => record.stored == Stored::U32,
        Dtype::F16 => record.stored == Stored::F16,
        // How exact the package keeps it is the package's choice.
        Dtype::F32 => matches!(record.stored, Stored::F32 | Stored::Bf16),
    };
    stored && param.shape == record.shape
}

fn describe(param: &Param) -> String {
    format!("{} {:?}", param.dtype.name(), param.shape)
}

/// Vectors are as long as what fills them, so that nothing is written beside them.
pub(super) fn check_vectors(plan: &Plan) -> Result<()> {
    for vector in &plan.vectors {
        let length = match &vector.source {
            VectorSource::Values(values) => values.len() as u64,
            VectorSource::Param(param) => {
                let Param { shape, dtype, .. } = &plan.params[*param as usize];
                let length = shape.iter().try_fold(1, |product: u64, length| product.checked_mul(*length));
                length.filter(|_| *dtype != Dtype::U32).unwrap_or(u64::MAX)
            }
        };
        if length != u64::from(vector.length) {
            let reason = format!("the vector at {} has {} elements, its source does not", vector.offset, vector.length);
            return Err(tegula_plan::Error::from(tegula_plan::ErrorKind::Damaged { section: tegula_plan::section::PLAN, reason }).into());
        }
    }
    Ok(())
}

/// The records of a shard that the plan reads, and where they go.
pub(super) fn extents(plan: &Plan, shard: &Shard) -> Vec<Extent> {
    let mut targets: HashMap<&str, Vec<Target>> = HashMap::new();
    for (index, param) in (0..).zip(&plan.params) {
        let kept = if param.dtype == Dtype::F32 { Kept::F32 } else { Kept::AsStored };
        targets.entry(&param.name).or_default().push(Target { place: Place::Weight(index), offset: 0, kept });
    }
    for vector in &plan.vectors {
        if let VectorSource::Param(param) = vector.source {
            let target = Target { place: Place::Vectors, offset: 4 * u64::from(vector.offset), kept: Kept::F32 };
            targets.entry(&plan.params[param as usize].name).or_default().push(target);
        }
    }
    let wanted = |record: &Record| {
        let targets = targets.get(record.name.as_str())?.clone();
        Some(Extent { offset: record.offset, bytes: record.bytes, stored: record.stored, targets })
    };
    shard.records.iter().filter_map(wanted).collect()
}
