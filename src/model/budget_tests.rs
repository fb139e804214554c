//! Budgets for a small plan on made-up devices.

use super::{Budget, METAL_TOKENS, Memory};
use crate::ErrorKind;
use tegula_gpu::{DeviceInfo, Limits};
use tegula_plan::{
    Activations, Binding, Buffer, Dispatch, Dtype, Entry, Kernel, KernelBinding, Model, Paged, Param, Plan, Requires, Size, State, Variant,
    Vector, VectorSource, When,
};

/// Two layers whose pages are 32 KiB each; 1 MiB of weights, of which a table of 512 KiB is bound in two parts.
fn plan() -> Plan {
    let model = Model {
        architecture: "llama".into(),
        quantization: "q0f32".into(),
        vocab_size: 1000,
        hidden_size: 128,
        layers: 2,
        query_heads: 4,
        context_window_size: 100_000,
        state: vec![State::Paged(Paged { layers: vec![0, 1], kv_heads: 4, head_dim: 64, format: Dtype::F32, window: None })],
        prefill_chunk_size: 64,
        max_batch_size: 2,
        activations: Activations::Float,
        stretched_after: None,
        fingerprint: tegula_plan::Fingerprint::default(),
    };
    let param = |name: &str, shape: &[u64]| Param::whole(name.into(), shape.into(), Dtype::F32);
    let params = vec![param("table", &[1024, 128]), param("head", &[1024, 128]), param("gain", &[126])];
    let vectors = vec![
        Vector { offset: 0, length: 126, source: VectorSource::Param(2) },
        Vector { offset: 128, length: 2, source: VectorSource::Values(vec![1.0, 2.0]) },
    ];
    let activation = |arena, offset, bytes| Buffer::Activation { arena, offset, bytes };
    let buffers = vec![
        Buffer::Weight(0),
        Buffer::Weight(1),
        Buffer::Vectors,
        Buffer::Cache(0),
        Buffer::Cache(1),
        activation(0, 0, 1000),
        activation(0, 1024, 500),
        activation(1, 0, 64),
        Buffer::Logits { rows: 1 },
        activation(7, 0, 1 << 40),
    ];
    let whole = |buffer| Binding { buffer, offset: 0, size: 0 };
    let part = |offset| Binding { buffer: 0, offset, size: 256 << 10 };
    let bindings = vec![part(0), part(256 << 10), whole(1), whole(2), whole(3), whole(4), whole(5), whole(6), whole(7), whole(8)];
    let kernel = Kernel {
        name: "all".into(),
        shader: 0,
        invocations: 1,
        workgroup_memory: 0,
        bindings: bindings.iter().map(|_| KernelBinding { name: String::new(), writes: false }).collect(),
    };
    let dispatch = Dispatch {
        label: "layers.0.all".into(),
        kernel: 0,
        bindings,
        grid: [1; 3].map(Size::Const),
        when: When::Always,
        uniforms: [0; 8].map(Size::Const),
        alternative: None,
    };
    let entry = Entry { name: "prefill".into(), max_rows: 64, dispatches: vec![dispatch] };
    let variant = Variant {
        name: "baseline".into(),
        requires: Requires::default(),
        activations: Activations::Float,
        kernels: vec![kernel],
        choices: Vec::new(),
        entries: vec![entry],
    };
    Plan { model, params, vectors, buffers, variants: vec![variant] }
}

fn device(change: impl FnOnce(&mut DeviceInfo)) -> DeviceInfo {
    let mut device = DeviceInfo {
        name: "made up".into(),
        vendor: "nobody".into(),
        backend: "vulkan".into(),
        driver: String::new(),
        device_type: "discrete",
        subgroups: false,
        subgroup_min_size: 0,
        subgroup_max_size: 0,
        matrix: false,
        f16: false,
        timestamps: false,
        limits: Limits {
            max_buffer: 1 << 40,
            max_storage_binding: 1 << 40,
            workgroup_memory: 16384,
            workgroup_invocations: 256,
            storage_buffers_per_stage: 8,
            uniform_alignment: 256,
            storage_alignment: 256,
            workgroups_per_dimension: 65535,
        },
    };
    change(&mut device);
    device
}

fn memory(device: &DeviceInfo, budget: Budget) -> crate::Result<Memory> {
    let plan = plan();
    Memory::plan(&plan, &plan.variants[0], device, &budget)
}

#[test]
fn everything_that_is_bound_counts_once() {
    let found = memory(&device(|_| {}), Budget::default()).unwrap();
    assert_eq!(found.weights, 2 * 1024 * 128 * 4 + 528, "two tables and the arena of 130 floats; buffers that nothing binds do not count");
    // Rows, segments, page table, sampled ids, how they are drawn, counts and biases.
    let host = 64 * 16 + 16 + 2 * 6250 * 4 + 16 + 2 * 4 * tegula_plan::SAMPLING_WORDS as u64 + 2 * 1000 * 8;
    assert_eq!(found.activations, 1536 + 64 + 4000 + host);
    assert_eq!(found.cache_per_token, 2 * 2 * 4 * 64 * 4);
    assert_eq!(found.capacity, 200_000, "two whole context windows");
}

