//! Query, key and value heads: their shape, and what happens to them after the op that makes them. Queries and keys are rotated. Then
//! queries go on to attention, and keys and values into the cache.

use super::fusion::Fusion;
use super::stage::{At, Target};
use super::step::{Inputs, SEQUENCES, Step};
use crate::graph::{OpKind, Value};
use crate::operand::Random;
use crate::operand::{Operands, Words, set, set_typed};
use crate::schedule::Build;
use tegula_plan::{Buffer, Dtype, PAGE_SIZE};

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

/// Rows of a matrix that are the query, key and value heads: writes the queries to `query: f32[rows][query_heads][head_dim]` and appends keys
/// and values to the cache.
///
/// Bindings: `rows`, `query`, `cache`, and with rotation `rope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Append {
    /// Shape.
    pub heads: Heads,
    /// Whether queries and keys are rotated first, element i of a head with element i + dim / 2.
    pub rotate: bool,
}

impl Heads {
    /// Its word in keys: query heads / key heads x elements : cache.
    #[must_use]
    pub fn key(&self) -> String {
        let cache = if self.cache == Dtype::F32 { "f32" } else { "f16" };
        format!("{}/{}x{}:{cache}", self.query, self.kv, self.dim)
    }

    /// All heads of a row.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.query + 2 * self.kv
    }

    /// Sets the constants of their shape.
    pub(super) fn build(&self, build: &mut Build<'_>) {
        build.int("QUERY_HEADS", self.query);
        build.int("KV_HEADS", self.kv);
        build.int("HEAD_DIM", self.dim);
    }

    /// The cache of a layer, for a step to try.
    pub(super) fn cache(&self, step: &Step, random: &mut Random) -> Vec<u32> {
        let elements = (2 * self.kv * self.dim * PAGE_SIZE) as usize * (SEQUENCES * step.cached) as usize;
        if self.cache == Dtype::F16 { random.halves(elements, -2.0, 2.0) } else { random.floats(elements, -2.0, 2.0) }
    }

    /// Element of a layer's cache: `[page][key, value][kv head][PAGE_SIZE][dim]`.
    pub(super) fn cache_index(&self, slot: u32, value: bool, kv: usize, i: usize) -> usize {
        let (page, place) = ((slot / PAGE_SIZE) as usize, (slot % PAGE_SIZE) as usize);
        (((page * 2 + usize::from(value)) * self.kv as usize + kv) * PAGE_SIZE as usize + place) * self.dim as usize + i
    }
}

impl Append {
    /// What keys of ops that append say: the shape, and what is unusual.
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.heads.key(), if self.rotate { "" } else { " unrotated" })
    }

    /// Sets what follows the op that makes the heads.
    pub(super) fn build(&self, build: &mut Build<'_>) {
        self.heads.build(build);
        if self.heads.cache == Dtype::F32 {
            build.slot("cache/f16", "cache/f32");
        }
    }

    pub(super) fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let heads = &self.heads;
        inputs.floats("rope", inputs.rows * heads.dim as usize, -1.0, 1.0);
        inputs.floats("query", inputs.rows * (heads.query * heads.dim) as usize, -1.0, 1.0);
        let cache = heads.cache(step, &mut inputs.random);
        inputs.put("cache", cache);
    }

    /// Bytes that a row of heads takes where attention finds them.
    pub(super) fn bytes(&self) -> u64 {
        let heads = &self.heads;
        u64::from(heads.dim) * (4 * u64::from(heads.query) + 2 * heads.cache.bytes() * u64::from(heads.kv))
    }

    /// Rotates and stores the heads `y` of a row.
    pub(super) fn reference(&self, operands: &mut Operands, row: usize, y: &[f64]) {
        let heads = &self.heads;
        let (queries, kv, dim) = (heads.query as usize, heads.kv as usize, heads.dim as usize);
        let half = dim / 2;
        // Taken out, not copied: this is done for every row.
        let [mut query, mut cache] = ["query", "cache"].map(|name| operands.buffers.remove(name).unwrap_or_default());
        let (rope, slot) = (operands.read("rope"), operands.read("rows").word(4 * row + 2));
        for head in 0..queries + 2 * kv {
            for i in 0..dim {
                let own = y[head * dim + i];
                let turned = if self.rotate { rotated(rope, row, half, &y[head * dim..][..dim], i) } else { own };
                if head < queries {
                    set(&mut query, (row * queries + head) * dim + i, turned);
                } else {
                    let value = head >= queries + kv;
                    let at = heads.cache_index(slot, value, (head - queries) % kv, i);
                    set_typed(&mut cache, heads.cache, at, if value { own } else { turned });
                }
            }
        }
        operands.give("query", query);
        operands.give("cache", cache);
    }
}

/// Element `i` of a head, rotated with the element half a head away.
fn rotated(rope: Words<'_>, row: usize, half: usize, head: &[f64], i: usize) -> f64 {
    let [cos, sin] = [0, 1].map(|j| rope.float(2 * (row * half + i % half) + j));
    let (own, other) = (head[i], head[(i + half) % head.len()]);
    if i < half { own * cos - other * sin } else { own * cos + other * sin }
}

/// Rotation of query and key heads, and append to a cache: what an op that makes heads takes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendStage {
    /// The rotation of each row, where there is one.
    pub rotation: Option<Value>,
    /// Whose cache.
    pub layer: u32,
    /// Where the queries go.
    pub query: Value,
}

/// Takes up the rotation and the append that alone read `heads`.
pub(crate) fn append(fusion: &mut Fusion<'_>, heads: Value) -> Option<AppendStage> {
    let mut reader = fusion.only_reader(heads)?;
    let (rope, rotation) = match &fusion.op(reader).kind {
        &OpKind::Rope { rotation, .. } => (Some(reader), Some(rotation)),
        _ => (None, None),
    };
    if let Some(rope) = rope {
        reader = fusion.only_reader(rope)?;
    }
    let &OpKind::Append { layer, .. } = &fusion.op(reader).kind else { return None };
    if let Some(rope) = rope {
        fusion.take(rope);
    }
    fusion.take(reader);
    Some(AppendStage { rotation, layer, query: reader })
}

impl AppendStage {
    pub fn text(&self) -> String {
        let rope = self.rotation.map(|rotation| format!(" + rope {rotation}")).unwrap_or_default();
        format!("{rope} + append to cache {}", self.layer)
    }

    pub fn spec(&self, at: &At<'_>) -> Append {
        Append { heads: heads(at), rotate: self.rotation.is_some() }
    }

    pub fn operands(&self, at: &At<'_>) -> Vec<(&'static str, Target)> {
        let mut operands =
            vec![("query", at.f32(self.query)), ("cache", Target::Whole(Buffer::Cache(self.layer))), ("rows", at.rows_of(self.layer))];
        operands.extend(self.rotation.map(|rotation| ("rope", at.f32(rotation))));
        operands
    }
}

/// The heads of a model, as kernels know them.
pub(crate) fn heads(at: &At<'_>) -> Heads {
    let crate::graph::Heads { query, kv, dim } = at.graph.heads;
    Heads { query, kv, dim, cache: at.cache }
}
