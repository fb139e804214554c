//! Names of specs: what search records go by.
//!
//! A key says what a kernel computes on which shape, in words that do not change with the code: `matmul q4f16 n=28672 k=4096 norm silu_mul one`.
//! What has no bearing on speed is left out (epsilons, scales, strides, the length of a page table), so that one record serves all of it.

use super::{ArgMax, Format, Heads, Input, Output, Rows, Spec};
use tegula_plan::Dtype;

impl Spec {
    /// The key of this spec.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Spec::Embed(spec) => format!("embed {} n={} k={} dim={}", format_name(spec.format), spec.n, spec.k, spec.head_dim),
            Spec::Norm(spec) => format!("norm k={}", spec.width),
            Spec::Quantize(spec) => format!("quantize k={} {}", spec.width, if spec.norm.is_some() { "norm" } else { "plain" }),
            Spec::Matmul(spec) => {
                let input = match spec.input {
                    Input::Plain => "plain".to_owned(),
                    Input::Norm => "norm".to_owned(),
                    Input::Normed => "normed".to_owned(),
                    Input::Bytes => "bytes".to_owned(),
                };
                let bias = if spec.bias { " bias" } else { "" };
                let output = match &spec.output {
                    Output::Store { .. } => "store".to_owned(),
                    Output::Residual => "residual".to_owned(),
                    Output::SiluMul => "silu_mul".to_owned(),
                    Output::Heads(heads) => format!("heads={}", heads_name(heads)),
                };
                let (format, rows) = (format_name(spec.format), rows_name(spec.rows));
                format!("matmul {format} n={} k={} {input}{bias} {output} {rows}", spec.n, spec.k)
            }
            Spec::HeadNorm(spec) => format!("head_norm {}", heads_name(&spec.heads)),
            Spec::Attention(spec) => {
                let window = spec.window.map(|window| format!(" window={window}")).unwrap_or_default();
                let split = if spec.split { " split" } else { "" };
                format!("attention {}{window}{split} {}", heads_name(&spec.heads), rows_name(spec.rows))
            }
            Spec::Merge(spec) => format!("merge {}/{}x{}", spec.heads, spec.kv, spec.dim),
            Spec::ArgMax(ArgMax::Parts { vocab, rows }) => format!("argmax_parts vocab={vocab} {}", rows_name(*rows)),
            Spec::ArgMax(ArgMax::Whole { rows }) => format!("argmax_whole {}", rows_name(*rows)),
            Spec::Draw(spec) => format!("draw_{} vocab={} {}", spec.stage.name(), spec.vocab, rows_name(spec.rows)),
        }
    }
}

/// How far two keys are apart that differ in `n` and `k` at most: the sum of how often each doubles. `None` where they differ in more, or by
/// more than a factor of two in either.
#[must_use]
pub fn distance(one: &str, other: &str) -> Option<f64> {
    let (mut words, mut others) = (one.split(' '), other.split(' '));
    let mut sum = 0.0;
    loop {
        match (words.next(), others.next()) {
            (None, None) => return Some(sum),
            (Some(word), Some(other)) if word == other => {}
            (Some(word), Some(other)) => {
                let doublings = (size(word, other)? / size(other, word)?).log2().abs();
                if doublings > 1.0 {
                    return None;
                }
                sum += doublings;
            }
            _ => return None,
        }
    }
}

/// The number of a word such as `n=4096`, where `other` is of the same kind.
fn size(word: &str, other: &str) -> Option<f64> {
    let (name, number) = word.split_once('=')?;
    let same = other.split_once('=')?.0 == name && matches!(name, "n" | "k");
    let number: u32 = number.parse().ok().filter(|number| same && *number > 0)?;
    Some(number.into())
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Q4 { scale: Dtype::F32 } => "q4f32",
        Format::Q4 { .. } => "q4f16",
        Format::F16 => "f16",
        Format::F32 => "f32",
    }
}

fn rows_name(rows: Rows) -> &'static str {
    match rows {
        Rows::One => "one",
        Rows::Few => "few",
        Rows::Many => "many",
    }
}

/// Query heads / key heads x elements : cache.
fn heads_name(heads: &Heads) -> String {
    let cache = if heads.cache == Dtype::F32 { "f32" } else { "f16" };
    format!("{}/{}x{}:{cache}", heads.query, heads.kv, heads.dim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Attention, Matmul};

    #[test]
    fn keys_name_shapes_and_leave_out_what_does_not_matter() {
        let matmul = Matmul {
            n: 28_672,
            k: 4096,
            format: Format::Q4 { scale: Dtype::F16 },
            bias: false,
            input: Input::Norm,
            eps: 1e-5,
            output: Output::SiluMul,
            rows: Rows::One,
        };
        assert_eq!(Spec::Matmul(matmul).key(), "matmul q4f16 n=28672 k=4096 norm silu_mul one");
        assert_eq!(Spec::Matmul(Matmul { eps: 1e-6, ..matmul }).key(), Spec::Matmul(matmul).key());
        let heads = Heads { query: 32, kv: 8, dim: 128, cache: Dtype::F16 };
        let attention = Attention { heads, scale: 0.1, window: None, pages_per_sequence: 8, split: true, rows: Rows::One };
        assert_eq!(Spec::Attention(attention).key(), "attention 32/8x128:f16 split one");
        let windowed = Attention { window: Some(4096), pages_per_sequence: 16, ..attention };
        assert_eq!(Spec::Attention(windowed).key(), "attention 32/8x128:f16 window=4096 split one");
    }

    #[test]
    fn near_shapes_are_within_a_factor_of_two() {
        let key = |n: u32, k: u32| format!("matmul q4f16 n={n} k={k} plain residual one");
        assert_eq!(distance(&key(64, 64), &key(64, 64)), Some(0.0));
        assert_eq!(distance(&key(64, 64), &key(128, 32)), Some(2.0));
        assert_eq!(distance(&key(64, 64), &key(129, 64)), None);
        assert_eq!(distance(&key(64, 64), &key(64, 31)), None);
        assert_eq!(distance("attention 4/2x8:f16 one", "attention 4/2x8:f16 window=8 one"), None);
        assert_eq!(distance("argmax_parts vocab=8 one", "argmax_parts vocab=9 one"), None);
        assert_eq!(distance("embed f16 n=8 k=4 dim=4", "embed f16 n=x k=4 dim=4"), None);
    }
}
