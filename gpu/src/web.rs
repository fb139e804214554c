//! The browser's adapter.
//!
//! wgpu's web backend neither knows nor requests the features for subgroups and matrix units, and tells little about an adapter. So the
//! truth about features comes from the JavaScript objects, and `GPUAdapter.prototype.requestDevice` is replaced while wgpu calls it, only
//! for that one call: a page that uses WebGPU for other things never meets the replacement.

mod matrix;
mod pipeline;

use crate::dialect::UnknownForm;
use crate::info::DeviceInfo;
use crate::{Error, ErrorKind, dialect, packed};
pub(crate) use pipeline::begin_pipeline;
use tegula_plan::Requires;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = r#"
export function unavailable() {
  if (globalThis.navigator?.gpu) return undefined;
  if (globalThis.isSecureContext === false)
    return "the page is not a secure context, and WebGPU exists only in those; serve it over https or from localhost";
  return "this browser has no WebGPU (navigator.gpu is missing); use a current Chrome, Edge, Safari or Firefox, and check that WebGPU is switched on";
}

// The class of adapters. It is read from an adapter, since only browsers have a global of this name.
let adapters;

export async function adapter_facts() {
  const adapter = await globalThis.navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return undefined;
  adapters = Object.getPrototypeOf(adapter);
  const info = adapter.info ?? {};
  return {
    vendor: info.vendor ?? "",
    architecture: info.architecture ?? "",
    name: info.description || info.device || [info.vendor, info.architecture].filter(Boolean).join(" "),
    subgroups: adapter.features.has("subgroups"),
    matrix: adapter.features.has("chromium-experimental-subgroup-matrix") && [...(info.subgroupMatrixConfigs ?? [])].some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === "f16" && resultComponentType === "f32" && M === 16 && N === 16 && K === 16),
  };
}

let original;

export function request_with_features(names) {
  if (original) return;
  original = adapters.requestDevice;
  adapters.requestDevice = function (descriptor) {
    const features = new Set(descriptor?.requiredFeatures ?? []);
    for (const name of names) if (this.features.has(name)) features.add(name);
    return original.call(this, { ...descriptor, requiredFeatures: [...features] });
  };
}

export function request_as_before() {
  if (original) adapters.requestDevice = original;
  original = undefined;
}

export function device_has(device, name) {
  return device.features.has(name);
}

export function language_has(name) {
  return globalThis.navigator.gpu.wgslLanguageFeatures?.has(name) ?? false;
}

export function now() {
  return performance.now();
}
"#)]
extern "C" {
    fn unavailable() -> Option<String>;
    #[wasm_bindgen(catch)]
    async fn adapter_facts() -> Result<JsValue, JsValue>;
    fn request_with_features(names: Vec<String>);
    fn request_as_before();
    fn device_has(device: &JsValue, name: &str) -> bool;
    fn language_has(name: &str) -> bool;
    /// Milliseconds on the page's clock.
    pub(crate) fn now() -> f64;
}

/// The adapter that the browser would give.
pub(crate) async fn adapters() -> Vec<(wgpu::Adapter, DeviceInfo)> {
    find(None).await.into_iter().collect()
}

/// The adapter that the browser gives; it offers no choice by name.
pub(crate) async fn find(_name: Option<&str>) -> Result<(wgpu::Adapter, DeviceInfo), Error> {
    let absent = |reason: String| Error::from(ErrorKind::NoAdapter { reason });
    if let Some(reason) = unavailable() {
        return Err(absent(reason));
    }
    let facts = adapter_facts().await.map_err(|error| absent(format!("the browser failed to look for one: {error:?}")))?;
    let nothing = "the browser found no suitable GPU: its driver may be missing or blocklisted, or hardware acceleration switched off (see chrome://gpu or about:support)";
    if facts.is_undefined() {
        return Err(absent(nothing.into()));
    }
    let descriptor =
        wgpu::InstanceDescriptor { backends: wgpu::Backends::BROWSER_WEBGPU, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let options = wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    let adapter = wgpu::Instance::new(descriptor).request_adapter(&options).await.map_err(|_| absent(nothing.into()))?;
    let text = |key: &str| js_sys::Reflect::get(&facts, &key.into()).ok().and_then(|value| value.as_string()).unwrap_or_default();
    let info = DeviceInfo::of(&adapter.get_info(), adapter.features(), &adapter.limits());
    let truth = |key: &str| js_sys::Reflect::get(&facts, &key.into()).is_ok_and(|value| value.is_truthy());
    let subgroups = truth("subgroups");
    let matrix = truth("matrix") && subgroups && info.f16 && info.suits_fragments();
    let info = DeviceInfo {
        name: text("name"),
        vendor: text("vendor"),
        backend: "webgpu".into(),
        driver: text("architecture"),
        subgroups,
        matrix,
        ..info
    };
    Ok((adapter, info))
}

/// Browsers have none of wgpu's experimental features.
pub(crate) fn experimental(_features: &wgpu::Features) -> wgpu::ExperimentalFeatures {
    wgpu::ExperimentalFeatures::disabled()
}

/// A kernel's text as browsers take it: they insist on `enable subgroups;`, Chrome has another dialect for matrix units, and some have no
/// dot products of packed int8.
pub(crate) fn spelled(requires: &Requires, wgsl: &str) -> Result<String, UnknownForm> {
    let lines = [(requires.f16, "enable f16;\n"), (requires.subgroups, "enable subgroups;\n"), (requires.matrix, dialect::DIRECTIVES)];
    let directives: String = lines.into_iter().filter_map(|(wanted, line)| wanted.then_some(line)).collect();
    let given = if language_has(packed::FEATURE) { "" } else { packed::missing(wgsl) };
    if !requires.matrix {
        return Ok(directives + given + wgsl);
    }
    Ok(directives + given + &dialect::translate(wgsl)?)
}

/// Opens a device, with subgroup operations and matrix units where the adapter has them unless only the baseline is wanted.
pub(crate) async fn open(
    adapter: &wgpu::Adapter,
    info: &DeviceInfo,
    descriptor: &wgpu::DeviceDescriptor<'_>,
    baseline: bool,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    if !baseline {
        let wanted = if info.matrix { vec!["subgroups", dialect::FEATURE] } else { vec!["subgroups"] };
        request_with_features(wanted.into_iter().map(String::from).collect());
    }
    // wgpu calls the browser here, not when the future is awaited.
    let device = adapter.request_device(descriptor);
    request_as_before();
    device.await
}

/// What kernels may use of what the device was given. Matrix units are an experiment of Chrome's, whose dialect has changed before: they count
/// only where it is still the one that is written here.
pub(crate) async fn granted(device: &wgpu::Device) -> Requires {
    let f16 = device.features().contains(wgpu::Features::SHADER_F16);
    let Some(raw) = device.as_webgpu() else { return Requires { f16, ..Requires::default() } };
    let raw: &JsValue = raw.as_ref();
    pipeline::learn_class(raw);
    let subgroups = device_has(raw, "subgroups");
    let matrix = device_has(raw, dialect::FEATURE) && matrix::speaks_dialect(raw).await;
    Requires { subgroups, f16, matrix }
}
