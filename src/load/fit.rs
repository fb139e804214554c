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
        Some(Extent { offset: record.offset, bytes: record.bytes, stored: record.element(), targets })
    };
    shard.records.iter().filter_map(wanted).collect()
}
