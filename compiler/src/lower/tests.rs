//! Plans of small and of real shapes: dispatches, options, memory, groups of layers.

use crate::model::tests::fixture;
use crate::{CompileOptions, Compiled, Config, Error, ErrorKind, compile};
use tegula_plan::{Activations, Buffer, Dispatch, Entry, Model, PAGE_SIZE, Size, StepSize, When};

pub(super) fn compiled(json: &str, options: &CompileOptions) -> Result<Compiled, Error> {
    compile(&Config::parse(json)?, options)
}

fn tiny(name: &str) -> Compiled {
    compiled(&fixture(name), &CompileOptions::default()).unwrap()
}

pub(super) fn with(name: &str, changes: serde_json::Value, options: &CompileOptions) -> Result<Compiled, Error> {
    let mut config: serde_json::Value = serde_json::from_str(&fixture(name)).unwrap();
    for (setting, value) in changes.as_object().unwrap() {
        config[setting] = value.clone();
    }
    compiled(&config.to_string(), options)
}

pub(super) fn entry<'a>(compiled: &'a Compiled, name: &str) -> &'a Entry {
    compiled.plan.variants[0].entries.iter().find(|entry| entry.name == name).unwrap()
}

pub(super) fn dispatches<'a>(entry: &'a Entry, label: &str) -> Vec<&'a Dispatch> {
    entry.first_choice().filter(|dispatch| dispatch.label.starts_with(label)).collect()
}

#[test]
fn a_step_is_five_dispatches_a_layer_and_four() {
    for (name, layer) in [("llama", 5), ("llama3", 5), ("mistral", 5), ("qwen2", 5), ("qwen3", 6)] {
        for variant in &tiny(name).plan.variants {
            for entry in &variant.entries {
                let step = entry.largest_alone();
                let count = |when| entry.dispatches.iter().filter(|dispatch| dispatch.when == when && dispatch.runs(&step)).count();
                let picks = if entry.name == "score" { [0, 0, 0] } else { [2, 3, 1] };
                let split = ["decode", "batch"].contains(&entry.name.as_str());
                // One more where attention is split, and two where many rows are normed once: in the last layer only what attention needs, and
                // the rest of it with the logits where every row gets some.
                let norms = match entry.name.as_str() {
                    "prefill" if variant.requires.f16 => 3,
                    "score" if variant.requires.f16 => 5,
                    _ => 0,
                };
                assert_eq!(count(When::Always), 2 * (layer + usize::from(split)) + 2 + norms, "{name} {}", entry.name);
                assert_eq!([When::Greedy, When::Drawn, When::Nucleus].map(count), picks, "{name} {}", entry.name);
            }
        }
    }
}

fn int8() -> CompileOptions {
    CompileOptions { activations: Activations::Int8, ..CompileOptions::default() }
}

#[test]
fn bytes_are_for_many_rows_inside_the_layers_without_matrix_units() {
    for name in ["llama", "qwen2", "qwen3"] {
        let (plain, compiled) = (tiny(name), compiled(&fixture(name), &int8()).unwrap());
        assert_eq!(plain.plan.model.activations, Activations::Float);
        assert_eq!(compiled.plan.model.activations, Activations::Int8);
        for (plain, variant) in plain.plan.variants.iter().zip(&compiled.plan.variants) {
            assert_eq!(plain.activations, Activations::Float);
            assert_eq!(variant.activations, if variant.requires.matrix { Activations::Float } else { Activations::Int8 });
            for (plain, entry) in plain.entries.iter().zip(&variant.entries) {
                let bytes = !variant.requires.matrix && ["prefill", "score"].contains(&entry.name.as_str());
                let quantized: Vec<_> = entry.first_choice().filter(|dispatch| dispatch.label.ends_with(".quantize")).collect();
                // Two layers, four multiplications each, except those that have a single row of a prompt.
                let products = if entry.name == "prefill" { 5 } else { 8 };
                assert_eq!(quantized.len(), if bytes { products } else { 0 }, "{name} {} {}", variant.name, entry.name);
                assert!(quantized.iter().all(|dispatch| dispatch.label.starts_with("layers.")));
                // Rows are normed while they are made int8.
                let normed =
                    plain.first_choice().filter(|dispatch| dispatch.label.starts_with("layers.") && dispatch.label.ends_with(".norm"));
                let instead = if bytes { normed.count() } else { 0 };
                // Only rows of floats share steps with others, which takes dispatches that such a step has no use for.
                let run = |entry: &Entry| entry.first_choice().filter(|dispatch| dispatch.runs(&entry.largest_alone())).count();
                assert_eq!(run(entry), run(plain) + quantized.len() - instead);
                let taken = entry.first_choice().filter(|dispatch| variant.kernels[dispatch.kernel as usize].name.contains("matmul/int8"));
                assert_eq!(taken.count(), quantized.len());
            }
        }
    }
}

