//! The GPU crate in a browser, in a worker, as the engine runs there. Chromium brings a software adapter, so a missing adapter is a
//! failure.
#![cfg(target_arch = "wasm32")]

use tegula_gpu::{ErrorKind, Gpu, Options, Range, Usage, stream_bandwidth};
use tegula_plan::{Kernel, KernelBinding, Requires};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const COUNT: &str = "
@group(0) @binding(0) var<uniform> launch: vec4u;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) { output[i] += COUNT; }";

fn kernel() -> Kernel {
    let bindings = vec![KernelBinding { name: "output".into(), writes: true }];
    Kernel { name: "count".into(), shader: 0, invocations: 64, workgroup_memory: 0, bindings }
}

async fn open(baseline: bool) -> Gpu {
    Gpu::new(&Options { baseline, adapter: None }).await.expect("Chromium has a software adapter")
}

#[wasm_bindgen_test]
async fn subgroup_kernels_run_although_wgpu_cannot_ask_for_them() {
    let gpu = open(false).await;
    let requires = Requires { subgroups: true, f16: false, matrix: false };
    assert!(gpu.meets(&requires), "{:?}", gpu.info());
    let text = COUNT.replace("COUNT", "subgroupAdd(1.0)");
    let pipeline = gpu.pipeline("count", &text, &requires, &kernel()).await.unwrap();
    let (launch, output) = (gpu.buffer("launch", 16, Usage::Uniform).unwrap(), gpu.buffer("output", 256, Usage::Storage).unwrap());
    let group = gpu.bind("count", &pipeline, Range::whole(&launch), &[Range::whole(&output)]).unwrap();
    let readbacks: Vec<_> = (0..3)
        .map(|_| {
            let mut pass = gpu.pass();
            pass.dispatch(&pipeline, &group, [1, 1, 1]);
            pass.submit_reading(&[Range { buffer: &output, offset: 0, size: 4 }]).unwrap()
        })
        .collect();
    let size = gpu.info().subgroup_min_size as f32;
    for (step, readback) in (1..).zip(readbacks) {
        let bytes = readback.bytes().await.unwrap();
        let sum = f32::from_le_bytes(bytes.try_into().unwrap());
        assert!(sum >= size * step as f32, "step {step}: {sum} of subgroups of {size}");
    }
}

#[wasm_bindgen_test]
async fn a_baseline_device_has_no_features_and_requests_are_as_before() {
    let gpu = open(true).await;
    let info = gpu.info();
    assert!(!info.subgroups && !info.f16 && !info.timestamps, "{info:?}");
    assert_eq!(info.limits.max_storage_binding, 128 << 20);
    assert!(!info.name.is_empty() && info.backend == "webgpu", "{info:?}");
    let request = js_sys::eval("GPUAdapter.prototype.requestDevice.toString()").unwrap().as_string().unwrap();
    assert!(request.contains("native code"), "{request}");
}

#[wasm_bindgen_test]
async fn wrong_texts_and_huge_buffers_are_typed_errors() {
    let gpu = open(false).await;
    let error = gpu.pipeline("bad", "fn main() { nonsense }", &Requires::default(), &kernel()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Shader { label, .. } if label == "bad"), "{error}");
    let error = gpu.buffer("huge", 1 << 52, Usage::Storage).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: "maxBufferSize", .. }), "{error}");
    gpu.settled().await.unwrap();
    assert_eq!(gpu.lost(), None);
}

#[wasm_bindgen_test]
async fn memory_bandwidth_is_measured() {
    let speed = stream_bandwidth(&open(false).await).await.unwrap();
    assert!(speed.is_finite() && speed > 0.0, "{speed}");
}
