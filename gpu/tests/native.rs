//! The GPU crate on whatever adapter there is. CI runs it on software renderers, by `VK_ICD_FILENAMES`.
#![cfg(not(target_arch = "wasm32"))]

use futures::executor::block_on;
use tegula_gpu::{Buffer, Error, ErrorKind, Filling, Gpu, Options, Origin, Pipeline, Range, Source, Usage, stream_bandwidth};
use tegula_plan::{Kernel, KernelBinding, Requires};

/// A device, or none with a line that says so.
fn device(baseline: bool) -> Option<Gpu> {
    match block_on(Gpu::new(&Options { baseline, adapter: None })) {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// `output[i] = input[i] + words[0]`, and how often a workgroup ran in the last word.
const ADD: &str = "
struct Launch { add: u32, a: u32, b: u32, c: u32, d: vec4u }
@group(0) @binding(0) var<uniform> launch: Launch;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&output)) { output[id.x] = input[id.x] + launch.add; }
}";

fn kernel(writes: &[bool]) -> Kernel {
    let bindings = writes.iter().map(|&writes| KernelBinding { name: "binding".into(), writes }).collect();
    Kernel { name: "test".into(), shader: 0, invocations: 64, workgroup_memory: 0, bindings }
}

fn add(gpu: &Gpu) -> Pipeline {
    block_on(gpu.pipeline("add", ADD, &Requires::default(), &kernel(&[false, true]))).expect("the kernel is valid")
}

fn words(gpu: &Gpu, words: &[u32]) -> Buffer {
    let buffer = gpu.buffer("words", words.len() as u64 * 4, Usage::Storage).expect("it is small");
    gpu.write(&buffer, 0, bytemuck::cast_slice(words));
    buffer
}

fn uniform(gpu: &Gpu, add: u32) -> Buffer {
    let buffer = gpu.buffer("launch", 32, Usage::Uniform).expect("it is small");
    gpu.write(&buffer, 0, bytemuck::cast_slice(&[add, 0, 0, 0, 0, 0, 0, 0]));
    buffer
}

fn read(gpu: &Gpu, buffer: &Buffer) -> Vec<u32> {
    bytemuck::pod_collect_to_vec(&block_on(gpu.read(buffer, 0, buffer.bytes())).expect("the device works"))
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.map(|_| ()).expect_err("it must fail").into_kind()
}

#[test]
fn dispatches_see_what_those_before_them_wrote() {
    let Some(gpu) = device(false) else { return };
    let pipeline = add(&gpu);
    let (first, second, third) = (words(&gpu, &[1, 2, 3, 4]), words(&gpu, &[0; 4]), words(&gpu, &[0; 4]));
    let (ten, hundred) = (uniform(&gpu, 10), uniform(&gpu, 100));
    let there = gpu.bind("there", &pipeline, Range::whole(&ten), &[Range::whole(&first), Range::whole(&second)]).unwrap();
    let back = gpu.bind("back", &pipeline, Range::whole(&hundred), &[Range::whole(&second), Range::whole(&first)]).unwrap();
    let mut pass = gpu.pass();
    pass.dispatch(&pipeline, &there, [1, 1, 1]);
    pass.dispatch(&pipeline, &back, [1, 1, 1]);
    pass.dispatch(&pipeline, &there, [0, 1, 1]);
    pass.copy(&first, 0, &third, 4, 8);
    pass.dispatch(&pipeline, &there, [1, 1, 1]);
    pass.submit();
    assert_eq!(read(&gpu, &first), [111, 112, 113, 114]);
    assert_eq!(read(&gpu, &second), [121, 122, 123, 124]);
    assert_eq!(read(&gpu, &third), [0, 111, 112, 0]);
}

