//! The last part of a load: from buffers and compiling kernels to a model that runs.

use std::sync::Arc;

use tegula_gpu::Gpu;
use tegula_plan::Library;

use super::budget::Memory;
use super::buffers::Buffers;
use super::choose::{self, Kernels};
use super::compiling::Compiling;
use super::step::Model;
use super::trial;
use crate::Result;

/// Waits for the kernels of a variant, binds what they read and write, and measures where there is something to choose.
pub(crate) async fn ready(
    gpu: Gpu,
    library: Arc<Library>,
    module: &[u8],
    variant: usize,
    memory: Memory,
    buffers: Buffers,
    compiling: Compiling,
) -> Result<Model> {
    let (mut model, kernels, chosen) = Model::new(gpu, library, module, variant, memory, buffers, compiling).await?;
    let decisions = match (chosen, kernels) {
        (None, Kernels::Measure { seconds }) => trial::decide_on(&mut model, seconds).await?,
        (None, _) => trial::decide_on(&mut model, choose::SECONDS).await?,
        (Some(chosen), kernels) => choose::taken(&model.variant().choices, &chosen, &kernels),
    };
    model.settle(decisions);
    Ok(model)
}
