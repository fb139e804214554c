//! `tegula devices`: which adapters there are, and what of them matters to models.

use anyhow::{Result, ensure};
use tegula_gpu::{DeviceInfo, Gpu};

use crate::args::Devices;
use crate::report;

/// Lists the adapters, the one that other commands choose first.
pub fn devices(args: &Devices) -> Result<()> {
    let adapters = pollster::block_on(Gpu::adapters());
    if args.json {
        return report::print_json(&adapters);
    }
    ensure!(
        !adapters.is_empty(),
        "no GPU adapter: install the GPU's Vulkan driver; Mesa's lavapipe (mesa-vulkan-drivers) runs on any processor"
    );
    report::print_text(&adapters.iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn describe(device: &DeviceInfo) -> String {
    let limits = &device.limits;
    let subgroups = match (device.subgroups, device.subgroup_min_size, device.subgroup_max_size) {
        (false, ..) => "no".into(),
        (true, least, most) if least == most => least.to_string(),
        (true, least, most) => format!("{least} to {most}"),
    };
    let yes = |has: bool| if has { "yes" } else { "no" };
    format!(
        "{}\n  {} {}, {}, {}\n  subgroups {subgroups}, f16 {}, timestamps {}\n  buffer {}, storage binding {}, workgroup memory {}\n  \
         {} invocations a workgroup, {} storage buffers a stage, {} workgroups a dimension\n",
        device.name,
        device.vendor,
        device.device_type,
        device.backend,
        if device.driver.is_empty() { "unknown driver" } else { &device.driver },
        yes(device.f16),
        yes(device.timestamps),
        report::bytes(limits.max_buffer),
        report::bytes(limits.max_storage_binding),
        report::bytes(limits.workgroup_memory.into()),
        limits.workgroup_invocations,
        limits.storage_buffers_per_stage,
        limits.workgroups_per_dimension,
    )
}