#[test]
fn several_read_backs_are_under_way_at_once() {
    let Some(gpu) = device(false) else { return };
    let pipeline = add(&gpu);
    let (a, b) = (words(&gpu, &[0; 4]), words(&gpu, &[0; 4]));
    let one = uniform(&gpu, 1);
    let groups = [
        gpu.bind("ab", &pipeline, Range::whole(&one), &[Range::whole(&a), Range::whole(&b)]).unwrap(),
        gpu.bind("ba", &pipeline, Range::whole(&one), &[Range::whole(&b), Range::whole(&a)]).unwrap(),
    ];
    for _ in 0..3 {
        gpu.write(&a, 0, &[0; 16]);
        let readbacks: Vec<_> = (0..6)
            .map(|step| {
                let mut pass = gpu.pass();
                pass.dispatch(&pipeline, &groups[step % 2], [1, 1, 1]);
                let ranges = [Range { buffer: [&b, &a][step % 2], offset: 4, size: 4 }, Range { buffer: &a, offset: 0, size: 8 }];
                pass.submit_reading(&ranges).unwrap()
            })
            .collect();
        // The third is dropped unread; the others are awaited last first.
        let mut values: Vec<_> = readbacks.into_iter().enumerate().filter(|(step, _)| *step != 2).collect();
        values.reverse();
        for (step, readback) in values {
            let bytes = block_on(readback.bytes()).unwrap();
            let found: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
            let [step, in_a] = [step as u32 + 1, (step as u32).div_ceil(2) * 2];
            assert_eq!(found, [step, in_a, in_a], "step {step}");
        }
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn a_text_that_disagrees_with_its_plan_is_refused() {
    let Some(gpu) = device(false) else { return };
    let make = |wgsl: &str, kernel: &Kernel| kind(block_on(gpu.pipeline("k", wgsl, &Requires::default(), kernel)));
    assert!(matches!(make(ADD, &kernel(&[false, false])), ErrorKind::Shader { label, .. } if label == "k"), "written, said to be read");
    assert!(matches!(make(ADD, &kernel(&[false])), ErrorKind::Shader { .. }), "a binding is missing");
    assert!(matches!(make("fn main() { nonsense }", &kernel(&[])), ErrorKind::Shader { message, .. } if message.contains("nonsense")));
    let sources = [("good", ADD, kernel(&[false, true])), ("bad", "fn", kernel(&[]))];
    let sources: Vec<_> = sources
        .iter()
        .map(|(label, wgsl, kernel)| Source {
            label,
            wgsl,
            requires: &Requires { subgroups: false, f16: false, matrix: false },
            kernel,
            origin: Origin::default(),
        })
        .collect();
    assert!(matches!(kind(block_on(gpu.pipelines(&sources))), ErrorKind::Shader { label, .. } if label == "bad"));
    assert_eq!(block_on(gpu.pipelines(&sources[..1])).unwrap().len(), 1);
}

#[test]
fn limits_are_named() {
    let Some(gpu) = device(true) else { return };
    let limits = gpu.info().limits;
    assert_eq!((limits.max_storage_binding, limits.storage_buffers_per_stage, limits.workgroup_memory), (128 << 20, 8, 16 << 10));
    let too_large = kind(gpu.buffer("huge", u64::MAX, Usage::Storage));
    assert!(matches!(too_large, ErrorKind::Limit { limit: "maxBufferSize", available, .. } if available == limits.max_buffer));

    let fits = |change: fn(&mut Kernel)| {
        let mut kernel = kernel(&[false; 8]);
        change(&mut kernel);
        gpu.fits(&kernel).map_err(|error| match error.into_kind() {
            ErrorKind::Limit { limit, .. } => limit,
            other => panic!("{other}"),
        })
    };
    assert_eq!(fits(|_| {}), Ok(()));
    assert_eq!(fits(|kernel| kernel.invocations = 257), Err("maxComputeInvocationsPerWorkgroup"));
    assert_eq!(fits(|kernel| kernel.workgroup_memory = 16385), Err("maxComputeWorkgroupStorageSize"));
    assert_eq!(fits(|kernel| kernel.bindings.extend(kernel.bindings.clone())), Err("maxStorageBuffersPerShaderStage"));

    let requires = Requires { subgroups: true, f16: false, matrix: false };
    assert!(!gpu.meets(&requires), "a baseline device is asked for no features");
    let refused = kind(block_on(gpu.pipeline("add", ADD, &requires, &kernel(&[false, true]))));
    assert_eq!(refused, ErrorKind::Feature { label: "add".into(), feature: "subgroups" });
}

#[test]
fn ranges_are_checked() {
    let Some(gpu) = device(true) else { return };
    let pipeline = add(&gpu);
    let launch = uniform(&gpu, 0);
    let small = words(&gpu, &[0; 64]);
    let bind = |input: Range<'_>| kind(gpu.bind("group", &pipeline, Range::whole(&launch), &[input, Range::whole(&small)]));
    assert!(matches!(bind(Range { buffer: &small, offset: 0, size: 257 }), ErrorKind::Binding { .. }));
    assert!(matches!(bind(Range { buffer: &small, offset: 512, size: 0 }), ErrorKind::Binding { .. }));
    assert!(matches!(kind(gpu.bind("group", &pipeline, Range::whole(&launch), &[])), ErrorKind::Binding { .. }));
    let large = gpu.buffer("large", (128 << 20) + 256, Usage::Storage).unwrap();
    assert!(matches!(bind(Range::whole(&large)), ErrorKind::Limit { limit: "maxStorageBufferBindingSize", .. }));
    assert!(matches!(kind(block_on(gpu.read(&small, 128, 256))), ErrorKind::Binding { .. }));
    assert!(matches!(kind(block_on(gpu.read(&small, 2, 4))), ErrorKind::Binding { .. }));
    assert!(block_on(gpu.read(&small, 0, 0)).unwrap().is_empty());
}

#[test]
fn random_contents_are_where_they_should_be() {
    let Some(gpu) = device(true) else { return };
    // More than one binding and more than one row of the grid, ending off a whole vector.
    let bytes = (128 << 20) + 1028;
    let buffer = gpu.buffer("random", bytes, Usage::Storage).unwrap();
    let sample = |offset| bytemuck::pod_collect_to_vec::<u8, u32>(&block_on(gpu.read(&buffer, offset, 4096.min(bytes - offset))).unwrap());
    let filler = block_on(gpu.filler()).unwrap();
    filler.fill(&buffer, bytes, Filling::Words, 7).unwrap();
    let (start, seam, end) = (sample(0), sample((128 << 20) - 2048), sample(bytes - 1028));
    let mut all: Vec<_> = start.iter().chain(&seam).chain(&end[..1]).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), start.len() + seam.len(), "words repeat only where samples overlap, and none is left zero");
    assert_eq!(block_on(gpu.read(&buffer, bytes, 12)).unwrap(), [0; 12], "padding stays zero");
    filler.fill(&buffer, 4096, Filling::Words, 7).unwrap();
    assert_eq!(sample(0), start, "a seed repeats");

    filler.fill(&buffer, 4096, Filling::F32 { center: 1.0, spread: 0.25 }, 3).unwrap();
    let floats: Vec<f32> = sample(0).into_iter().map(f32::from_bits).collect();
    assert!(floats.iter().all(|value| (0.75..=1.25).contains(value)), "{floats:?}");
    let mean = floats.iter().sum::<f32>() / floats.len() as f32;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    filler.fill(&buffer, 4096, Filling::F16 { center: 0.0, spread: 1.0 }, 3).unwrap();
    // Halves below one in magnitude have a biased exponent below 15, or are one.
    assert!(sample(0).into_iter().flat_map(|word| [word & 0x7fff, (word >> 16) & 0x7fff]).all(|half| half <= 0x3c00));
}