#[test]
fn bytes_are_refused_where_weights_are_not_of_four_bits() {
    for quantization in ["q4f16_1", "q4f32_1", "q0f16", "q0f32"] {
        let options = CompileOptions { quantization: Some(quantization.into()), ..int8() };
        match compiled(&fixture("llama"), &options) {
            Ok(compiled) => {
                assert_eq!((&compiled.plan.model.quantization[..2], compiled.plan.model.activations), ("q4", Activations::Int8))
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Setting { setting: "activations", .. }), "{error}");
                assert!(quantization.starts_with("q0") && error.to_string().contains("q4f16_1 and q4f32_1"), "{error}");
            }
        }
    }
}

#[test]
fn no_dispatch_reads_and_writes_one_buffer() {
    for name in ["llama", "llama3", "mistral", "qwen2", "qwen3"] {
        writes_apart(&tiny(name));
        writes_apart(&compiled(&fixture(name), &int8()).unwrap());
    }
}

fn writes_apart(compiled: &Compiled) {
    let buffer = |index: u32| match compiled.plan.buffers[index as usize] {
        Buffer::Activation { arena, .. } => (true, arena),
        _ => (false, index),
    };
    for variant in &compiled.plan.variants {
        for dispatch in variant.entries.iter().flat_map(|entry| &entry.dispatches) {
            let kernel = &variant.kernels[dispatch.kernel as usize];
            let bound: Vec<_> = dispatch.bindings.iter().zip(&kernel.bindings).collect();
            for (a, reads) in bound.iter().filter(|(_, binding)| !binding.writes) {
                for (b, writes) in bound.iter().filter(|(_, binding)| binding.writes) {
                    assert_ne!(buffer(a.buffer), buffer(b.buffer), "{} {}: {reads:?} {writes:?}", variant.name, dispatch.label);
                }
            }
        }
    }
}

#[test]
fn entries_differ_in_rows_and_logits() {
    let compiled = tiny("llama");
    let rows: Vec<_> = compiled.plan.variants[0].entries.iter().map(|entry| (entry.name.as_str(), entry.max_rows)).collect();
    assert_eq!(rows, [("prefill", 512), ("decode", 1), ("batch", 4), ("score", 512)]);
    let first = |entry_name: &str| dispatches(entry(&compiled, entry_name), "lm_head")[0].uniforms[1].clone();
    assert_eq!(first("prefill"), Size::Rows.minus(1));
    assert_eq!([first("decode"), first("batch"), first("score")], [0, 0, 0].map(Size::Const));
    // What follows the last attention is for the rows that get logits, and done as in decoding where that is one.
    let mlp = |entry_name: &str, layer: u32| dispatches(entry(&compiled, entry_name), &format!("layers.{layer}.mlp.down_proj"))[0].clone();
    assert_eq!([0, 1].map(|layer| mlp("prefill", layer).uniforms[1].clone()), [Size::Const(0), Size::Rows.minus(1)]);
    assert_eq!(mlp("prefill", 1).kernel, mlp("decode", 1).kernel);
    assert_ne!(mlp("prefill", 0).kernel, mlp("decode", 0).kernel);
    assert_eq!(mlp("score", 1).kernel, mlp("prefill", 0).kernel);
    // Where several rows get logits, it is done as in batches, and the other dispatches have nothing to do.
    let several = dispatches(entry(&compiled, "prefill"), "layers.1.mlp.down_proj.several")[0].clone();
    assert_eq!(several.kernel, mlp("batch", 1).kernel);
    let works = |dispatch: &Dispatch, read| dispatch.runs(&StepSize { rows: 40, pages: 3, prompt: 36, segments: 2, longest: 30, read });
    assert_eq!([1, 2, 4].map(|read| works(&mlp("prefill", 1), read)), [true, false, false]);
    assert_eq!([1, 2, 4].map(|read| works(&several, read)), [false, true, true]);
    assert_eq!(several.uniforms[1].eval(&StepSize { rows: 40, read: 4, ..StepSize::default() }), 36);
    assert!(compiled.plan.buffers.contains(&Buffer::Logits { rows: 512 }));
}

