//! Matrix multiplication on the CPU: the reference.

use super::{Input, Matmul, Output};
use crate::op::norm::{ORDER, normed};
use crate::op::{halve, int8};
use crate::operand::{Launch, Operands, Words, set};
use crate::parallel::each;
use tegula_plan::Dtype;

pub(super) fn run(spec: &Matmul, launch: &Launch, operands: &mut Operands) {
    let (n, k) = (spec.n as usize, spec.k as usize);
    let rows = spec.rows.of(launch);
    let inputs: Vec<Vec<f64>> = rows.clone().map(|row| input(spec, launch, operands, row)).collect();
    let vectors = operands.read("vectors");
    // A row of weights is read once for all rows of x, whose sums grow together: none of them waits for its own last addition.
    let columns: Vec<f64> = (0..k).flat_map(|j| inputs.iter().map(move |x| x[j])).collect();
    let features = each(n, |i| {
        let bias = if spec.bias { vectors.float(launch.get("bias") + i) } else { 0.0 };
        let mut sums = vec![0.0; inputs.len()];
        for (weight, column) in spec.format.row(operands, i, k).into_iter().zip(columns.chunks_exact(inputs.len().max(1))) {
            sums.iter_mut().zip(column).for_each(|(sum, x)| *sum += x * weight);
        }
        sums.iter_mut().for_each(|sum| *sum = f64::from(spec.factor) * (*sum + bias));
        sums
    });
    for (at, row) in rows.enumerate() {
        let y: Vec<f64> = features.iter().map(|feature| feature[at]).collect();
        if let Output::Heads(append) = spec.output {
            append.reference(operands, row, &y, |_, _| 1.0);
            continue;
        }
        // Taken out, not copied: large matrices have large outputs.
        let mut output = operands.buffers.remove("output").unwrap_or_default();
        match spec.output {
            Output::Store { stride, softcap } => {
                let at = at * stride as usize + launch.get("base");
                let cap = |y: f64| softcap.map_or(y, |cap| f64::from(cap) * (y / f64::from(cap)).tanh());
                (0..n).for_each(|i| set(&mut output, at + i, cap(y[i])));
            }
            Output::Gated(act) => (0..n / 2).for_each(|i| set(&mut output, row * n / 2 + i, act.of(y[i]) * y[n / 2 + i])),
            Output::GatedSecond(act) => (0..n / 2).for_each(|i| set(&mut output, row * n / 2 + i, y[i] * act.of(y[n / 2 + i]))),
            Output::Act(act) => {
                let at = at * n + launch.get("base");
                (0..n).for_each(|i| set(&mut output, at + i, act.of(y[i])));
            }
            Output::Product { act, stride } => {
                let factors = operands.read("factors");
                let first = row * stride as usize + launch.get("query_gain");
                (0..n).for_each(|i| set(&mut output, row * n + i, act.of(y[i]) * factors.float(first + i)));
            }
            Output::Residual | Output::Heads(_) => (0..n).for_each(|i| {
                let sum = Words(&output).float(row * n + i) + y[i];
                set(&mut output, row * n + i, sum);
            }),
        }
        operands.give("output", output);
    }
}

/// A row of x.
fn input(spec: &Matmul, launch: &Launch, operands: &Operands, row: usize) -> Vec<f64> {
    let (k, input, vectors) = (spec.k as usize, operands.read("input"), operands.read("vectors"));
    match spec.input {
        Input::Plain => (0..k).map(|i| input.float(row * k + i)).collect(),
        Input::Norm => normed(input, vectors, launch, row, k, spec.eps),
        Input::Normed => {
            let mut x = vec![0.0; k];
            (0..k).for_each(|i| x[i - i % 8 + ORDER[i % 8]] = input.typed(Dtype::F16, row * k + i));
            x
        }
        Input::Int8 => int8::read(input, row, k),
        Input::Halved => halve::read(input, row, k),
    }
}