#[test]
fn a_device_describes_itself() {
    let adapters = block_on(Gpu::adapters());
    let Some(gpu) = device(false) else { return };
    let info = gpu.info();
    assert_eq!(Some(&info.name), adapters.first().map(|info| &info.name));
    assert!(!info.name.is_empty() && info.limits.max_storage_binding <= info.limits.max_buffer, "{info:?}");
    assert!(info.limits.uniform_alignment <= 256 && info.limits.storage_alignment <= 256, "{info:?}");
    if info.subgroups {
        assert!(info.subgroup_min_size >= 4 && info.subgroup_min_size <= info.subgroup_max_size, "{info:?}");
    }
    let absent = kind(block_on(Gpu::new(&Options { baseline: false, adapter: Some("no such adapter".into()) })));
    assert!(matches!(absent, ErrorKind::NoAdapter { reason } if reason.contains(&info.name)));
    let part = info.name[..4].to_uppercase();
    assert_eq!(block_on(Gpu::new(&Options { baseline: true, adapter: Some(part) })).unwrap().info().name, info.name);
}

#[test]
fn memory_bandwidth_is_measured() {
    let Some(gpu) = device(false) else { return };
    let speed = block_on(stream_bandwidth(&gpu)).unwrap();
    assert!(speed.is_finite() && speed > 0.0, "{speed}");
    eprintln!("{}: {:.2} GB/s", gpu.info().name, speed / 1e9);
}

