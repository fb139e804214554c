//! Specs: what kernels compute.
//!
//! A spec states shapes, operands and the mathematics (its CPU reference); it never names a workgroup. How it is computed is a schedule: a
//! WGSL template under `wgsl/` and values for its tunables.

pub mod agreement;
mod bytes;
mod cost;
pub mod draw;
pub mod key;
pub mod operands;
pub mod reference;

use tegula_plan::{Dtype, Size};

/// How a weight matrix `[n, k]` is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Groups of 32 along k: eight 4-bit weights a word, lowest bits first, zero point 7, one scale a group. Rows are padded to whole groups.
    Q4 {
        /// Element type of the scales.
        scale: Dtype,
    },
    /// Half precision.
    F16,
    /// Single precision.
    F32,
}

/// How many rows (tokens) a kernel is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Exactly one: decode.
    One,
    /// A handful, up to the batch size.
    Few,
    /// A prefill chunk.
    Many,
}

/// What a matrix product reads.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub enum Input {
    /// `input: f32[rows][k]` as it is.
    Plain,
    /// The root-mean-square norm of `input`, times the gain at `launch.gain` of `vectors`.
    Norm,
    /// `input: f16[rows][k]` as [`Norm`] leaves it.
    Normed,
    /// `input` as [`Quantize`] leaves it: signed bytes. For 4-bit weights and many rows only.
    Bytes,
}

/// What a matrix product does with its result `y: f32[rows][n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// `output[row - first][launch.base + i] = y[i]`, rows of `stride` elements.
    Store {
        /// Elements of an output row: n, unless the table is split.
        stride: u32,
    },
    /// `output[row][i] += y[i]`.
    Residual,
    /// `output[row][i] = silu(y[i]) * y[n/2 + i]` for `i < n/2`.
    SiluMul,
    /// Rows of y are the query, key and value heads: rotates queries and keys, writes the queries to `query: f32[rows][query_heads][head_dim]`
    /// and appends keys and values to the cache.
    Heads(Heads),
}

/// Shape of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heads {
    /// Query heads.
    pub query: u32,
    /// Key and value heads.
    pub kv: u32,
    /// Elements of a head.
    pub dim: u32,
    /// Element type of the cache.
    pub cache: Dtype,
}

/// `y = W x (+ bias)`, with what comes before and after it in the same kernel.
///
/// Bindings by name: `input`, `weights`, `scales` (Q4 only), `vectors` (with [`Input::Norm`] or a bias), then `output`, or for
/// [`Output::Heads`] `query`, `cache`, `rows`, `rope`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matmul {
    /// Output features.
    pub n: u32,
    /// Input features.
    pub k: u32,
    /// Storage of the weights.
    pub format: Format,
    /// Whether a bias at `launch.bias` of `vectors` is added before the output stage.
    pub bias: bool,
    /// Prologue.
    pub input: Input,
    /// Epsilon of the norm.
    pub eps: f32,
    /// Epilogue.
    pub output: Output,
    /// Rows it is made for.
    pub rows: Rows,
}

/// `x[row] = table[token]`, and the rotation of each row: `rope[row][i] = (cos, sin)(position * frequency[i])` for `i < head_dim / 2`.
///
/// Works on the `n` table rows from `launch.base` on: tokens outside are left to the dispatch that binds their part. The frequencies are at
/// `launch.gain` of `vectors`. Bindings: `rows`, `sampled`, `weights`, `scales` (Q4 only), `vectors`, `output`, `rope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embed {
    /// Rows of the part of the table that is bound.
    pub n: u32,
    /// Width.
    pub k: u32,
    /// Storage of the table.
    pub format: Format,
    /// Elements of a head.
    pub head_dim: u32,
}

/// For models that normalise each query and key head: takes `input: f32[rows][(query + 2 kv) * dim]`, norms the query heads with the gain at
/// `launch.query_gain` of `vectors` and the key heads with that at `launch.key_gain`, then does what [`Output::Heads`] does.
///
/// Bindings: `input`, `vectors`, `rows`, `rope`, `query`, `cache`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadNorm {
    /// Shape.
    pub heads: Heads,
    /// Epsilon of the norms.
    pub eps: f32,
}

/// The root-mean-square norm of rows, times the gain at `launch.gain` of `vectors`, where many workgroups of a product would each do it again.
///
/// Bindings: `input: f32[rows][width]`, `vectors`, `output: f16[rows][width]`, in each eight elements in the order 0 4 1 5 2 6 3 7. The width
/// is a multiple of eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Elements of a row.
    pub width: u32,
    /// Epsilon.
    pub eps: f32,
}

/// Where [`Norm`] puts the elements of each eight: element `NORM_ORDER[i]` comes at place `i`.
pub const NORM_ORDER: [usize; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

/// Rows as signed bytes, for products of integers: in groups of 32 along a row, the last of them padded with zeros, each with a scale, a 127th of
/// its greatest magnitude. A byte is the integer nearest to the element over the scale. Groups of which no element exceeds 1e-30 are zero.
///
/// With a norm, what is quantized is the root-mean-square norm of rows, times the gain at `launch.gain` of `vectors`.
/// Bindings: `input: f32[rows][width]`, `vectors` (with a norm), `output`: for each row the words of its groups, eight each, in each eight bytes
/// elements in the order 0 2 4 6 1 3 5 7, then the scales, up to a multiple of four words ([`byte_row_words`]). The width is a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// Elements of a row.
    pub width: u32,
    /// Epsilon of the norm, where there is one.
    pub norm: Option<f32>,
}

