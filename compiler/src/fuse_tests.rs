//! Which operations become one stage.

use super::fuse;
use crate::graph::{Graph, OpKind, Value};
use crate::model::tests::{mutated, tiny};

/// How many stages have these words in their text.
fn count(graph: &Graph, words: &[&str]) -> usize {
    let fused = fuse(graph).unwrap();
    fused.iter().map(|fused| fused.stage.text(graph)).filter(|text| words.iter().all(|word| text.contains(word))).count()
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
    assert_eq!(count(&graph, &["= norm ", " + matmul ", " + rope ", " + append "]), layers);
    assert_eq!(count(&graph, &["= norm ", " + matmul ", " + silu_mul"]), layers);
    assert_eq!(count(&graph, &[" += matmul "]), 2 * layers);
    assert_eq!(count(&graph, &["= norm "]), 2 * layers + 1);
}

#[test]
fn the_residual_stream_has_one_home() {
    let graph = tiny("qwen3");
    let embedded = fuse(&graph).unwrap()[0].stage.text(&graph);
    let (stream, _) = embedded.split_once(',').expect("the embedding comes first, with the rotation");
    assert_eq!(count(&graph, &[&format!("{stream} += ")]), 2 * graph.layers as usize);
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
    graph.scale(last, 2.0);
    let error = fuse(&graph).unwrap_err().to_string();
    assert!(error.contains("`lm_head.scale`"), "{error}");
}

#[test]
fn biases_stay_with_their_products() {
    let graph = mutated("llama", |config| {
        config["attention_bias"] = true.into();
        config["mlp_bias"] = true.into();
    })
    .unwrap();
    assert_eq!(count(&graph, &[" + bias"]), 4 * graph.layers as usize);
}