#[test]
fn the_capacity_is_what_limits_and_budget_leave() {
    let fixed = memory(&device(|_| {}), Budget::default()).map(|found| found.weights + found.activations).unwrap();
    let capacity = |change: fn(&mut DeviceInfo), budget| memory(&device(change), budget).unwrap().capacity;
    assert_eq!(capacity(|device| device.limits.max_buffer = (100 << 15) + 5, Budget::default()), 1600);
    assert_eq!(capacity(|device| device.limits.max_storage_binding = 128 << 20, Budget::default()), 65536);
    let within = |bytes| capacity(|_| {}, Budget { memory: Some(fixed + bytes), tokens: None });
    // While the cache of one layer grows from 32 pages, the old one is there as well.
    assert_eq!(within((40 << 16) + (32 << 15)), 640);
    assert_eq!(within((40 << 16) + (32 << 15) - 1), 624);
    assert_eq!(within(32 << 16), 512, "as large as caches are at first");
    assert_eq!(capacity(|_| {}, Budget { memory: None, tokens: Some(1001) }), 1008);
    assert_eq!(capacity(|_| {}, Budget { memory: None, tokens: Some(0) }), 256, "not less than is of use");
}

#[test]
fn metal_is_capped_after_the_budget() {
    let metal = |device: &mut DeviceInfo| device.backend = "metal".into();
    let capacity = |budget| memory(&device(metal), budget).unwrap().capacity;
    assert_eq!(capacity(Budget::default()), METAL_TOKENS);
    assert_eq!(capacity(Budget { memory: None, tokens: Some(50_000) }), 50_000);
    assert_eq!(
        capacity(Budget { memory: Some(64 << 20), tokens: None }),
        12_000,
        "750 pages of 64 KiB, and 512 of 32 KiB that are held twice, beside 1.1 MB of weights and activations"
    );
    let page = |device: &mut DeviceInfo| (device.backend, device.vendor) = ("webgpu".into(), "apple".into());
    assert_eq!(memory(&device(page), Budget::default()).unwrap().capacity, METAL_TOKENS);
}

#[test]
fn what_is_too_small_is_named() {
    let limit = |change: fn(&mut DeviceInfo)| match memory(&device(change), Budget::default()).unwrap_err().kind() {
        ErrorKind::Gpu(error) => match error.kind() {
            tegula_gpu::ErrorKind::Limit { limit, what, .. } => (*limit, what.clone()),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    };
    assert_eq!(limit(|device| device.limits.max_buffer = 500_000), ("maxBufferSize", "parameter `table`".into()));
    let small = |device: &mut DeviceInfo| device.limits.max_storage_binding = 300_000;
    assert_eq!(limit(small), ("maxStorageBufferBindingSize", "a binding of `layers.0.all`".into()));
    let smaller = |device: &mut DeviceInfo| (device.limits.max_buffer, device.limits.max_storage_binding) = (524_288, 524_287);
    assert_eq!(limit(smaller).0, "maxStorageBufferBindingSize");

    let budget = |memory| Budget { memory: Some(memory), tokens: None };
    let error = memory(&device(|_| {}), budget(1 << 20)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Budget { available: 0x10_0000, .. }), "{error}");
    let error = memory(&device(|_| {}), budget((1 << 20) + (1 << 17))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Budget { what, needed: 0x10_0000, .. } if what.contains("256 tokens")), "{error}");
}

#[test]
fn absurd_shapes_are_limits_not_overflows() {
    let mut plan = plan();
    plan.params[0].shape = vec![u64::MAX, u64::MAX];
    let error = Memory::plan(&plan, &plan.variants[0], &device(|_| {}), &Budget::default()).unwrap_err();
    assert!(error.to_string().contains("parameter `table`"), "{error}");
    plan.model.state = vec![State::Paged(Paged { layers: vec![0, 1], kv_heads: 4, head_dim: u32::MAX, format: Dtype::F32, window: None })];
    let error = Memory::plan(&plan, &plan.variants[0], &device(|_| {}), &Budget::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Library(_)) && error.to_string().contains("head_dim"), "{error}");
}

/// Layers with a window take what they can use, and leave the rest to the others.
#[test]
fn every_group_of_layers_has_a_line_in_the_budget() {
    let mut plan = plan();
    let group = |layer, window| State::Paged(Paged { layers: vec![layer], kv_heads: 4, head_dim: 64, format: Dtype::F32, window });
    plan.model.state = vec![group(0, Some(1000)), group(1, None)];
    let memory = |budget| Memory::plan(&plan, &plan.variants[0], &device(|_| {}), &budget).unwrap();
    let found = memory(Budget::default());
    // Of each of two sequences a window, a chunk of 64 tokens and the ends of two pages: 69 pages.
    let lines: Vec<_> = found.groups.iter().map(|group| (group.layers, group.window, group.bytes_per_token, group.capacity)).collect();
    assert_eq!(lines, [(1, Some(1000), 2048, 2 * 69 * 16), (1, None, 2048, 200_000)]);
    assert_eq!((found.capacity, found.cache_per_token), (200_000, 4096));
    let fixed = found.weights + found.activations;
    let found = memory(Budget { memory: Some(fixed + (138 << 15) + (300 << 15) + (256 << 15)), tokens: None });
    assert_eq!([0, 1].map(|group| found.groups[group].capacity), [2208, 4800], "300 pages, of which 256 are held twice");
    let found = memory(Budget { memory: Some(fixed + (100 << 16) + (64 << 15)), tokens: None });
    assert_eq!([0, 1].map(|group| found.groups[group].capacity), [1600, 1600]);
}