/// Where [`Quantize`] puts the elements of each eight: element `BYTE_ORDER[i]` comes at place `i`. In this order the nibbles of a word of 4-bit
/// weights become bytes: first the lower ones of its bytes, then the upper ones.
pub const BYTE_ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

/// Words of a row of so many elements as [`Quantize`] leaves it.
#[must_use]
pub fn byte_row_words(width: u32) -> u32 {
    let groups = width.div_ceil(32);
    8 * groups + groups.next_multiple_of(4)
}

/// Attention of each row's queries over the cache pages of its sequence, up to its own position.
///
/// `output: f32[rows][heads * head_dim]`. With `split` that is left to [`Merge`]: part `s` of `launch.splits` covers pages
/// `s * ceil(pages / splits)` on, and behind it `output` has `[row][head][s]` of `head_dim + 4` floats: the unnormalised sum, the maximum, the
/// denominator, two unused.
/// Bindings: `query`, `cache`, `rows`, `pages`, `output`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Shape.
    pub heads: Heads,
    /// Factor on the scores, usually `1 / sqrt(head_dim)`.
    pub scale: f32,
    /// Keys further back than this many positions are not seen.
    pub window: Option<u32>,
    /// Entries in a row of the page table.
    pub pages_per_sequence: u32,
    /// Whether a sequence is cut into `launch.splits` parts.
    pub split: bool,
    /// Rows it is made for.
    pub rows: Rows,
}

/// Puts the parts of split [`Attention`] together, in place.
///
/// Bindings: `output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Query heads.
    pub heads: u32,
    /// Key and value heads, which decide how many parts there are.
    pub kv: u32,
    /// Elements of a head.
    pub dim: u32,
}

/// The most parts that attention cuts a sequence into.
pub const MAX_SPLITS: u32 = 64;

/// The id of the greatest logit of each row, the smallest id where several are equal, in two kernels.
///
/// `Parts`: `logits`, `partial` (written: [`ARGMAX_PARTS`] pairs of maximum and id, eight bytes each, a row; the
/// maximum as an integer in the order of the numbers, so that what is not a number is found on every device). `Whole`: `rows`, `partial`,
/// `sampled`. Works on rows `launch.first` on, one or all; logits and parts are indexed from that row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgMax {
    /// Finds the maximum of each part of a row.
    Parts {
        /// Logits of a row.
        vocab: u32,
        /// Rows it is made for: one, or all from `launch.first` on.
        rows: Rows,
    },
    /// Finds the greatest of the parts.
    Whole {
        /// Rows it is made for.
        rows: Rows,
    },
}

/// Parts that [`ArgMax`] cuts a row of logits into.
pub const ARGMAX_PARTS: u32 = 64;

/// How many parts attention with so many key heads cuts the sequences of a step into: the launch word `splits` of split attention and of what
/// merges it.
///
/// Four pages (64 keys, a tile of the kernel) a part, up to sixteen parts: fewer leave a GPU idle. Then parts become longer, up to eight
/// pages, before there are more of them, which each cost a trip through memory; 256 workgroups a row (a part of a key head each) fill any GPU.
/// One part more keeps the others whole where a context that is a power of two has an answer behind it: parts that are no multiple of four pages
/// waste a tile. An 8B model with eight key heads on an H200: at 4,096 tokens and an answer 16 parts give 329 tok/s, as do 32, of nine pages; 33 of
/// eight give 337. At 16,384, 32, 64 and 128 parts give 268, 257 and 243; 33 have not been measured there.
#[must_use]
pub fn splits(kv: u32) -> Size {
    let short = Size::Pages.ceil_div(4).min(16);
    let long = Size::Pages.ceil_div(8).min((256 / kv.max(1) + 1).clamp(16, MAX_SPLITS));
    Size::Max(Box::new(short), Box::new(long)).max(1)
}

/// An id of each row, drawn as its sequence's element of `sampling` says ([`tegula_plan::SAMPLING_MEMBERS`]), in four kernels. Rows of
/// sequences that are not to be drawn for are left alone. Works on rows `launch.first` on, one or all; `logits` and `scratch` are indexed
/// from that row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Which kernel.
    pub stage: DrawStage,
    /// Logits of a row.
    pub vocab: u32,
    /// Rows it is made for: one, or all from `launch.first` on.
    pub rows: Rows,
}

/// The kernels of [`Draw`], in order. All bind `rows`, `sampling`, `scratch` and `logits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStage {
    /// Penalises and biases logits in place by `tokens`, and finds the greatest of each part.
    Adjust,
    /// Sums the weights of each part, by depth where only the likeliest ids can be drawn.
    Weigh,
    /// Gathers the ids among which the nucleus ends and the draw falls.
    Gather,
    /// Draws, writes `sampled` and counts the id in `tokens`.
    Pick,
}

impl DrawStage {
    /// All, in order.
    pub const ALL: [DrawStage; 4] = [DrawStage::Adjust, DrawStage::Weigh, DrawStage::Gather, DrawStage::Pick];

    /// For people, and in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DrawStage::Adjust => "adjust",
            DrawStage::Weigh => "weigh",
            DrawStage::Gather => "gather",
            DrawStage::Pick => "pick",
        }
    }
}

/// What a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spec {
    /// Embedding lookup.
    Embed(Embed),
    /// Norm of rows.
    Norm(Norm),
    /// Rows as bytes.
    Quantize(Quantize),
    /// Matrix product.
    Matmul(Matmul),
    /// Norm, rotation and cache append of the heads.
    HeadNorm(HeadNorm),
    /// Attention.
    Attention(Attention),
    /// Its parts, put together.
    Merge(Merge),
    /// Greedy sampling.
    ArgMax(ArgMax),
    /// Sampling.
    Draw(Draw),
}
