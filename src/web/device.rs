//! The GPU device for JavaScript.

use serde::Serialize;
use tegula_gpu::{DeviceInfo, Gpu, Limits, Options};
// The macro looks for it by this name.
use js_sys::futures as wasm_bindgen_futures;
use wasm_bindgen::prelude::*;

use super::{drive, js};
use crate::Error;
use crate::host::Handle;

/// Opens a device; with `baseline` one that has only what every WebGPU device has.
///
/// # Errors
/// Those of [`Gpu::new`].
#[wasm_bindgen(js_name = requestDevice)]
pub async fn request_device(baseline: bool) -> Result<WebDevice, JsValue> {
    let gpu = Gpu::new(&Options { baseline, adapter: None }).await.map_err(Error::from)?;
    Ok(WebDevice { gpu, host: drive::start() })
}

/// A GPU device, and the host of the models on it.
#[wasm_bindgen(js_name = Device)]
pub struct WebDevice {
    pub(super) gpu: Gpu,
    pub(super) host: Handle,
}

#[wasm_bindgen(js_class = Device)]
impl WebDevice {
    /// What each model on it holds, in bytes: `{model, weights, activations, cache, cache_limit}`.
    #[must_use]
    pub fn memory(&self) -> JsValue {
        js(&self.host.memory())
    }

    /// What it is and can do.
    #[must_use]
    pub fn info(&self) -> JsValue {
        let DeviceInfo {
            name,
            vendor,
            backend,
            driver,
            device_type,
            subgroups,
            subgroup_min_size,
            subgroup_max_size,
            f16,
            matrix,
            timestamps,
            limits,
        } = self.gpu.info();
        js(&Device {
            name,
            vendor,
            backend,
            driver,
            device_type,
            subgroups: *subgroups,
            subgroup_min_size: *subgroup_min_size,
            subgroup_max_size: *subgroup_max_size,
            f16: *f16,
            matrix: *matrix,
            timestamps: *timestamps,
            limits: DeviceLimits::of(limits),
        })
    }
}

/// [`DeviceInfo`] in JavaScript's spelling.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Device<'a> {
    name: &'a str,
    vendor: &'a str,
    backend: &'a str,
    driver: &'a str,
    device_type: &'a str,
    subgroups: bool,
    subgroup_min_size: u32,
    subgroup_max_size: u32,
    f16: bool,
    matrix: bool,
    timestamps: bool,
    limits: DeviceLimits,
}

/// [`Limits`] in JavaScript's spelling and numbers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceLimits {
    max_buffer: f64,
    max_storage_binding: f64,
    workgroup_memory: u32,
    workgroup_invocations: u32,
    storage_buffers_per_stage: u32,
    workgroups_per_dimension: u32,
}

impl DeviceLimits {
    fn of(limits: &Limits) -> DeviceLimits {
        DeviceLimits {
            max_buffer: limits.max_buffer as f64,
            max_storage_binding: limits.max_storage_binding as f64,
            workgroup_memory: limits.workgroup_memory,
            workgroup_invocations: limits.workgroup_invocations,
            storage_buffers_per_stage: limits.storage_buffers_per_stage,
            workgroups_per_dimension: limits.workgroups_per_dimension,
        }
    }
}
