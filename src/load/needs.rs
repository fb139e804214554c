//! What a model would take, before anything of it is allocated.

use tegula_gpu::Gpu;
use tegula_plan::Library;

use super::Module;
use super::fit::choose;
use crate::Result;
use crate::model::budget::{Budget, Memory};

/// What a library's model would take on a device with as much memory as it can use. `tokens` bounds its
/// cache, all sequences together.
///
/// # Errors
/// [`crate::ErrorKind::Library`], and [`crate::ErrorKind::Gpu`] when no variant fits the device,
/// and [`crate::ErrorKind::Precision`].
pub fn needs<'a>(gpu: &Gpu, library: impl Into<Module<'a>>, tokens: Option<u32>) -> Result<Memory> {
    let Module { bytes, origin, precision } = library.into();
    let plan = Library::parse(bytes)?.plan;
    let variant = &plan.variants[choose(&plan, gpu, origin, precision)?];
    Memory::plan(&plan, variant, gpu.info(), &Budget { memory: None, tokens })
}
