//! [`crate::bench`] for JavaScript: the figures of `tegula bench`, from a browser.

use wasm_bindgen::prelude::*;

use super::{WebDevice, js};
use crate::bench::{Workload, measure, random_model};

/// Measures a model library with random weights, which are made on the GPU. `workload` is `{prompt_tokens, decode_tokens, repetitions}`; the
/// answer has the fields of `tegula bench --json`.
///
/// # Errors
/// Those of [`random_model`] and [`measure`].
#[wasm_bindgen]
pub async fn bench(device: WebDevice, library: Vec<u8>, workload: JsValue) -> Result<JsValue, JsValue> {
    let workload: Workload = serde_wasm_bindgen::from_value(workload)?;
    let model = random_model(device.gpu.clone(), &library).await?;
    Ok(js(&measure(model, &workload).await?))
}