#[test]
fn f16_and_subgroup_kernels_run_where_the_device_has_them() {
    let Some(gpu) = device(false) else { return };
    let text = "
    @group(0) @binding(0) var<uniform> launch: vec4u;
    @group(0) @binding(1) var<storage, read_write> output: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { output[i] = VALUE; }";
    let run = |requires: Requires, value: &str| {
        if !gpu.meets(&requires) {
            eprintln!("skipped: {} lacks {requires:?}", gpu.info().name);
            return None;
        }
        let kernel = kernel(&[true]);
        let pipeline = block_on(gpu.pipeline("k", &text.replace("VALUE", value), &requires, &kernel)).unwrap();
        let (launch, output) = (uniform(&gpu, 0), words(&gpu, &[0; 64]));
        let group = gpu.bind("k", &pipeline, Range::whole(&launch), &[Range::whole(&output)]).unwrap();
        let mut pass = gpu.pass();
        pass.dispatch(&pipeline, &group, [1, 1, 1]);
        pass.submit();
        Some(f32::from_bits(read(&gpu, &output)[5]))
    };
    if let Some(value) = run(Requires { subgroups: false, f16: true, matrix: false }, "f32(f16(launch.x) + 0.1h)") {
        assert!((value - 0.1).abs() < 1e-3 && value != 0.1, "{value}: rounded to a half");
    }
    if let Some(value) = run(Requires { subgroups: true, f16: false, matrix: false }, "subgroupAdd(1.0 + f32(launch.x))") {
        assert!((f64::from(gpu.info().subgroup_min_size)..=f64::from(gpu.info().subgroup_max_size)).contains(&f64::from(value)), "{value}");
    }
}

#[test]
fn a_refused_command_is_told_once_and_the_device_goes_on() {
    let Some(gpu) = device(false) else { return };
    let pipeline = add(&gpu);
    let (launch, input) = (uniform(&gpu, 5), words(&gpu, &[1, 2, 3, 4]));
    let run = |output: &Buffer, refused: bool| {
        let group = gpu.bind("add", &pipeline, Range::whole(&launch), &[Range::whole(&input), Range::whole(output)]).unwrap();
        if refused {
            output.destroy();
        }
        let mut pass = gpu.pass();
        pass.dispatch(&pipeline, &group, [1, 1, 1]);
        pass.submit_reading(&[Range::whole(&input)]).map(|readback| block_on(readback.bytes()))
    };
    assert!(run(&words(&gpu, &[0; 4]), false).is_ok());
    assert!(matches!(run(&words(&gpu, &[0; 4]), true).err().map(Error::into_kind), Some(ErrorKind::Refused { .. })));
    assert_eq!(gpu.lost(), None);
    assert!(run(&words(&gpu, &[0; 4]), false).is_ok_and(|bytes| bytes.is_ok()));
}
