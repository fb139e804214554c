//! Whether a device can run a library, and where the tensors of a package go in it.

use std::collections::HashMap;

use tegula_gpu::{Gpu, Origin};
use tegula_package::mlc::manifest::{Record, Shard};
use tegula_plan::{Dtype, Param, Plan, Precision, Requires, State, VectorSource};

use crate::load::upload::{Extent, Kept, Target};
use crate::model::Place;
use crate::{ErrorKind, Result};

/// The first variant that the device can run, with matrix units only for kernels that may use them. For
/// f32 precision that is the one for every device: subgroups add in an order that depends on their size.
pub(super) fn choose(plan: &Plan, gpu: &Gpu, origin: Origin, precision: Precision) -> Result<usize> {
    let fits = |index: usize| plan.variants[index].kernels.iter().try_for_each(|kernel| gpu.fits(kernel));
    if precision == Precision::F32 {
        let is_half = |state: &State| matches!(state, State::Paged(group) if group.format != Dtype::F32);
        if plan.model.state.iter().any(is_half) {
            return Err(ErrorKind::Precision.into());
        }
        let last = plan.variants.len() - 1;
        fits(last)?;
        return Ok(last);
    }
    let mut refused = None;
    let may = |requires: &Requires| gpu.meets(requires) && (!requires.matrix || origin.may_use_matrix_units());
    for (index, variant) in plan.variants.iter().enumerate().filter(|(_, variant)| may(&variant.requires)) {
        match fits(index) {
            Ok(()) => {
                tracing::debug!(variant = variant.name, "variant chosen");
                return Ok(index);
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("the last variant requires nothing, which the library's reader checks").into())
}

/// Vectors are as long as what fills them, and parameters as long as the tensors that they are made of, so that nothing is written beside
/// them.
pub(super) fn check_vectors(plan: &Plan) -> Result<()> {
    for param in plan.params.iter().filter(|param| !param.pieces.is_empty()) {
        let rows = param.pieces.iter().try_fold(0u64, |sum, piece| sum.checked_add(piece.rows));
        if rows != param.shape.first().copied() {
            let reason = format!("the tensors of `{}` have other rows than itself", param.name);
            return Err(tegula_plan::Error::from(tegula_plan::ErrorKind::Damaged { section: tegula_plan::section::PLAN, reason }).into());
        }
    }
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

/// The tensors of a package that a parameter is made of, each with the place of its first element.
fn placed(param: &Param) -> impl Iterator<Item = (String, u64)> {
    let width = param.shape.iter().skip(1).fold(1u64, |product, length| product.saturating_mul(*length));
    param.tensors().map(move |(first, tensor)| (tensor.name, first.saturating_mul(width)))
}

/// The records of a shard that the plan reads, and where they go.
pub(super) fn extents(plan: &Plan, shard: &Shard) -> Vec<Extent> {
    let mut targets: HashMap<String, Vec<Target>> = HashMap::new();
    for (index, param) in (0..).zip(&plan.params) {
        let kept = if param.dtype == Dtype::F32 { Kept::F32 } else { Kept::AsStored };
        for (name, offset) in placed(param) {
            targets.entry(name).or_default().push(Target { place: Place::Weight(index), offset: offset * param.dtype.bytes(), kept });
        }
    }
    for vector in &plan.vectors {
        if let VectorSource::Param(param) = vector.source {
            for (name, offset) in placed(&plan.params[param as usize]) {
                let offset = 4 * (u64::from(vector.offset) + offset);
                targets.entry(name).or_default().push(Target { place: Place::Vectors, offset, kept: Kept::F32 });
            }
        }
    }
    let wanted = |record: &Record| {
        let targets = targets.get(record.name.as_str())?.clone();
        Some(Extent { offset: record.offset, bytes: record.bytes, stored: record.element(), targets })
    };
    shard.records.iter().filter_map(wanted).collect()
}
