//! What a model would take, before anything of it is allocated.

use tegula_gpu::Gpu;
use tegula_plan::Library;

use super::weights::choose;
use crate::Result;
use crate::model::budget::{Budget, Memory};

/// What a library's model would take on a device with as much memory as it can use. `tokens` bounds its
/// cache, all sequences together.
///
/// # Errors
/// [`crate::ErrorKind::Library`], and [`crate::ErrorKind::Gpu`] when no variant fits the device.
pub fn needs(gpu: &Gpu, library: &[u8], tokens: Option<u32>) -> Result<Memory> {
    let plan = Library::parse(library)?.plan;
    let variant = &plan.variants[choose(&plan, gpu)?];
    Memory::plan(&plan, variant, gpu.info(), &Budget { memory: None, tokens })
}