#[test]
fn a_single_sequence_needs_no_batch() {
    let options = CompileOptions { max_batch_size: Some(1), ..CompileOptions::default() };
    let compiled = compiled(&fixture("llama"), &options).unwrap();
    assert!(compiled.plan.variants[0].entries.iter().all(|entry| entry.name != "batch"));
}

#[test]
fn options_override_the_config_within_reason() {
    let model = |options: CompileOptions| compiled(&fixture("mistral"), &options).map(|compiled| compiled.plan.model);
    let given = CompileOptions {
        quantization: Some("q0f32".into()),
        context_window_size: Some(100),
        prefill_chunk_size: Some(400),
        max_batch_size: Some(2),
        sliding_window_size: Some(9),
        ..CompileOptions::default()
    };
    let window = |model: &Model| model.paged().next().and_then(|group| group.window);
    let chosen = model(given).unwrap();
    assert_eq!((chosen.quantization.as_str(), chosen.context_window_size, chosen.pages_per_sequence()), ("q0f32", 100, 7));
    assert_eq!((chosen.prefill_chunk_size, chosen.max_batch_size, window(&chosen)), (100, 2, Some(9)));
    assert_eq!(window(&model(CompileOptions::default()).unwrap()), Some(24));
    let unbounded = CompileOptions { sliding_window_size: Some(0), ..CompileOptions::default() };
    assert_eq!(window(&model(unbounded).unwrap()), None);
    for wrong in [
        CompileOptions { context_window_size: Some(0), ..CompileOptions::default() },
        CompileOptions { context_window_size: Some(u32::MAX), ..CompileOptions::default() },
        CompileOptions { prefill_chunk_size: Some(0), ..CompileOptions::default() },
        CompileOptions { max_batch_size: Some(0), ..CompileOptions::default() },
        CompileOptions { quantization: Some("q2".into()), ..CompileOptions::default() },
    ] {
        assert!(model(wrong.clone()).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_quantization_of_a_package_stands() {
    let config: serde_json::Value = serde_json::from_str(&fixture("qwen2")).unwrap();
    let package = serde_json::json!({"model_type": "qwen2", "quantization": "q0f16", "context_window_size": 256,
        "prefill_chunk_size": 64, "model_config": config});
    let quantized = |name: Option<&str>| {
        compiled(&package.to_string(), &CompileOptions { quantization: name.map(str::to_owned), ..CompileOptions::default() })
    };
    let model = quantized(None).unwrap().plan.model;
    assert_eq!((model.quantization.as_str(), model.context_window_size, model.prefill_chunk_size), ("q0f16", 256, 64));
    assert!(quantized(Some("q0f16")).is_ok());
    let error = quantized(Some("q4f16_1")).unwrap_err().to_string();
    assert!(error.contains("`q4f16_1`") && error.contains("`q0f16`"), "{error}");
}

#[test]
fn the_memory_plan_adds_up() {
    let options = CompileOptions { quantization: Some("q0f32".into()), ..CompileOptions::default() };
    let compiled = compiled(&fixture("llama"), &options).unwrap();
    let model = &compiled.plan.model;
    // Two layers, keys and values of 4 heads of 8, four bytes each.
    assert_eq!(compiled.memory.cache_per_token, 2 * 2 * 4 * 8 * 4);
    let page: u64 = model.paged().map(tegula_plan::Paged::page_bytes).sum();
    assert_eq!(page * 2, compiled.memory.cache_per_token * u64::from(PAGE_SIZE));
    let elements: u64 = compiled.plan.params.iter().map(tegula_plan::Param::elements).sum();
    // The parameters, and the four rope frequencies.
    assert_eq!(compiled.memory.weights, 4 * (elements + 4));
    let logits = 4 * 361 * 512;
    assert!(compiled.memory.activations > logits && compiled.memory.activations < logits + 2_000_000);
}

#[test]
fn alternatives_share_a_choice_over_layers_and_entries_and_change_nothing_else() {
    // A shape that was measured on a GPU, in three layers: the last differs in prompts.
    let changes = serde_json::json!({"vocab_size": 512, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 3,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128});
    let [alone, several] = [1, 3].map(|alternatives| {
        let options = CompileOptions { alternatives: Some(alternatives), ..CompileOptions::default() };
        with("llama", changes.clone(), &options).unwrap()
    });
    assert!(alone.plan.variants.iter().all(|variant| variant.choices.is_empty()));
    assert_eq!((alone.memory, &alone.plan.buffers), (several.memory, &several.plan.buffers), "activations lie where they lay");
    for (alone, several) in alone.plan.variants.iter().zip(&several.plan.variants) {
        for (plain, entry) in alone.entries.iter().zip(&several.entries) {
            let key = |dispatch: &Dispatch| (dispatch.label.clone(), dispatch.grid.clone(), dispatch.uniforms.clone());
            assert!(plain.dispatches.iter().map(key).eq(entry.first_choice().map(key)), "{} {}", several.name, entry.name);
            let layer = |layer: &str| {
                let mut choices = Vec::new();
                for dispatch in entry.dispatches.iter().filter(|dispatch| dispatch.label.starts_with(layer)) {
                    choices.push((dispatch.label.replace(layer, ""), dispatch.alternative));
                }
                choices
            };
            assert_eq!(layer("layers.0."), layer("layers.1."));
        }
    }
}

/// Layers with the same window share pages, in the order of the first of each.
#[test]
fn layers_are_grouped_by_their_windows() {
    let groups = |changes: serde_json::Value| {
        let model = with("qwen2", changes, &CompileOptions::default()).unwrap().plan.model;
        model.paged().map(|group| (group.layers.clone(), group.window)).collect::<Vec<_>>()
    };
    let some = |from: u32, window: u32| serde_json::json!({"num_hidden_layers": 4, "use_sliding_window": true, "sliding_window": window, "max_window_layers": from});
    assert_eq!(groups(some(1, 9)), [(vec![0], None), (vec![1, 2, 3], Some(9))]);
    assert_eq!(groups(some(0, 9)), [(vec![0, 1, 2, 3], Some(9))]);
    assert_eq!(groups(some(1, 1 << 20)), [(vec![0, 1, 2, 3], None)], "a window longer than the context is none");
    let compiled = with("qwen2", some(1, 9), &CompileOptions::default()).unwrap();
    let decode = entry(&compiled, "decode");
    for (label, group) in [("layers.0.", 0), ("layers.3.", 1)] {
        let bound: Vec<&Buffer> = dispatches(decode, label)
            .iter()
            .flat_map(|dispatch| &dispatch.bindings)
            .map(|binding| &compiled.plan.buffers[binding.buffer as usize])
            .collect();
        assert!(bound.contains(&&Buffer::Rows(group)) && bound.contains(&&Buffer::PageTable(group)), "{label}");
        assert!(!bound.contains(&&Buffer::Rows(1 - group)) && !bound.contains(&&Buffer::PageTable(1 - group)), "{label}");
    }
}
