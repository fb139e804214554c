//! Whether a browser speaks the dialect of matrix units that kernels are rewritten to.
//!
//! The list of its features does not tell: the dialect behind the feature is an experiment, and has changed between versions of Chrome. So
//! a new device is asked to make a pipeline of a small kernel with every form. If it refuses, models run as on devices without matrix
//! units.

use super::spelled;
use crate::dialect::PROBE;
use tegula_plan::Requires;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = r#"
export async function makes_pipeline(device, code) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const made = device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const [pipeline, error] = await Promise.allSettled([made, device.popErrorScope()]);
  if (pipeline.status === "rejected") return String(pipeline.reason?.message ?? pipeline.reason);
  return error.value?.message;
}
"#)]
extern "C" {
    /// What is wrong with a text, if anything is.
    async fn makes_pipeline(device: &JsValue, code: &str) -> JsValue;
}

/// Whether the device takes every form that kernels have.
pub(super) async fn speaks_dialect(device: &JsValue) -> bool {
    let requires = Requires { subgroups: true, f16: true, matrix: true };
    let complaint = match spelled(&requires, PROBE) {
        Ok(text) => makes_pipeline(device, &text).await.as_string(),
        Err(unknown) => Some(unknown.to_string()),
    };
    if let Some(message) = &complaint {
        tracing::warn!(message, "matrix units are left alone: this browser spells them otherwise");
    }
    complaint.is_none()
}
