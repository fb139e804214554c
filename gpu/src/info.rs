//! What a device is and how much it allows.

use serde::Serialize;
use tegula_plan::MATRIX_WORKGROUP_MEMORY;

/// A device or an adapter, for people and for choosing kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its name; in browsers that hide it, vendor and architecture.
    pub name: String,
    /// `nvidia`, `apple`, … or a number that has no name here.
    pub vendor: String,
    /// `vulkan`, `metal`, `dx12` or `webgpu`.
    pub backend: String,
    /// Driver name and version; in browsers the architecture.
    pub driver: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `unknown`.
    pub device_type: &'static str,
    /// Whether kernels may use subgroup operations.
    pub subgroups: bool,
    /// Fewest invocations of a subgroup; zero if unknown.
    pub subgroup_min_size: u32,
    /// Most invocations of a subgroup; zero if unknown.
    pub subgroup_max_size: u32,
    /// Whether kernels may use 16-bit floats.
    pub f16: bool,
    /// Whether kernels may multiply fragments of 16 x 16, f16 in and f32 out, by subgroups of exactly 32. In
    /// browsers only where the experiment that offers it is switched on.
    pub matrix: bool,
    /// Whether GPU time can be measured.
    pub timestamps: bool,
    /// Limits.
    pub limits: Limits,
}

/// The limits that bear on models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a buffer.
    pub max_buffer: u64,
    /// Bytes of a buffer that a kernel can bind at once.
    pub max_storage_binding: u64,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Invocations of a workgroup.
    pub workgroup_invocations: u32,
    /// Storage buffers of a kernel.
    pub storage_buffers_per_stage: u32,
    /// What offsets of uniform bindings are multiples of, in bytes.
    pub uniform_alignment: u32,
    /// What offsets of storage bindings are multiples of, in bytes.
    pub storage_alignment: u32,
    /// Workgroups of a dispatch in each dimension.
    pub workgroups_per_dimension: u32,
}

impl DeviceInfo {
    /// Whether the device is driven through Metal, as far as can be told: browsers name the vendor, not the API.
    #[must_use]
    pub fn is_metal(&self) -> bool {
        self.backend == "metal" || (self.backend == "webgpu" && self.vendor == "apple")
    }

    /// Invocations that every subgroup has at least, as far as can be told. Metal does not say; whatever it drives has eight or more.
    pub(crate) fn least_subgroup(&self) -> u32 {
        let least = if self.is_metal() { self.subgroup_min_size.max(8) } else { self.subgroup_min_size };
        // WebGPU allows none below.
        least.max(if self.subgroups { 4 } else { 1 })
    }

    /// Whether kernels for matrix units would know their fragments by the number of an invocation, and have memory for their tiles.
    pub(crate) fn suits_fragments(&self) -> bool {
        [self.subgroup_min_size, self.subgroup_max_size] == [32; 2] && self.limits.workgroup_memory >= MATRIX_WORKGROUP_MEMORY
    }

    /// What `adapter` can do, whether or not a device asks for it.
    pub(crate) fn of(info: &wgpu::AdapterInfo, features: wgpu::Features, limits: &wgpu::Limits) -> Self {
        DeviceInfo {
            name: info.name.clone(),
            vendor: vendor(info.vendor),
            backend: info.backend.to_string(),
            driver: [info.driver.as_str(), info.driver_info.as_str()].join(" ").trim().to_owned(),
            device_type: device_type(info.device_type),
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            subgroup_min_size: info.subgroup_min_size,
            subgroup_max_size: info.subgroup_max_size,
            f16: features.contains(wgpu::Features::SHADER_F16),
            matrix: features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            limits: Limits::of(limits),
        }
    }
}

impl Limits {
    fn of(limits: &wgpu::Limits) -> Self {
        Limits {
            max_buffer: limits.max_buffer_size,
            max_storage_binding: limits.max_storage_buffer_binding_size,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            storage_buffers_per_stage: limits.max_storage_buffers_per_shader_stage,
            uniform_alignment: limits.min_uniform_buffer_offset_alignment,
            storage_alignment: limits.min_storage_buffer_offset_alignment,
            workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        }
    }
}

fn device_type(kind: wgpu::DeviceType) -> &'static str {
    match kind {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "cpu",
        wgpu::DeviceType::Other => "unknown",
    }
}

/// PCI and Khronos vendor numbers of those who make GPUs, under the names that browsers use.
fn vendor(id: u32) -> String {
    match id {
        0x1002 | 0x1022 => "amd".into(),
        0x1010 => "img-tec".into(),
        0x106b => "apple".into(),
        0x10de => "nvidia".into(),
        0x13b5 => "arm".into(),
        0x1414 => "microsoft".into(),
        0x1ae0 => "google".into(),
        0x5143 => "qualcomm".into(),
        0x8086 => "intel".into(),
        0x10005 => "mesa".into(),
        other => format!("{other:#06x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subgroups_have_the_least_size_that_is_known() {
        let info = |backend: &str, vendor: &str, subgroups, subgroup_min_size| DeviceInfo {
            backend: backend.into(),
            vendor: vendor.into(),
            subgroups,
            subgroup_min_size,
            ..DeviceInfo::of(
                &wgpu::AdapterInfo::new(wgpu::DeviceType::Other, wgpu::Backend::Noop),
                wgpu::Features::empty(),
                &wgpu::Limits::default(),
            )
        };
        assert_eq!(info("vulkan", "nvidia", true, 32).least_subgroup(), 32);
        assert_eq!(info("vulkan", "google", true, 4).least_subgroup(), 4);
        assert_eq!(info("webgpu", "intel", true, 0).least_subgroup(), 4, "not told");
        assert_eq!(info("metal", "apple", true, 4).least_subgroup(), 8);
        assert_eq!(info("webgpu", "apple", true, 4).least_subgroup(), 8);
        assert_eq!(info("vulkan", "amd", false, 0).least_subgroup(), 1);
    }
}
