//! Query, key and value heads: their shape, and what happens to them after the op that makes them. Queries and keys are rotated. Then
//! queries go on to attention, and keys and values into the cache.

use super::fusion::Fusion;
use super::stage::{At, Target};
use super::step::{Inputs, SEQUENCES, Step};
use crate::graph::{Growth, OpKind, Pairs, Value};
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Append {
    /// Shape.
    pub heads: Heads,
    /// How queries and keys are rotated first, if they are.
    pub turn: Option<Turn>,
}

/// A rotation of heads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// How many elements of a head it rotates, from the first on: a multiple of four. The others pass.
    pub width: u32,
    /// Which elements are rotated together.
    pub pairs: Pairs,
    /// How queries grow behind it, if they do.
    pub growth: Option<Growth>,
}

impl Turn {
    /// The rotation of whole heads, each element of a half with its counterpart.
    #[must_use]
    pub fn whole(dim: u32) -> Turn {
        Turn { width: dim, pairs: Pairs::Halves, growth: None }
    }
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
        // Query heads alone still count as such: nothing is a key head.
        build.int("KV_HEADS", self.kv.max(1));
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
        let turn = match self.turn {
            None => " unrotated".to_owned(),
            Some(Turn { width, pairs, growth }) => {
                let part = if width == self.heads.dim { String::new() } else { format!(" rotated={width}") };
                let pairs = if pairs == Pairs::Neighbours { " neighbours" } else { "" };
                format!("{part}{pairs}{}", if growth.is_some() { " grown" } else { "" })
            }
        };
        format!("{}{turn}", self.heads.key())
    }

    /// Sets what follows the op that makes the heads: `import` is what leads there, and `gain` says that the gain of a norm comes last.
    pub(super) fn build(&self, build: &mut Build<'_>, import: &'static str, gain: bool) {
        self.heads.build(build);
        match self.turn {
            None if !gain => build.slot(import, "output/heads_unrotated"),
            Some(turn) if !gain && turn == Turn::whole(self.heads.dim) => {
                if import != "output/heads" {
                    build.slot(import, "output/heads");
                }
            }
            turn => {
                build.slot(import, "output/heads_turned");
                match turn {
                    None => build.slot("rotate/halves", "rotate/none"),
                    Some(Turn { width, pairs, growth }) => {
                        build.int("TURNED", width);
                        if pairs == Pairs::Neighbours {
                            build.slot("rotate/halves", "rotate/neighbours");
                        }
                        if let Some(Growth { rate, span }) = growth {
                            build.slot("finish/none", "finish/growth");
                            build.float("RATE", rate);
                            build.int("SPAN", span);
                        }
                    }
                }
                if gain {
                    build.slot("finish/none", "finish/gain");
                }
            }
        }
        if self.heads.kv == 0 {
            build.slot("cache/f16", "cache/none");
        } else if self.heads.cache == Dtype::F32 {
            build.slot("cache/f16", "cache/f32");
        }
    }

    pub(super) fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let heads = &self.heads;
        let turned = self.turn.map_or(0, |turn| turn.width as usize);
        inputs.floats("rope", inputs.rows * turned, -1.0, 1.0);
        inputs.floats("query", inputs.rows * (heads.query * heads.dim) as usize, -1.0, 1.0);
        let cache = heads.cache(step, &mut inputs.random);
        inputs.put("cache", cache);
    }

    /// Bytes that a row of heads takes where attention finds them.
    pub(super) fn bytes(&self) -> u64 {
        let heads = &self.heads;
        u64::from(heads.dim) * (4 * u64::from(heads.query) + 2 * heads.cache.bytes() * u64::from(heads.kv))
    }

    /// Rotates and stores the heads `y` of a row. `gain` is that of an element of a query or key head.
    pub(super) fn reference(&self, operands: &mut Operands, row: usize, y: &[f64], gain: impl Fn(usize, usize) -> f64) {
        let heads = &self.heads;
        let (queries, kv, dim) = (heads.query as usize, heads.kv as usize, heads.dim as usize);
        let position = operands.read("rows").word(4 * row + 1);
        let growth = self.turn.and_then(|turn| turn.growth);
        let growth = growth.map_or(1.0, |Growth { rate, span }| 1.0 + f64::from(rate) * f64::from(1 + position / span).ln());
        // Taken out, not copied: this is done for every row.
        let [mut query, mut cache] = ["query", "cache"].map(|name| operands.buffers.remove(name).unwrap_or_default());
        let (rope, slot) = (operands.read("rope"), operands.read("rows").word(4 * row + 2));
        for head in 0..queries + 2 * kv {
            for i in 0..dim {
                let own = y[head * dim + i];
                let turned = self.turn.map_or(own, |turn| turn.reference(rope, row, &y[head * dim..][..dim], i));
                if head < queries {
                    set(&mut query, (row * queries + head) * dim + i, turned * growth * gain(head, i));
                } else {
                    let value = head >= queries + kv;
                    let at = heads.cache_index(slot, value, (head - queries) % kv, i);
                    set_typed(&mut cache, heads.cache, at, if value { own } else { turned * gain(head, i) });
                }
            }
        }
        operands.give("query", query);
        operands.give("cache", cache);
    }
}

