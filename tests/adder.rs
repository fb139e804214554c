//! A library written by hand: what the model does is trivial, so that what the runtime does shows.
//!
//! The "model" appends each token to its sequence's cache page, then gives `weight[j] * (sum of the sequence's tokens) + vector[j]` as logits
//! and the token's successor as the sampled id. Tokens from earlier steps reach it only through the cache and the page table.

use futures::executor::block_on;
use md5::{Digest, Md5};
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::model::forward::{Entry as Step, Forward, Read};
use tegula::model::step::Model;
use tegula_gpu::{Gpu, Options};
use tegula_plan::{
    Activations, Binding, Buffer, Dispatch, Dtype, Entry, FORMAT_VERSION, Kernel, KernelBinding, Library, Paged, Param, Plan, Requires,
    Row, Size, State, StepSize, Variant, Vector, VectorSource, When, section,
};
use wasm_encoder::{
    CodeSection, CustomSection, ExportKind, ExportSection, Function, FunctionSection, MemArg, MemArgTarget, MemorySection, MemoryType,
    Module, TypeSection, ValType,
};

use crate::adapter;

const SEQUENCES: u32 = 2;
const VOCAB: u32 = 4;
pub const CONTEXT: u32 = 4096;

/// Floats of a page: keys and values of one head of four elements.
const HEAD: &str = "
struct Launch { rows: u32, first: u32, splits: u32, base: u32, gain: u32, bias: u32, query_gain: u32, key_gain: u32 }
struct Row { token: u32, position: u32, slot: u32, sequence: u32 }
@group(0) @binding(0) var<uniform> launch: Launch;
const PAGE = 128u;
";

const APPEND: &str = "
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> sampled: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
    let row = rows[id.x];
    let token = select(row.token, sampled[row.sequence], row.token == 0xffffffffu);
    cache[row.slot / 16u * PAGE + row.slot % 16u] = f32(token);
    tokens[id.x] = token;
}";

const SUM: &str = "
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> cache: array<f32>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;
@group(0) @binding(4) var<storage, read> tokens: array<u32>;
@group(0) @binding(5) var<storage, read> weights: array<f32>;
@group(0) @binding(6) var<storage, read> vectors: array<f32>;
@group(0) @binding(7) var<storage, read_write> logits: array<f32>;
@group(0) @binding(8) var<storage, read_write> sampled: array<u32>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
    let index = launch.first + id.x;
    let row = rows[index];
    var sum = 0.0;
    for (var position = 0u; position <= row.position; position += 1u) {
        sum += cache[pages[row.sequence * PAGES + position / 16u] * PAGE + position % 16u];
    }
    for (var j = 0u; j < 4u; j += 1u) { logits[id.x * 4u + j] = weights[j] * sum + vectors[j]; }
    sampled[row.sequence] = tokens[index] + 1u;
}";

/// The plan of the library. `prefill` gives logits of its last row, `batch` of all.
pub fn plan() -> Plan {
    let model = tegula_plan::Model {
        architecture: "adder".into(),
        quantization: "q0f32".into(),
        vocab_size: VOCAB,
        hidden_size: 4,
        layers: 1,
        query_heads: 1,
        context_window_size: CONTEXT,
        state: vec![State::Paged(Paged { layers: vec![0], kv_heads: 1, head_dim: 4, format: Dtype::F32, window: None })],
        prefill_chunk_size: 64,
        max_batch_size: SEQUENCES,
        activations: Activations::Float,
        stretched_after: None,
        fingerprint: tegula_plan::Fingerprint::default(),
    };
    let param = |name: &str, dtype| Param::whole(name.into(), vec![4], dtype);
    let kernel = |name: &str, shader, bindings: &[(&str, bool)]| Kernel {
        name: name.into(),
        shader,
        invocations: 1,
        workgroup_memory: 0,
        bindings: bindings.iter().map(|&(name, writes)| KernelBinding { name: name.into(), writes }).collect(),
    };
    let append = kernel("append", 0, &[("rows", false), ("sampled", false), ("cache", true), ("tokens", true)]);
    let reads = ["rows", "cache", "pages", "tokens", "weights", "vectors"].map(|name| (name, false));
    let sum = kernel("sum", 1, &[&reads[..], &[("logits", true), ("sampled", true)]].concat());
    let bind = |buffers: &[u32]| buffers.iter().map(|&buffer| Binding { buffer, offset: 0, size: 0 }).collect();
    let dispatch = |label: &str, kernel, buffers: &[u32], last: bool| {
        let (rows, first) = if last { (Size::Const(1), Size::Rows.minus(1)) } else { (Size::Rows, Size::Const(0)) };
        let mut uniforms = [0; 8].map(Size::Const);
        (uniforms[0], uniforms[1]) = (Size::Rows, first);
        Dispatch {
            label: label.into(),
            kernel,
            bindings: bind(buffers),
            grid: [rows, Size::Const(1), Size::Const(1)],
            when: When::Always,
            uniforms,
            alternative: None,
        }
    };
    let entry = |name: &str, max_rows, last| {
        let dispatches = vec![dispatch("append", 0, &[0, 1, 2, 3], false), dispatch("sum", 1, &[0, 2, 4, 3, 5, 6, 7, 1], last)];
        Entry { name: name.into(), max_rows, dispatches }
    };
    let entries = vec![entry("prefill", 64, true), entry("decode", 1, true), entry("batch", SEQUENCES, false)];
    let (name, requires, activations) = ("baseline".into(), Requires::default(), Activations::Float);
    let variant = Variant { name, requires, activations, kernels: vec![append, sum], choices: Vec::new(), entries };
    let too_much = Kernel { invocations: u32::MAX, ..variant.kernels[0].clone() };
    let demanding = Variant { name: "demanding".into(), kernels: vec![too_much, variant.kernels[1].clone()], ..variant.clone() };
    Plan {
        model,
        params: vec![param("weight", Dtype::F32), param("gain", Dtype::F16)],
        vectors: vec![
            Vector { offset: 0, length: 4, source: VectorSource::Param(1) },
            Vector { offset: 4, length: 2, source: VectorSource::Values(vec![1.0, 2.0]) },
        ],
        buffers: vec![
            Buffer::Rows(0),
            Buffer::Sampled,
            Buffer::Cache(0),
            Buffer::Activation { arena: 0, offset: 256, bytes: 64 * 4 },
            Buffer::PageTable(0),
            Buffer::Weight(0),
            Buffer::Vectors,
            Buffer::Logits { rows: SEQUENCES },
        ],
        variants: vec![demanding, variant],
    }
}

