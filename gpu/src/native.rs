//! Adapters of the operating system.

use crate::info::DeviceInfo;
use crate::{Error, ErrorKind};
use std::convert::Infallible;
use tegula_plan::Requires;

/// All adapters, the preferred first: a software renderer is the last resort.
pub(crate) async fn adapters() -> Vec<(wgpu::Adapter, DeviceInfo)> {
    let descriptor = wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let adapters = wgpu::Instance::new(descriptor).enumerate_adapters(wgpu::Backends::PRIMARY).await;
    let mut found: Vec<_> = adapters
        .into_iter()
        .map(|adapter| {
            let info = DeviceInfo::of(&adapter.get_info(), adapter.features(), &adapter.limits());
            let matrix = info.matrix && has_fragments(&adapter, &info);
            (adapter, DeviceInfo { matrix, ..info })
        })
        .collect();
    let order = ["discrete", "integrated", "virtual", "unknown", "cpu"];
    found.sort_by_key(|(_, info)| order.iter().position(|kind| *kind == info.device_type));
    found
}

/// The adapter whose name contains `name`, else the preferred one.
pub(crate) async fn find(name: Option<&str>) -> Result<(wgpu::Adapter, DeviceInfo), Error> {
    let mut found = adapters().await;
    if found.is_empty() {
        let reason = "no Vulkan, Metal or Direct3D 12 driver offers one; install the driver of the GPU, or Mesa's software driver";
        return Err(ErrorKind::NoAdapter { reason: reason.into() }.into());
    }
    let Some(name) = name else { return Ok(found.swap_remove(0)) };
    let wanted = name.to_lowercase();
    match found.iter().position(|(_, info)| info.name.to_lowercase().contains(&wanted)) {
        Some(index) => Ok(found.swap_remove(index)),
        None => {
            let names: Vec<_> = found.iter().map(|(_, info)| info.name.as_str()).collect();
            Err(ErrorKind::NoAdapter { reason: format!("none is named like `{name}`; there are: {}", names.join(", ")) }.into())
        }
    }
}

/// Whether it multiplies the fragments that kernels use, as they use them.
fn has_fragments(adapter: &wgpu::Adapter, info: &DeviceInfo) -> bool {
    use wgpu::CooperativeScalarType::{F16, F32};
    let fits = |found: &wgpu::CooperativeMatrixProperties| {
        [found.m_size, found.n_size, found.k_size] == [16; 3] && found.ab_type == F16 && found.cr_type == F32
    };
    info.suits_fragments() && adapter.cooperative_matrix_properties().iter().any(fits)
}

/// A pipeline: the driver compiles it here and now.
pub(crate) fn begin_pipeline(make: impl Fn() -> wgpu::ComputePipeline) -> std::future::Ready<Result<wgpu::ComputePipeline, String>> {
    std::future::ready(Ok(make()))
}

/// Permission to use features that wgpu calls experimental, if any are requested.
#[expect(unsafe_code, reason = "wgpu asks for it, since unfinished features may break its promises")]
pub(crate) fn experimental(features: &wgpu::Features) -> wgpu::ExperimentalFeatures {
    if features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        // SAFETY: the one such feature that is asked for is matrix units, which only kernels of Tegula's compiler get: see `Origin::compiler`.
        unsafe { wgpu::ExperimentalFeatures::enabled() }
    } else {
        wgpu::ExperimentalFeatures::disabled()
    }
}

/// A kernel's text as naga takes it. It has no `enable subgroups;` and needs none.
#[expect(clippy::unnecessary_wraps, reason = "in a browser it may fail")]
pub(crate) fn spelled(requires: &Requires, wgsl: &str) -> Result<String, Infallible> {
    let lines = [(requires.f16, "enable f16;\n"), (requires.matrix, "enable wgpu_cooperative_matrix;\n")];
    Ok(lines.into_iter().filter_map(|(wanted, line)| wanted.then_some(line)).chain([wgsl]).collect())
}

/// Opens a device.
pub(crate) async fn open(
    adapter: &wgpu::Adapter,
    _info: &DeviceInfo,
    descriptor: &wgpu::DeviceDescriptor<'_>,
    _baseline: bool,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    adapter.request_device(descriptor).await
}

/// What kernels may use of what the device was given.
pub(crate) async fn granted(device: &wgpu::Device) -> Requires {
    let has = |feature| device.features().contains(feature);
    Requires {
        subgroups: has(wgpu::Features::SUBGROUP),
        f16: has(wgpu::Features::SHADER_F16),
        matrix: has(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
    }
}
