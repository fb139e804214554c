//! The contract between the compiler and the runtime.
//!
//! A [`Plan`] is all that the runtime knows of a model: which tensors to load, which buffers to make, and for each device class which
//! kernels to run in which order. It holds no weights, names no GPU API and does no I/O, so that both sides can depend on it alone. It
//! travels inside a model library ([`Library`]), a WebAssembly module whose code computes what [`Size`] expresses.

mod count;
mod error;
mod fingerprint;
mod library;
mod param;
mod precision;
mod requires;
mod size;

pub use count::count;
pub use error::{Error, ErrorKind};
pub use fingerprint::Fingerprint;
pub use library::{FORMAT_VERSION, Library, section};
pub use param::{Dtype, Param};
pub use precision::Precision;
pub use requires::Requires;
pub use size::Size;

use serde::{Deserialize, Serialize};

/// Tokens in a page of the KV cache.
pub const PAGE_SIZE: u32 = 16;

/// Members of the uniform block that every kernel is launched with, in order, each a `u32`. Kernels get a struct of them, `Launch`.
///
/// `rows`: rows of the step; `first`: first row this dispatch works on; `splits`: parts that attention cuts a sequence into; `base`: first
/// row of the table part that is bound; `gain`, `bias`, `query_gain`, `key_gain`: offsets in the vectors arena, in elements.
pub const LAUNCH_MEMBERS: [&str; LAUNCH_WORDS] = ["rows", "first", "splits", "base", "gain", "bias", "query_gain", "key_gain"];

/// Words of the launch uniform.
pub const LAUNCH_WORDS: usize = 8;

/// Words in a row of the launch table: the grid, then the uniform block.
pub const TABLE_WORDS: usize = 3 + LAUNCH_WORDS;

/// Members of an element of [`Buffer::Sampling`], in order, a word each. Kernels get a struct of them, `Sampling`.
///
/// `drawn`: 0 for sequences whose ids the kernels shall not draw; `adjusts`: whether [`Buffer::Tokens`] counts; `ids`: those from this number on are
/// never drawn; those of [`SAMPLING_FLOATS`]: f32; `top_k`: how many ids can be drawn, or 0 for all; `deepest`:
/// the greatest depth of an id that can be drawn, or [`DEEPEST`]; `seed`, `seed_high`: the key of the draws.
pub const SAMPLING_MEMBERS: [&str; SAMPLING_WORDS] =
    ["drawn", "adjusts", "ids", "temperature", "top_p", "top_k", "deepest", "presence", "frequency", "repetition", "seed", "seed_high"];

/// The members of [`SAMPLING_MEMBERS`] that are an `f32`. The others are a `u32`.
pub const SAMPLING_FLOATS: [&str; 5] = ["temperature", "top_p", "presence", "frequency", "repetition"];

/// Words of an element of [`Buffer::Sampling`].
pub const SAMPLING_WORDS: usize = 12;

/// Steps of depth of one. The depth of an id is how far its logit is below the greatest, over the temperature; hosts and kernels measure it in
/// whole steps, so that they agree on which ids are equally likely and on where a limit is.
pub const DEPTH_ONE: f32 = 16_777_216.0;

/// The greatest depth that ids are drawn at: just above 32. What lies deeper weighs less than a rounding error of the sum of all.
pub const DEEPEST: u32 = (32 << 24) - 1;

/// The largest storage binding that a plan may ask for, in bytes: what every WebGPU device can bind. Larger tables are split.
pub const MAX_BINDING: u64 = 128 << 20;

/// The most storage buffers that a kernel may bind: what every WebGPU device has.
pub const MAX_STORAGE_BUFFERS: usize = 8;

/// The most bytes of workgroup memory of kernels for matrix units. A device whose workgroups have less counts as one without such units: GPUs
/// that have them have this much, and with the 32 KiB of others tiles would be too small to feed them.
pub const MATRIX_WORKGROUP_MEMORY: u32 = 48 << 10;

/// A compiled model, for every device class the library serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the model is.
    pub model: Model,
    /// The tensors it reads from the weight package.
    pub params: Vec<Param>,
    /// Small f32 arrays kept together in one arena ([`Buffer::Vectors`]): gains, biases, rope frequencies.
    pub vectors: Vec<Vector>,
    /// Everything a dispatch can bind.
    pub buffers: Vec<Buffer>,
    /// Kernels and dispatches by device class, the most demanding first. The last one requires nothing.
    pub variants: Vec<Variant>,
}

