//! [`crate::bench`] for JavaScript: the figures of `tegula bench`, from a browser.

// The macro looks for it by this name.
use js_sys::futures as wasm_bindgen_futures;
use wasm_bindgen::prelude::*;

use super::{WebDevice, js};
use crate::bench::{Bench, Workload, random_model};

/// Measures a model library with random weights, which are made on the GPU. `workloads` is an array of
/// [`Workload`]s; `report` gets the figures of each as soon as there are any, with the fields of `tegula bench --json`.
///
/// # Errors
/// Those of [`random_model`], [`Bench::new`] and [`Bench::measure`]; what `report` throws.
#[wasm_bindgen]
pub async fn bench(device: WebDevice, library: Vec<u8>, workloads: JsValue, report: js_sys::Function) -> Result<(), JsValue> {
    let workloads: Vec<Workload> = serde_wasm_bindgen::from_value(workloads)?;
    let mut bench = Bench::new(random_model(device.gpu.clone(), &library).await?).await?;
    for workload in &workloads {
        report.call1(&JsValue::NULL, &js(&bench.measure(workload).await?))?;
    }
    Ok(())
}
