//! Mat-vecs in half precision keep small and large activations, also on devices that flush f16
//! numbers below 2^-14 to zero, as WGSL lets them.
//!
//! No software device flushes. So kernels also run with a changed text: every number that is made in
//! half precision goes through a function that flushes.

use crate::adapter;
use crate::kernels::run;
use tegula_compiler::format::q4::Q4F16;
use tegula_compiler::link::link;
use tegula_compiler::op::halve::{self, Halve};
use tegula_compiler::op::matmul::{Input, Matmul, Output};
use tegula_compiler::op::step::Step;
use tegula_compiler::op::{Rows, Spec, compare};
use tegula_compiler::schedule::Schedule;
use tegula_edit::{Edits, closing, tokens};
use tegula_gpu::Options;
use tegula_plan::{Kernel, Requires};

const REQUIRES: Requires = Requires { subgroups: true, f16: true, matrix: false };

/// The text of a kernel with half-precision numbers below 2^-14 taken for zero, wherever x is
/// converted or summed. `converts`: whether the kernel converts x.
fn flushing(text: &str, converts: bool) -> String {
    let all = tokens(text);
    let mut edits = Edits::default();
    let (mut converted, mut summed) = (0, 0);
    for (index, token) in all.iter().enumerate() {
        let reads = |words: &[&str]| words.iter().zip(&all[index..]).all(|(word, token)| token.is(word));
        if reads(&["vec2", "<", "f16", ">", "(", "vec2f", "("]) {
            let end = closing(&all, index + 4).expect("a kernel is whole");
            edits.replace(token.start..token.start, "flush(");
            edits.replace(all[end].end()..all[end].end(), ")");
            converted += 1;
        }
        if reads(&["fma", "(", "x", ".", "x", "["]) {
            edits.replace(token.start..token.end(), "flushed_fma");
            summed += 1;
        }
    }
    assert!((converted >= 4) == converts && summed >= 4, "{converted} conversions and {summed} sums");
    edits.apply(text, 0..text.len())
        + "fn flush(x: vec2<f16>) -> vec2<f16> {
    return select(x, vec2<f16>(), abs(x) < vec2<f16>(0.00006103515625h));
}
fn flushed_fma(a: vec2<f16>, b: vec2<f16>, c: vec2<f16>) -> vec2<f16> {
    return flush(fma(a, b, c));
}
"
}

/// Rows of x as a kernel of their own leaves them, on a device that takes small halves for zero.
fn halved(input: &[u32], step: &Step, k: u32) -> Vec<u32> {
    let spec = Spec::from(Halve { width: k, norm: None });
    let (launch, mut operands) = Step { spec: spec.clone(), ..step.clone() }.operands(1);
    operands.buffers.insert("input", input.to_vec());
    spec.reference(&launch, &mut operands);
    let mut rows = operands.buffers["output"].clone();
    for row in rows.chunks_mut(halve::row_words(k) as usize) {
        for word in &mut row[..k as usize / 2] {
            // Exponents of zero.
            *word &= [0x7c00u32, 0x7c00 << 16]
                .iter()
                .fold(0, |kept, exponent| if *word & exponent == 0 { kept } else { kept | (exponent / 0x7c00 * 0xffff) });
        }
    }
    rows
}

/// Schedules in half precision of each template for one row or a few.
fn schedules(rows: Rows, input: Input) -> Vec<Schedule> {
    let with = |template, values: &[(&'static str, u32)]| Schedule { template, values: values.to_vec() };
    match rows {
        _ if input == Input::Halved => vec![with("matmul/halved", &[("TEAM", 32), ("COLUMNS", 2), ("WORDS", 2)])],
        Rows::One => vec![
            with("matmul/vec", &[("TEAM", 32), ("WORDS", 1), ("F16", 1)]),
            with("matmul/vec", &[("TEAM", 32), ("WORDS", 2), ("F16", 1)]),
            with("matmul/vec", &[("TEAM", 32), ("WORDS", 4), ("F16", 1)]),
            with("matmul/vec_staged", &[("LANES", 128), ("WORDS", 2)]),
            with("matmul/vec_staged", &[("LANES", 128), ("WORDS", 4)]),
        ],
        _ => vec![with("matmul/columns", &[("TEAM", 32), ("COLUMNS", 2), ("WORDS", 2), ("F16", 1)])],
    }
}

#[test]
fn activations_of_any_magnitude_count_also_where_small_halves_are_zero() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    if !gpu.meets(&REQUIRES) {
        return eprintln!("skipped: {} has no f16", gpu.info().name);
    }
    for (rows, input) in [(Rows::One, Input::Plain), (Rows::One, Input::Norm), (Rows::Few, Input::Plain), (Rows::Few, Input::Halved)] {
        let (n, k, format) = (96, 320, Q4F16);
        let made_ready = input == Input::Halved;
        // An epsilon beside which small squares count.
        let matmul = Matmul { n, k, format, bias: false, factor: 1.0, input, eps: 1e-20, output: Output::store(n), rows };
        let plain = Spec::from(Matmul { input: if made_ready { Input::Plain } else { input }, ..matmul });
        let spec = Spec::from(matmul);
        let count = if rows == Rows::One { 1 } else { 3 };
        let step = Step { spec: plain.clone(), rows: count, first: 0, segments: 1, pages: 1, splits: 1, cached: 1 };
        for factor in [1.0, 0.01, 100.0, 1e-7, 1e7, 0.0] {
            let (launch, mut operands) = step.operands(1);
            let words = operands.buffers.get_mut("input").expect("a matmul reads x");
            // Neighbours of very different size as well: a part of the row is a thousandth.
            for (index, word) in words.iter_mut().enumerate() {
                let part = if index % 80 < 40 { 1.0 } else { 1e-3 };
                *word = (f32::from_bits(*word) * factor * part).to_bits();
            }
            let mut expected = operands.clone();
            plain.reference(&launch, &mut expected);
            if made_ready {
                let rows = halved(&operands.buffers["input"], &step, k);
                operands.buffers.insert("input", rows);
                expected.buffers.insert("input", operands.buffers["input"].clone());
            }
            for schedule in schedules(rows, input) {
                let linked = link(&spec, &REQUIRES, &schedule).expect("the schedule is legal");
                let kernel = Kernel {
                    name: linked.name.clone(),
                    shader: 0,
                    invocations: linked.invocations,
                    workgroup_memory: linked.workgroup_memory,
                    bindings: linked.bindings.clone(),
                };
                for text in [linked.text.clone(), flushing(&linked.text, !made_ready)] {
                    let grid = step.grid(&linked.grid);
                    let found = pollster::block_on(run(&gpu, &text, &REQUIRES, &kernel, &launch, &operands, grid)).expect("it runs");
                    for (name, words) in &found.buffers {
                        let agrees = compare(&spec, true, name, words, &expected.buffers[name]);
                        assert!(agrees.is_ok(), "{schedule} of {spec:?} times {factor}: {agrees:?}");
                    }
                }
            }
        }
    }
}
