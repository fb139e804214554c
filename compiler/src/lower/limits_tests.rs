//! Large tables, matrices and steps: in parts, in as many rows as fit, or refused by name.

use crate::lower::tests::{compiled, dispatches, entry, with};
use crate::model::tests::fixture;
use crate::{CompileOptions, ErrorKind};
use tegula_plan::{MAX_BINDING, Size};

#[test]
fn tables_beyond_a_binding_are_split() {
    let changes = serde_json::json!({"vocab_size": 128_256, "hidden_size": 4096, "head_dim": 8});
    let compiled = with("llama", changes, &CompileOptions::default()).unwrap();
    for label in ["embed_tokens", "lm_head"] {
        let parts = dispatches(entry(&compiled, "decode"), label);
        let bases: Vec<_> = parts.iter().map(|part| part.uniforms[3].clone()).collect();
        assert_eq!(bases, [Size::Const(0), Size::Const(64_256)], "{label}");
        for part in parts {
            for binding in part.bindings.iter().filter(|binding| binding.size > 0) {
                assert!(binding.size <= MAX_BINDING && binding.offset.is_multiple_of(256));
            }
        }
    }
}

#[test]
fn a_matrix_that_cannot_be_split_is_refused_by_name() {
    let changes = serde_json::json!({"intermediate_size": 1 << 20, "hidden_size": 8192, "head_dim": 8});
    let error = with("llama", changes, &CompileOptions::default()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TensorTooLarge { tensor, .. } if tensor == "model.layers.0.mlp.gate_up_proj.weight"),
        "{error}"
    );
}

#[test]
fn steps_are_as_large_as_bindings_allow() {
    let changes = serde_json::json!({"intermediate_size": 65_536, "hidden_size": 1024, "head_dim": 8, "max_position_embeddings": 4096});
    let chunk = |asked| CompileOptions { prefill_chunk_size: asked, ..CompileOptions::default() };
    // 128 MiB / (65,536 * 4 bytes) = 512 rows.
    assert_eq!(with("llama", changes.clone(), &chunk(None)).unwrap().plan.model.prefill_chunk_size, 512);
    assert_eq!(with("llama", changes.clone(), &chunk(Some(512))).unwrap().plan.model.prefill_chunk_size, 512);
    let error = with("llama", changes, &chunk(Some(513))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StepTooLarge { setting: "prefill_chunk_size", asked: 513, fits: 512 }), "{error}");

    let batch = CompileOptions { max_batch_size: Some(100_000), ..CompileOptions::default() };
    let error = compiled(&fixture("llama"), &batch).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StepTooLarge { setting: "max_batch_size", .. }), "{error}");
}

#[test]
fn absurd_sizes_give_errors_and_never_panic() {
    let settings =
        ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"];
    for (index, first) in settings.iter().enumerate() {
        for second in &settings[index..] {
            for size in [1, 8, 1 << 20, 1 << 24] {
                let changes = serde_json::json!({ *first: size, *second: size });
                if let Ok(compiled) = with("llama", changes, &CompileOptions::default()) {
                    assert!(compiled.memory.weights > 0);
                }
            }
        }
    }
    let layers = serde_json::json!({"num_hidden_layers": 200});
    assert_eq!(with("llama", layers, &CompileOptions::default()).unwrap().plan.model.layers, 200);
}