/// Facts about the model that the runtime needs to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Model family, such as `llama`.
    pub architecture: String,
    /// Quantization, such as `q4f16_1`.
    pub quantization: String,
    /// Rows of the logits.
    pub vocab_size: u32,
    /// Width of the residual stream.
    pub hidden_size: u32,
    /// Decoder layers, each with a KV cache of its own.
    pub layers: u32,
    /// Query heads.
    pub query_heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// The most tokens of one sequence, prompt and answer together.
    pub context_window_size: u32,
    /// Tokens that no layer looks back beyond, where all layers have a sliding window: pages before it can be freed.
    pub sliding_window: Option<u32>,
    /// The most rows of a `prefill` step.
    pub prefill_chunk_size: u32,
    /// The most sequences of a step, and rows of the page table.
    pub max_batch_size: u32,
    /// Element type of the KV cache: [`Dtype::F16`] (pairs packed in words) or [`Dtype::F32`].
    pub cache: Dtype,
    /// What the library was compiled for. A variant may do better: see [`Variant::activations`].
    pub activations: Activations,
    /// What the model computes beyond shapes. A package that says otherwise is another model's.
    #[serde(default, skip_serializing_if = "Fingerprint::is_empty")]
    pub fingerprint: Fingerprint,
}

impl Model {
    /// Bytes that one page takes in the cache of one layer. Layout: `[page][key, value][kv_heads][PAGE_SIZE][head_dim]`.
    #[must_use]
    pub fn page_bytes(&self) -> u64 {
        2 * u64::from(self.kv_heads) * u64::from(PAGE_SIZE) * u64::from(self.head_dim) * self.cache.bytes()
    }

    /// Bytes that one token takes in the caches of all layers.
    #[must_use]
    pub fn cache_bytes_per_token(&self) -> u64 {
        self.page_bytes() / u64::from(PAGE_SIZE) * u64::from(self.layers)
    }

    /// Entries in a sequence's row of the page table.
    #[must_use]
    pub fn pages_per_sequence(&self) -> u32 {
        self.context_window_size.div_ceil(PAGE_SIZE)
    }
}

/// What products of many rows take x as. A precision of its own: what it costs is said in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activations {
    /// Floating-point numbers.
    #[default]
    Float,
    /// Signed bytes in groups, each with a scale: inside the layers, for prompts.
    Int8,
}

impl Activations {
    /// Its name in libraries and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Activations::Float => "float",
            Activations::Int8 => "int8",
        }
    }
}

/// An array in the vectors arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// First element in the arena, in elements of f32; a multiple of 4, so that kernels may read `vec4f`.
    pub offset: u32,
    /// Number of elements.
    pub length: u32,
    /// Where the values come from.
    pub source: VectorSource,
}

/// What fills an array of the vectors arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorSource {
    /// A parameter, by index in [`Plan::params`], converted to f32.
    Param(u32),
    /// Values that the compiler worked out.
    Values(Vec<f32>),
}

/// Something that a dispatch binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buffer {
    /// A parameter, by index in [`Plan::params`], as stored; f32 is expanded from bf16. Padded with zeros to a multiple of 16 bytes.
    Weight(u32),
    /// All of [`Plan::vectors`], f32.
    Vectors,
    /// The KV cache of a layer; its size grows with the pages in use.
    Cache(u32),
    /// A [`Row`] for each row of the step, written by the host.
    Rows,
    /// `u32[max_batch_size][pages_per_sequence]`: the cache page that holds each page of each sequence, written by the host.
    PageTable,
    /// Scratch of `bytes` bytes at `offset` of the activation arena numbered `arena`. Buffers whose lives do not overlap share bytes.
    Activation {
        /// Which arena.
        arena: u32,
        /// First byte in the arena, a multiple of 256.
        offset: u64,
        /// Bytes.
        bytes: u64,
    },
    /// `f32[rows][vocab_size]`: logits of the rows that the entry asks for, read by the host.
    Logits {
        /// The most rows that any entry writes.
        rows: u32,
    },
    /// `u32[max_batch_size]`: for each sequence the id that was picked last, read by the host and by the next step's embedding. No id of the
    /// vocabulary where the logits were not numbers.
    Sampled,
    /// `[max_batch_size]` of [`SAMPLING_MEMBERS`]: how ids of each sequence are drawn, written by the host when it starts.
    Sampling,
    /// `[max_batch_size][vocab_size]` pairs of words: how often each sequence's answer has an id, and its bias (f32). Set by the host when a
    /// sequence starts; the kernels go on counting.
    Tokens,
}