/// A library whose launch code is `Size::eval` for these few sizes, written out.
pub fn library(plan: &Plan) -> Vec<u8> {
    let (mut types, mut functions, mut memories) = (TypeSection::new(), FunctionSection::new(), MemorySection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    types.ty().function([ValType::I32; StepSize::MEMBERS.len()], [ValType::I32]);
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    let variant = plan.variants.last().expect("a variant");
    for (index, entry) in (0..).zip(&variant.entries) {
        functions.function(0);
        exports.export(&variant.export(entry), ExportKind::Func, index);
        let mut function = Function::new([]);
        let mut body = function.instructions();
        let sizes = entry.dispatches.iter().flat_map(|dispatch| dispatch.grid.iter().chain(&dispatch.uniforms));
        for (place, size) in (0..).zip(sizes) {
            body.i32_const(0);
            match size {
                Size::Const(value) => body.i32_const(value.cast_signed()),
                Size::Rows => body.local_get(0),
                _ => body.local_get(0).i32_const(1).i32_sub(),
            };
            body.i32_store(MemArg { offset: 1024 + 4 * place, align: 2, target: MemArgTarget::default(), ordering: None });
        }
        body.i32_const(1024).end();
        code.function(&function);
    }
    let shaders = [APPEND, SUM].map(|text| [HEAD, text].concat().replace("PAGES", &plan.model.pages_per_sequence().to_string()));
    let sections = [
        (section::VERSION, FORMAT_VERSION.to_le_bytes().to_vec()),
        (section::PLAN, Library::pack(plan)),
        (section::WGSL, Library::pack(&shaders)),
    ];
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    for (name, data) in sections {
        module.section(&CustomSection { name: name.into(), data: data.into() });
    }
    Library::seal(module.finish())
}

/// A shard with a byte of padding, `weight = 1, 2, 3, 4` as bf16, three bytes that nobody wants, and `gain = 0.5, 0.25, -1, 0` as f16.
pub fn shard() -> Vec<u8> {
    let weight = [0x3f80u16, 0x4000, 0x4040, 0x4080].map(u16::to_le_bytes).concat();
    let gain = [0x3800u16, 0x3400, 0xbc00, 0].map(u16::to_le_bytes).concat();
    [&[9][..], &weight, &[7, 7, 7], &gain].concat()
}

pub fn manifest(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let md5: String = Md5::digest(shard()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut json = serde_json::json!({"records": [{"dataPath": "params_shard_0.bin", "nbytes": 20, "md5sum": md5, "records": [
        {"name": "weight", "shape": [4], "dtype": "float32", "format": "f32-to-bf16", "nbytes": 8, "byteOffset": 1},
        {"name": "extra", "shape": [3], "dtype": "int8", "format": "raw", "nbytes": 3, "byteOffset": 9},
        {"name": "gain", "shape": [4], "dtype": "float16", "format": "f32-to-bf16", "nbytes": 8, "byteOffset": 12},
    ]}]});
    change(&mut json);
    json.to_string()
}

pub fn loader(gpu: &Gpu, budget: Budget) -> Loader {
    Loader::new(gpu.clone(), &library(&plan()), None, &manifest(|_| {}), budget).unwrap()
}

pub fn load(gpu: &Gpu, budget: Budget, slice: usize) -> Model {
    let mut loader = loader(gpu, budget);
    loader.begin(0).unwrap();
    shard().chunks(slice).for_each(|bytes| loader.push(bytes).unwrap());
    loader.end().unwrap();
    block_on(loader.finish()).unwrap()
}

pub fn gpu() -> Option<Gpu> {
    adapter(&Options { baseline: true, adapter: None })
}

/// The logits for a sum of tokens.
pub fn logits(sum: u32) -> Vec<f32> {
    [(1.0, 0.5), (2.0, 0.25), (3.0, -1.0), (4.0, 0.0)].map(|(weight, gain)| weight * sum as f32 + gain).to_vec()
}

pub fn row(sequence: u32, position: u32, token: u32) -> Row {
    Row { token, position, slot: 0, sequence }
}

/// Runs token after token of a sequence through `prefill` from a position on, in chunks, and gives the last logits.
pub fn prefill(model: &mut Model, sequence: u32, from: u32, tokens: &[u32]) -> Vec<f32> {
    let mut last = Vec::new();
    for (chunk, tokens) in (0..).zip(tokens.chunks(64)) {
        let start = from + chunk * 64;
        assert!(block_on(model.room(sequence, start + tokens.len() as u32)).unwrap());
        let mut rows: Vec<_> = (start..).zip(tokens).map(|(position, token)| row(sequence, position, *token)).collect();
        last = block_on(model.submit(Step::Prefill, &mut rows, Read::logits(1)).unwrap()).unwrap().logits;
    }
    last
}
