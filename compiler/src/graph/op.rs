//! The ops that architectures are written in. `x`, `qkv` and so on are rows of f32.

use super::{Act, Graph, Heads, ParamId, Value};
use tegula_plan::Fingerprint;

/// A step of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// For people, such as `layers.0.self_attn.qkv_proj`.
    pub label: String,
    /// What it does.
    pub kind: OpKind,
    /// Elements in a row of the value it makes.
    pub width: u32,
}

impl Op {
    /// The values it reads.
    pub fn reads(&self) -> impl Iterator<Item = Value> + use<> {
        let (first, second) = match self.kind {
            OpKind::Embed { .. } | OpKind::Rotation { .. } => (None, None),
            OpKind::Positions { input, .. }
            | OpKind::Norm { input, .. }
            | OpKind::Linear { input, .. }
            | OpKind::GroupNorm { input, .. }
            | OpKind::ScaleBy { input, .. }
            | OpKind::HeadNorm { input, .. }
            | OpKind::Append { input, .. }
            | OpKind::Attention { query: input, .. }
            | OpKind::Gated { input, .. }
            | OpKind::Act { input, .. }
            | OpKind::Scale { input, .. }
            | OpKind::SoftCap { input, .. }
            | OpKind::ArgMax { input } => (Some(input), None),
            OpKind::Rope { input, rotation, .. } => (Some(input), Some(rotation)),
            OpKind::Add { left, right } => (Some(left), Some(right)),
            OpKind::Multiply { input, other, .. } => (Some(input), Some(other)),
        };
        first.into_iter().chain(second)
    }
}

/// What a norm divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormKind {
    /// The root of the mean square.
    Rms,
    /// The standard deviation, once the mean is taken off.
    Layer,
}

/// Which elements of a head are rotated together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pairs {
    /// Each of the first half of the rotated elements with the one as far into the second half.
    #[default]
    Halves,
    /// Neighbours: element 2i with 2i + 1.
    Neighbours,
}

/// Queries that grow with their position, by the factor `1 + rate * ln(1 + floor(position / span))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// See above.
    pub rate: f32,
    /// Positions that share a factor.
    pub span: u32,
}

/// What the heads of a row are normed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadSpan {
    /// Each head by itself, with a gain for all heads of its kind.
    Each,
    /// All query heads together, and all key heads, with a gain for each element.
    All,
}

/// Which half of a row an activation gates with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Gate {
    /// The first.
    #[default]
    First,
    /// The second.
    Second,
}

/// What an op does.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// The row of `table` for each token.
    Embed {
        /// `[vocab, width]`.
        table: ParamId,
    },
    /// Adds the row of `table` for each position.
    Positions {
        /// What it is added to.
        input: Value,
        /// `[positions, width]`.
        table: ParamId,
    },
    /// Cosine and sine of position times frequency, for [`OpKind::Rope`]. There is a frequency for each pair of rotated elements.
    Rotation {
        /// Radians a position.
        frequencies: Vec<f32>,
        /// The same for sequences of more than [`Graph::stretched_after`] tokens, where they differ.
        long: Option<Vec<f32>>,
        /// Factor on cosines and sines.
        factor: f32,
    },
    /// Norm with a gain, and maybe a bias.
    Norm {
        /// What is normed.
        input: Value,
        /// What it is divided by.
        kind: NormKind,
        /// `[width]`.
        gain: ParamId,
        /// `[width]`, added in the end.
        bias: Option<ParamId>,
        /// Added to the mean square, or the variance.
        eps: f32,
    },
    /// `W x`, plus a bias.
    Linear {
        /// x.
        input: Value,
        /// `[n, k]`.
        weight: ParamId,
        /// `[n]`.
        bias: Option<ParamId>,
    },
    /// Norms each piece of a row, as long as the gain, by the root of its mean square.
    GroupNorm {
        /// What is normed.
        input: Value,
        /// The gain of every piece.
        gain: ParamId,
        /// Added to the mean square.
        eps: f32,
    },
    /// Norms the query and the key heads of `qkv` by the root of their mean square.
    HeadNorm {
        /// Query, key and value heads.
        input: Value,
        /// What is normed together.
        span: HeadSpan,
        /// Whether value heads are normed too, without a gain.
        values: bool,
        /// `[dim]`, or `[query * dim]`.
        query_gain: ParamId,
        /// `[dim]`, or `[kv * dim]`.
        key_gain: ParamId,
        /// Added to the mean square.
        eps: f32,
    },
    /// Rotates the first elements of the query and key heads of `qkv`: as many as the rotation is wide. The others pass.
    Rope {
        /// Query, key and value heads.
        input: Value,
        /// An [`OpKind::Rotation`].
        rotation: Value,
        /// Which elements are rotated together.
        pairs: Pairs,
        /// How queries grow, if they do.
        growth: Option<Growth>,
    },
    /// Stores the key and value heads of `qkv` in the cache of a layer; the query heads remain.
    Append {
        /// Query, key and value heads.
        input: Value,
        /// Whose cache. Without one, there are query heads alone.
        layer: Option<u32>,
        /// Their shape.
        heads: Heads,
    },
    /// Causal attention of query heads over the cache of a layer.
    Attention {
        /// Query heads.
        query: Value,
        /// Whose cache.
        layer: u32,
        /// The shape of query heads, and of what the cache holds.
        heads: Heads,
        /// Factor on the scores.
        scale: f32,
        /// Scores become `cap * tanh(score / cap)`.
        softcap: Option<f32>,
        /// Keys this many positions back and further are not seen.
        window: Option<u32>,
    },
    /// `act(a) * b` of the two halves of each row.
    Gated {
        /// Both halves.
        input: Value,
        /// The activation.
        act: Act,
        /// Which half is `a`.
        gate: Gate,
    },
    /// `act(x)`.
    Act {
        /// x.
        input: Value,
        /// The activation.
        act: Act,
    },
    /// `factor * x`.
    Scale {
        /// x.
        input: Value,
        /// The factor.
        factor: f32,
    },
    /// `cap * tanh(x / cap)`.
    SoftCap {
        /// x.
        input: Value,
        /// The cap.
        cap: f32,
    },
    /// Every element times a parameter of one element.
    ScaleBy {
        /// x.
        input: Value,
        /// `[1]`.
        factor: ParamId,
    },
    /// Element by element, times a slice of a wider row.
    Multiply {
        /// x.
        input: Value,
        /// The wider row.
        other: Value,
        /// Where in it the slice begins: a multiple of four.
        first: u32,
    },
    /// Sum.
    Add {
        /// The residual stream.
        left: Value,
        /// What is added.
        right: Value,
    },
    /// The id of the greatest logit: ends the graph.
    ArgMax {
        /// Logits.
        input: Value,
    },
}