/// What the host says of a row of a step. Sixteen bytes, little-endian words in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Row {
    /// Token id, or [`Row::SAMPLED`] for the id that the last step sampled for this sequence.
    pub token: u32,
    /// Position in the sequence, from 0.
    pub position: u32,
    /// Where its key and value go: page times [`PAGE_SIZE`] plus the place in the page.
    pub slot: u32,
    /// Row of the page table, and of the sampled ids.
    pub sequence: u32,
}

impl Row {
    /// A token that only the GPU knows yet.
    pub const SAMPLED: u32 = u32::MAX;

    /// Names of the words, in order. Kernels get a struct of them, `Row`.
    pub const MEMBERS: [&str; 4] = ["token", "position", "slot", "sequence"];

    /// The words as the GPU reads them.
    #[must_use]
    pub fn words(self) -> [u32; 4] {
        [self.token, self.position, self.slot, self.sequence]
    }
}

/// The kernels and dispatches for a class of devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// `baseline`, `subgroups`, …
    pub name: String,
    /// What it needs beyond core WebGPU at its default limits.
    pub requires: Requires,
    /// What its products of many rows take x as: what the library was compiled for, or floating-point numbers where those are faster anyway.
    pub activations: Activations,
    /// Specialised templates.
    pub kernels: Vec<Kernel>,
    /// What the device decides: schedules of which none is the best everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// What can be run.
    pub entries: Vec<Entry>,
}

impl Variant {
    /// The export of the model library that computes an entry's launch table.
    #[must_use]
    pub fn export(&self, entry: &Entry) -> String {
        format!("{}.{}", self.name, entry.name)
    }
}

/// Schedules of one piece of work. They compute the same; which is the fastest depends on the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// For people: what is computed.
    pub name: String,
    /// For people: the schedules, at least two. The first is what is run where nobody measures.
    pub alternatives: Vec<String>,
}

/// One of the schedules of a [`Choice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// Index in [`Variant::choices`].
    pub choice: u32,
    /// Index in [`Choice::alternatives`].
    pub index: u32,
}

/// A specialised template. Its entry point is `main`; binding 0 of group 0 is the launch uniform, and storage bindings follow from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kernel {
    /// For people: what it computes and its schedule.
    pub name: String,
    /// Its text: index in [`Library::shaders`].
    pub shader: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// The storage bindings from 1 on, by name in the text.
    pub bindings: Vec<KernelBinding>,
}

/// A storage binding of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KernelBinding {
    /// Name of the variable.
    pub name: String,
    /// Whether the kernel writes it.
    pub writes: bool,
}

/// A sequence of dispatches: one compute pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `prefill` (a chunk of one sequence, logits of its last row), `decode` (one row), `batch` (one row each of up to `max_batch_size`
    /// sequences) or `score` (a chunk, logits of every row).
    pub name: String,
    /// The most rows of a step.
    pub max_rows: u32,
    /// In order; each sees what those before it wrote. Alternatives of one dispatch follow each other in the order of their indices, all of
    /// them; a step runs one of each such group.
    pub dispatches: Vec<Dispatch>,
}

impl Entry {
    /// The dispatches without those that stand in for others.
    pub fn first_choice(&self) -> impl Iterator<Item = &Dispatch> {
        self.dispatches.iter().filter(|dispatch| dispatch.alternative.is_none_or(|alternative| alternative.index == 0))
    }

    /// How many dispatches a step takes whose rows are all greedy.
    #[must_use]
    pub fn greedy_dispatches(&self) -> usize {
        self.first_choice().filter(|dispatch| matches!(dispatch.when, When::Always | When::Greedy)).count()
    }
}

/// Which steps a dispatch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All.
    Always,
    /// Those with a row that takes the greatest logit.
    Greedy,
    /// Those with a row whose id is drawn.
    Drawn,
    /// Those with a row whose id is drawn among the likeliest.
    Nucleus,
}

/// One kernel launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// For people, such as `layers.0.qkv`.
    pub label: String,
    /// Index in [`Variant::kernels`].
    pub kernel: u32,
    /// What each of the kernel's storage bindings is bound to.
    pub bindings: Vec<Binding>,
    /// Workgroups in x, y and z.
    pub grid: [Size; 3],
    /// Which steps it is for.
    pub when: When,
    /// Words of the launch uniform.
    pub uniforms: [Size; LAUNCH_WORDS],
    /// Which alternative it is, where there is a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<Alternative>,
}

/// A range of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Index in [`Plan::buffers`].
    pub buffer: u32,
    /// First byte; a multiple of 256.
    pub offset: u64,
    /// Bytes; zero for all that follow.
    pub size: u64,
}
