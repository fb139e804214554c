//! Steps to run candidates on: small ones that show whether they are right, and ones of the size that matters to show how fast they are.

use crate::spec::operands::{SEQUENCES, Step};
use crate::spec::{ArgMax, Attention, Heads, Matmul, Merge, Output, Rows, Spec, splits};
use tegula_plan::{PAGE_SIZE, StepSize};

/// Products that a check may take: the reference works in double precision on a processor.
const CHECK_PRODUCTS: u64 = 2_000_000_000;

/// Rows of a prefill step to be timed.
const PREFILL_ROWS: u32 = 512;

/// Bytes of logits that are made at a time: `score` makes no more.
const MOST_LOGITS: u32 = 32 << 20;

/// Tokens of the sequences that attention is timed on, at their end: a short conversation, a long one, and a document.
const CONTEXTS: [u32; 3] = [512, 4096, 16_384];

/// The step to check a spec on: several rows where it works on several, and a number of them that divides by nothing.
#[must_use]
pub fn check(spec: &Spec) -> Step {
    let affordable = |spec: &Matmul| (CHECK_PRODUCTS / (u64::from(spec.n) * u64::from(spec.k)).max(1)) as u32;
    let rows = match (rows_of(spec), spec) {
        (Rows::One, _) => 1,
        // Some more than kernels take together; one more than the sequences of a batch where more cost too much.
        (Rows::Few, Spec::Matmul(spec)) => affordable(spec).clamp(SEQUENCES + 1, 9),
        (Rows::Few, _) => 3,
        (Rows::Many, Spec::Matmul(spec)) => affordable(spec).clamp(9, 139),
        (Rows::Many, Spec::Attention(_)) => 19,
        (Rows::Many, _) => 5,
    };
    // Elsewhere the cache is only written to, and read back for every candidate.
    let pages = if matches!(spec, Spec::Attention(_) | Spec::Merge(_)) { 12 } else { rows.div_ceil(PAGE_SIZE) + 1 };
    step(spec, rows, pages * PAGE_SIZE)
}

/// The steps to time a spec on.
#[must_use]
pub fn timed(spec: &Spec) -> Vec<Step> {
    match (rows_of(spec), spec) {
        (rows, Spec::Attention(_) | Spec::Merge(_)) => {
            let rows = if rows == Rows::Many { PREFILL_ROWS } else { few(rows) };
            let mut steps: Vec<Step> = CONTEXTS.iter().map(|tokens| step(spec, rows, *tokens)).collect();
            steps.dedup();
            steps
        }
        (Rows::Many, Spec::Matmul(matmul)) => {
            let most = if let Output::Store { stride } = matmul.output { MOST_LOGITS / 4 / stride.max(1) } else { PREFILL_ROWS };
            vec![step(spec, most.clamp(SEQUENCES + 1, PREFILL_ROWS), PREFILL_ROWS)]
        }
        (Rows::Many, _) => vec![step(spec, PREFILL_ROWS, PREFILL_ROWS)],
        // Batches of one kernel are of any size: some of which a wide schedule does in one pass, and some that a narrow one has no idle columns for.
        (Rows::Few, Spec::Matmul(_)) => vec![step(spec, SEQUENCES, CONTEXTS[0]), step(spec, 2 * SEQUENCES, CONTEXTS[0])],
        (rows, _) => vec![step(spec, few(rows), CONTEXTS[0])],
    }
}

fn few(rows: Rows) -> u32 {
    if rows == Rows::One { 1 } else { SEQUENCES }
}

fn rows_of(spec: &Spec) -> Rows {
    match spec {
        Spec::Matmul(spec) => spec.rows,
        Spec::Attention(spec) => spec.rows,
        Spec::ArgMax(ArgMax::Parts { rows, .. } | ArgMax::Whole { rows }) => *rows,
        Spec::Draw(spec) => spec.rows,
        // Batches run the same kernel; a single row is what takes the longest for what it does.
        Spec::Merge(_) => Rows::One,
        Spec::Embed(_) | Spec::Norm(_) | Spec::Quantize(_) | Spec::HeadNorm(_) => Rows::Many,
    }
}

/// A step of so many rows on sequences of so many tokens, or of what the spec has room for.
fn step(spec: &Spec, rows: u32, tokens: u32) -> Step {
    let room = if let Spec::Attention(spec) = spec { spec.pages_per_sequence.max(1) } else { u32::MAX };
    let cached = tokens.div_ceil(PAGE_SIZE).min(room).max(1);
    let rows = rows.min(cached * PAGE_SIZE);
    let splits = match spec {
        Spec::Attention(spec) if !spec.split => 1,
        Spec::Attention(Attention { heads: Heads { kv, .. }, .. }) | Spec::Merge(Merge { kv, .. }) => {
            splits(*kv).eval(&StepSize::singles(rows, cached))
        }
        _ => 1,
    };
    Step { spec: *spec, rows, first: 0, segments: 1, pages: cached, splits, cached }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::reference;
    use crate::spec::{Format, Input};
    use tegula_plan::Dtype;

    #[test]
    fn steps_have_room_and_references() {
        let heads = Heads { query: 4, kv: 2, dim: 8, cache: Dtype::F16 };
        for rows in [Rows::One, Rows::Few, Rows::Many] {
            for pages_per_sequence in [1, 5, 400] {
                let split = rows != Rows::Many;
                let spec = Spec::Attention(Attention { heads, scale: 0.3, window: None, pages_per_sequence, split, rows });
                for step in timed(&spec).into_iter().chain([check(&spec)]) {
                    assert!(step.cached <= pages_per_sequence && step.rows <= step.cached * PAGE_SIZE, "{step:?}");
                    assert!(step.bytes() > 0 && (step.operations() > 0) == (rows == Rows::Many));
                }
                if pages_per_sequence == 400 {
                    let chunks: Vec<u32> = timed(&spec).iter().map(|step| step.cached).collect();
                    assert_eq!(chunks, [32, 256, 400]);
                }
                let (launch, mut operands) = check(&spec).operands(1);
                reference::run(&spec, &launch, &mut operands);
            }
            let (input, output) = (Input::Norm, Output::Store { stride: 90_000 });
            let matmul = Matmul { n: 72, k: 64, format: Format::F16, bias: true, input, eps: 1e-5, output, rows };
            let step = timed(&Spec::Matmul(matmul))[0];
            assert!(step.rows <= 93 && step.bytes() > 72 * 128, "{step:?}");
            // The larger a product, the fewer rows of it are checked.
            let checked = [(72, 64), (8192, 16_384), (128_256, 2048), (256_000, 4096)].map(|(n, k)| {
                let output = Output::Store { stride: n };
                check(&Spec::Matmul(Matmul { n, k, output, ..matmul })).rows
            });
            let expected = match rows {
                Rows::One => [1; 4],
                Rows::Few => [9, 9, 7, 5],
                Rows::Many => [139, 14, 9, 9],
            };
            assert_eq!(checked, expected);
        }
    }
}
