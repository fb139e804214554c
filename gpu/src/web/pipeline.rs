//! Compiling pipelines in a browser.
//!
//! wgpu's web backend asks for pipelines one after the other (`createComputePipeline`). A browser may then compile them in turn, in the
//! process that also draws the page. `createComputePipelineAsync` compiles side by side and blocks nothing, but wgpu cannot take its
//! pipelines. So wgpu is asked for each pipeline twice, with the browser's function replaced. The first time the replacement begins to
//! compile and returns a placeholder. The second time it returns the finished pipeline. The function is replaced only for these calls.

use std::future::Future;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(inline_js = r#"
let original;
let begun;
// The class of devices. It is read from a device, since only browsers have a global of this name.
let prototype;

export function learn_class(device) {
  prototype = Object.getPrototypeOf(device);
}

export function replace_pipelines(made) {
  if (!prototype?.createComputePipelineAsync || original) return false;
  original = prototype.createComputePipeline;
  prototype.createComputePipeline = function (descriptor) {
    if (made) return made;
    begun = this.createComputePipelineAsync(descriptor);
    return {};
  };
  return prototype.createComputePipeline !== original;
}

export function pipelines_as_before() {
  if (original) prototype.createComputePipeline = original;
  const promise = begun;
  original = begun = undefined;
  return promise;
}
"#)]
extern "C" {
    /// Takes note of the class of devices, whose function is replaced. To be called with the first device.
    pub(super) fn learn_class(device: &JsValue);
    fn replace_pipelines(made: Option<JsValue>) -> bool;
    fn pipelines_as_before() -> Option<js_sys::Promise>;
}

/// Begins a pipeline that `make` would make; the future gives it, or what the browser says against it.
pub(crate) fn begin_pipeline(make: impl Fn() -> wgpu::ComputePipeline) -> impl Future<Output = Result<wgpu::ComputePipeline, String>> {
    replace_pipelines(None);
    let made = make();
    // Where nothing was replaced, as where the prototype cannot be changed, this one is real.
    let begun = pipelines_as_before().map(JsFuture::from);
    async move {
        let Some(begun) = begun else { return Ok(made) };
        let compiled = begun.await.map_err(|error| String::from(js_sys::Error::from(error).message()))?;
        replace_pipelines(Some(compiled));
        let made = make();
        pipelines_as_before();
        Ok(made)
    }
}
