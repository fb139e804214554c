//! Steps to run candidates on: small ones to check results, and ones of realistic size to measure speed.

use crate::op::step::{PREFILL_ROWS, Step};
use crate::op::{Rows, Spec};
use tegula_plan::{PAGE_SIZE, StepSize};

/// Tokens of the sequences that attention is timed on, at their end: a short conversation, a long one, and a document.
const CONTEXTS: [u32; 3] = [512, 4096, 16_384];

/// Pages of the sequences that attention is checked on.
const CHECKED_PAGES: u32 = 12;

/// The step to check a spec on.
#[must_use]
pub fn check(spec: &Spec) -> Step {
    let rows = spec.checked_rows();
    // Elsewhere the cache is only written to, and read back for every candidate.
    let pages = if spec.reads_cache() { CHECKED_PAGES } else { rows.div_ceil(PAGE_SIZE) + 1 };
    step(spec, rows, pages * PAGE_SIZE)
}

/// The steps to time a spec on.
#[must_use]
pub fn timed(spec: &Spec) -> Vec<Step> {
    let contexts: &[u32] = match spec.rows() {
        _ if spec.reads_cache() => &CONTEXTS,
        Rows::Many => &[PREFILL_ROWS],
        Rows::One | Rows::Few => &CONTEXTS[..1],
    };
    let rows = spec.timed_rows();
    let mut steps: Vec<Step> = contexts.iter().flat_map(|tokens| rows.iter().map(|rows| step(spec, *rows, *tokens))).collect();
    steps.dedup();
    steps
}

/// A step of so many rows on sequences of so many tokens, or of what the spec has room for.
fn step(spec: &Spec, rows: u32, tokens: u32) -> Step {
    let cached = tokens.div_ceil(PAGE_SIZE).min(spec.most_pages().max(1)).max(1);
    let rows = rows.min(cached * PAGE_SIZE);
    Step { spec: spec.clone(), rows, first: 0, pages: cached, segments: 1, splits: spec.splits(&StepSize::singles(rows, cached)), cached }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::F16;
    use crate::op::attention::Attention;
    use crate::op::heads::Heads;
    use crate::op::matmul::{Input, Matmul, Output};
    use tegula_plan::Dtype;

    #[test]
    fn steps_have_room_and_references() {
        let heads = Heads { query: 4, kv: 2, dim: 8, cache: Dtype::F16 };
        for rows in [Rows::One, Rows::Few, Rows::Many] {
            for pages_per_sequence in [1, 5, 400] {
                let split = rows != Rows::Many;
                let spec = Spec::from(Attention { heads, scale: 0.3, softcap: None, window: None, pages_per_sequence, split, rows });
                for step in timed(&spec).into_iter().chain([check(&spec)]) {
                    assert!(step.cached <= pages_per_sequence && step.rows <= step.cached * PAGE_SIZE, "{step:?}");
                    assert!(step.bytes() > 0 && (step.operations() > 0) == (rows == Rows::Many));
                }
                if pages_per_sequence == 400 {
                    let chunks: Vec<u32> = timed(&spec).iter().map(|step| step.cached).collect();
                    assert_eq!(chunks, [32, 256, 400]);
                }
                let (launch, mut operands) = check(&spec).operands(1);
                spec.reference(&launch, &mut operands);
            }
            let (input, output) = (Input::Norm, Output::store(90_000));
            let matmul = Matmul { n: 72, k: 64, format: F16, bias: true, factor: 1.0, input, eps: 1e-5, output, rows };
            let step = &timed(&matmul.into())[0];
            assert!(step.rows <= 93 && step.bytes() > 72 * 128, "{step:?}");
            // The larger a matrix, the fewer rows are checked.
            let checked = [(72, 64), (8192, 16_384), (128_256, 2048), (256_000, 4096)].map(|(n, k)| {
                let output = Output::store(n);
                check(&Matmul { n, k, output, ..matmul }.into()).rows
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