impl OpKind {
    /// One line, for people and for goldens.
    #[must_use]
    pub fn text(&self, graph: &Graph) -> String {
        let name = |id: ParamId| &graph.param(id).name;
        match self {
            OpKind::Embed { table } => format!("embed {}", name(*table)),
            OpKind::Positions { input, table } => format!("positions {input} table {}", name(*table)),
            OpKind::Rotation { frequencies, long, factor } => {
                let factor = if *factor == 1.0 { String::new() } else { format!(" factor {factor}") };
                let long = long.as_ref().map(|long| format!(" long {long:?}")).unwrap_or_default();
                format!("rotation {frequencies:?}{long}{factor}")
            }
            OpKind::Norm { input, kind, gain, bias, eps } => {
                let kind = if *kind == NormKind::Layer { "layer_norm" } else { "norm" };
                let bias = bias.map(|bias| format!(" bias {}", name(bias))).unwrap_or_default();
                format!("{kind} {input} gain {}{bias} eps {eps:e}", name(*gain))
            }
            OpKind::Linear { input, weight, bias } => {
                let bias = bias.map(|bias| format!(" bias {}", name(bias))).unwrap_or_default();
                format!("linear {input} weight {}{bias}", name(*weight))
            }
            OpKind::GroupNorm { input, gain, eps } => format!("group_norm {input} gain {} eps {eps:e}", name(*gain)),
            OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps } => {
                format!("{}{} {input} gains {} {} eps {eps:e}", head_norm(*span), values_too(*values), name(*query_gain), name(*key_gain))
            }
            OpKind::Rope { input, rotation, pairs, growth } => {
                let growth = growth.map(|growth| format!(" growth {} each {}", growth.rate, growth.span)).unwrap_or_default();
                format!("rope{} {input} by {rotation}{growth}", neighbours(*pairs))
            }
            OpKind::Append { input, layer: Some(layer), .. } => format!("append {input} to cache {layer}"),
            OpKind::Append { input, layer: None, .. } => format!("queries {input}"),
            OpKind::Attention { query, layer, scale, softcap, window, .. } => {
                format!("attention {query} over cache {layer} scale {scale}{}{}", option(" softcap", *softcap), option(" window", *window))
            }
            OpKind::Gated { input, act, gate } => format!("{}_mul{} {input}", act.name(), second(*gate)),
            OpKind::Act { input, act } => format!("{} {input}", act.name()),
            OpKind::Scale { input, factor } => format!("scale {input} by {factor}"),
            OpKind::SoftCap { input, cap } => format!("softcap {input} cap {cap}"),
            OpKind::ScaleBy { input, factor } => format!("scale {input} by {}", name(*factor)),
            OpKind::Multiply { input, other, first } => format!("multiply {input} by {other} from {first}"),
            OpKind::Add { left, right } => format!("add {left} {right}"),
            OpKind::ArgMax { input } => format!("argmax {input}"),
        }
    }

    /// How it is joined to other ops, and its constants by name: what the fingerprint of a model consists of. Packages carry these, so the
    /// text that an op gets must never change. A new op or constant states facts of its own, which no older package has.
    pub(crate) fn state(&self, graph: &Graph, fact: &mut dyn FnMut(&'static str, String)) -> String {
        let name = |id: &ParamId| graph.param(*id).name.as_str();
        let other = |id: &Option<ParamId>| id.as_ref().map_or("-", name);
        let at = |value: &Value| value.0;
        match self {
            OpKind::Embed { table } => format!("embed {}", name(table)),
            OpKind::Positions { input, table } => format!("positions {} {}", at(input), name(table)),
            OpKind::Rotation { frequencies, long, factor } => {
                fact("rope", rotation(frequencies));
                if let (Some(long), Some(after)) = (long, graph.stretched_after) {
                    fact("rope_long", format!("{} after {after} tokens", rotation(long)));
                }
                if *factor == 1.0 {
                    return "rotation".into();
                }
                fact("rope_factor", factor.to_string());
                "rotation scaled".into()
            }
            OpKind::Norm { input, kind: NormKind::Rms, gain, bias: None, eps } => {
                fact("norm_eps", format!("{eps:e}"));
                format!("norm {} {}", at(input), name(gain))
            }
            OpKind::Norm { input, kind, gain, bias, eps } => {
                fact("norm_eps", format!("{eps:e}"));
                let kind = if *kind == NormKind::Layer { "layer_norm" } else { "norm" };
                format!("{kind} {} {} {}", at(input), name(gain), other(bias))
            }
            OpKind::Linear { input, weight, bias } => format!("linear {} {} {}", at(input), name(weight), other(bias)),
            OpKind::GroupNorm { input, gain, eps } => {
                fact("group_norm_eps", format!("{eps:e}"));
                format!("group_norm {} {}", at(input), name(gain))
            }
            OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps } => {
                fact("head_norm_eps", format!("{eps:e}"));
                format!("{}{} {} {} {}", head_norm(*span), values_too(*values), at(input), name(query_gain), name(key_gain))
            }
            OpKind::Rope { input, rotation, pairs, growth } => {
                if let Some(Growth { rate, span }) = growth {
                    fact("query_growth", format!("{rate} each {span}"));
                }
                let growth = if growth.is_some() { " grown" } else { "" };
                format!("rope{} {} {}{growth}", neighbours(*pairs), at(input), at(rotation))
            }
            OpKind::Append { input, layer: Some(layer), .. } => format!("append {} {layer}", at(input)),
            OpKind::Append { input, layer: None, heads } => format!("queries {} {}x{}", at(input), heads.query, heads.dim),
            OpKind::Attention { query, layer, scale, softcap, window, .. } => {
                fact("attention_scale", scale.to_string());
                if let Some(cap) = softcap {
                    fact("attention_softcap", cap.to_string());
                }
                fact("sliding_window", window.map_or("none".into(), |window| window.to_string()));
                // A model without a cap states nothing of it: the text tells the two apart.
                format!("attention {} {layer}{}", at(query), if softcap.is_some() { " softcap" } else { "" })
            }
            OpKind::Gated { input, act, gate } => {
                fact("activation", act.name().into());
                format!("gated{} {}", second(*gate), at(input))
            }
            OpKind::Act { input, act } => {
                fact("activation", act.name().into());
                format!("act {}", at(input))
            }
            OpKind::Scale { input, factor } => {
                fact("scale", factor.to_string());
                format!("scale {}", at(input))
            }
            OpKind::SoftCap { input, cap } => {
                fact("softcap", cap.to_string());
                format!("softcap {}", at(input))
            }
            OpKind::ScaleBy { input, factor } => format!("scale_by {} {}", at(input), name(factor)),
            OpKind::Multiply { input, other, first } => format!("multiply {} {} {first}", at(input), at(other)),
            OpKind::Add { left, right } => format!("add {} {}", at(left), at(right)),
            OpKind::ArgMax { input } => format!("argmax {}", at(input)),
        }
    }
}

fn head_norm(span: HeadSpan) -> &'static str {
    if span == HeadSpan::All { "heads_norm" } else { "head_norm" }
}

fn values_too(values: bool) -> &'static str {
    if values { "_values" } else { "" }
}

fn neighbours(pairs: Pairs) -> &'static str {
    if pairs == Pairs::Neighbours { "_neighbours" } else { "" }
}

fn second(gate: Gate) -> &'static str {
    if gate == Gate::Second { "_second" } else { "" }
}

/// Frequencies of a rotation: how many, the highest and the lowest, and a digest of all. They are
/// rounded, since the last bits of a power depend on the system that works it out.
fn rotation(frequencies: &[f32]) -> String {
    let rounded: Vec<String> = frequencies.iter().map(|frequency| format!("{frequency:.4e}")).collect();
    let (first, last) = (rounded.first().map_or("", String::as_str), rounded.last().map_or("", String::as_str));
    format!("{} frequencies from {first} to {last}, {}", rounded.len(), Fingerprint::digest(&rounded.join(" ")))
}

/// A word and a number, where there is one.
pub(crate) fn option(word: &str, number: Option<impl std::fmt::Display>) -> String {
    number.map(|number| format!("{word} {number}")).unwrap_or_default()
}