impl Turn {
    /// Element `i` of a head, rotated.
    fn reference(&self, rope: Words<'_>, row: usize, head: &[f64], i: usize) -> f64 {
        let half = self.width as usize / 2;
        if i >= 2 * half {
            return head[i];
        }
        let (pair, other, is_first) = match self.pairs {
            Pairs::Halves => (i % half, (i + half) % (2 * half), i < half),
            Pairs::Neighbours => (i / 2, i ^ 1, i.is_multiple_of(2)),
        };
        let [cos, sin] = [0, 1].map(|j| rope.float(2 * (row * half + pair) + j));
        if is_first { head[i] * cos - head[other] * sin } else { head[i] * cos + head[other] * sin }
    }
}

/// A rotation of heads in a graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    pub value: Value,
    pub pairs: Pairs,
    pub growth: Option<Growth>,
}

/// Rotation of query and key heads, and append to a cache: what an op that makes heads takes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendStage {
    /// The rotation of each row, where there is one, and how it is applied.
    pub rotation: Option<Rotation>,
    /// Whose cache, where there are keys and values.
    pub layer: Option<u32>,
    /// The shape of the heads.
    pub heads: crate::graph::Heads,
    /// Where the queries go.
    pub query: Value,
}

/// Takes up the rotation and the append that alone read `heads`.
pub(crate) fn append(fusion: &mut Fusion<'_>, heads: Value) -> Option<AppendStage> {
    let mut reader = fusion.only_reader(heads)?;
    let rope = rotation(fusion, reader);
    if let Some((next, _)) = rope {
        reader = next;
    }
    let &OpKind::Append { layer, heads: shape, .. } = &fusion.op(reader).kind else { return None };
    if rope.is_some() {
        fusion.take(fusion.only_reader(heads)?);
    }
    fusion.take(reader);
    Some(AppendStage { rotation: rope.map(|(_, rotation)| rotation), layer, heads: shape, query: reader })
}

/// The rotation that an op is, and what alone reads it.
pub(super) fn rotation(fusion: &Fusion<'_>, rope: Value) -> Option<(Value, Rotation)> {
    let &OpKind::Rope { rotation, pairs, growth, .. } = &fusion.op(rope).kind else { return None };
    Some((fusion.only_reader(rope)?, Rotation { value: rotation, pairs, growth }))
}

impl AppendStage {
    pub fn text(&self) -> String {
        let rope = self.rotation.map(|rotation| format!(" + rope {}", rotation.value)).unwrap_or_default();
        match self.layer {
            Some(layer) => format!("{rope} + append to cache {layer}"),
            None => rope,
        }
    }

    pub fn spec(&self, at: &At<'_>) -> Append {
        let turn = |rotation: Rotation| Turn { width: at.graph.op(rotation.value).width, pairs: rotation.pairs, growth: rotation.growth };
        Append { heads: heads(self.heads, at), turn: self.rotation.map(turn) }
    }

    pub fn operands(&self, at: &At<'_>) -> Vec<(&'static str, Target)> {
        let mut operands = vec![("query", at.f32(self.query))];
        operands.extend(self.layer.map(|layer| ("cache", Target::Whole(Buffer::Cache(layer)))));
        // Of query heads alone, positions matter, which all groups of layers share.
        operands.push(("rows", self.layer.map_or(Target::Whole(Buffer::Rows(0)), |layer| at.rows_of(layer))));
        operands.extend(self.rotation.map(|rotation| ("rope", at.f32(rotation.value))));
        operands
    }
}

/// The heads of a graph, as kernels know them.
pub(crate) fn heads(heads: crate::graph::Heads, at: &At<'_>) -> Heads {
    let crate::graph::Heads { query, kv, dim } = heads;
    Heads { query, kv, dim, cache: at.cache }
}
