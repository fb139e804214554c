//! Which operations become one stage.

use super::{Epilogue, Prologue, StageKind, fuse};
use crate::graph::{Graph, OpKind, Value};
use crate::model::tests::{mutated, tiny};

fn count(graph: &Graph, matches: impl Fn(&StageKind) -> bool) -> usize {
    fuse(graph).unwrap().iter().filter(|stage| matches(&stage.kind)).count()
}

#[test]
fn a_layer_is_five_stages_or_six_with_head_norms() {
    // Embedding, head and sampling come on top.
    for (architecture, stages) in [("llama", 5), ("mistral", 5), ("qwen2", 5), ("qwen3", 6)] {
        let graph = tiny(architecture);
        assert_eq!(fuse(&graph).unwrap().len(), graph.layers as usize * stages + 3, "{architecture}");
    }
}

#[test]
fn norms_activations_sums_and_heads_go_into_the_products() {
    let graph = tiny("llama");
    let layers = graph.layers as usize;
    let matmul = |test: fn(&Prologue, &Epilogue) -> bool| {
        count(&graph, |kind| matches!(kind, StageKind::Matmul { prologue, epilogue, .. } if test(prologue, epilogue)))
    };
    assert_eq!(matmul(|prologue, epilogue| matches!((prologue, epilogue), (Prologue::Norm { .. }, Epilogue::Heads(_)))), layers);
    assert_eq!(matmul(|prologue, epilogue| matches!((prologue, epilogue), (Prologue::Norm { .. }, Epilogue::SiluMul { .. }))), layers);
    assert_eq!(matmul(|prologue, epilogue| matches!((prologue, epilogue), (Prologue::Plain, Epilogue::Residual { .. }))), 2 * layers);
    assert_eq!(matmul(|prologue, epilogue| matches!((prologue, epilogue), (Prologue::Norm { .. }, Epilogue::Store { .. }))), 1);
}

#[test]
fn the_residual_stream_has_one_home() {
    let graph = tiny("qwen3");
    let StageKind::Embed { output, .. } = fuse(&graph).unwrap()[0].kind else { panic!("the embedding comes first") };
    assert_eq!(
        count(&graph, |kind| matches!(kind, StageKind::Matmul { epilogue: Epilogue::Residual { stream }, .. } if *stream == output)),
        2 * graph.layers as usize
    );
}

#[test]
fn a_stream_that_is_read_later_is_not_added_to_in_place() {
    let mut graph = tiny("llama");
    // Feed-forward beside attention: both read the same stream, so neither may change it before the other has run.
    let sums: Vec<usize> = (0..graph.ops.len()).filter(|&index| matches!(graph.ops[index].kind, OpKind::Add { .. })).collect();
    let OpKind::Add { left: stream, .. } = graph.ops[sums[0]].kind else { unreachable!() };
    let norm = graph.ops.iter().skip(sums[0]).position(|op| matches!(op.kind, OpKind::Norm { .. })).unwrap() + sums[0];
    let OpKind::Norm { input, .. } = &mut graph.ops[norm].kind else { unreachable!() };
    *input = stream;
    let error = fuse(&graph).unwrap_err().to_string();
    assert!(error.contains("`layers.0.self_attn.o_proj.add`"), "{error}");
}

#[test]
fn an_op_without_a_kernel_is_refused_by_name() {
    let mut graph = tiny("llama");
    let last = Value(graph.ops.len() - 2);
    graph.silu_mul(last);
    let error = fuse(&graph).unwrap_err().to_string();
    assert!(error.contains("`lm_head.silu_mul`"), "{error}");
}

#[test]
fn biases_stay_with_their_products() {
    let graph = mutated("llama", |config| {
        config["attention_bias"] = true.into();
        config["mlp_bias"] = true.into();
    })
    .unwrap();
    assert_eq!(count(&graph, |kind| matches!(kind, StageKind::Matmul { bias: Some(_), .. })), 4 * graph.layers as usize);
}
