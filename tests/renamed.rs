//! Architectures that no library at hand implements, by checkpoints of others that compute the same: their tensors get other names, and are
//! stacked in another way.

use serde_json::{Value, json};
use tegula_compiler::CompileOptions;

use crate::checkpoint::{self, Tensors};
use crate::goldens::{ids, numbers};
use crate::models::{delta, devices, logits};
use crate::package::{convert, engine};
use crate::shared;

/// Rows of tensors, one after another.
fn stacked(parts: &[&(Vec<usize>, Vec<f32>)]) -> (Vec<usize>, Vec<f32>) {
    let mut shape = parts[0].0.clone();
    shape[0] = parts.iter().map(|(shape, _)| shape[0]).sum();
    (shape, parts.iter().flat_map(|(_, values)| values.iter().copied()).collect())
}

/// Logits of a golden's checkpoint as one of another architecture.
fn check(golden: &str, change: impl Fn(&Value, &Tensors) -> (Value, Tensors)) {
    let Some(source) = shared(&format!("goldens/{golden}")) else { return };
    let (config, figures) = (crate::package::json(&source.join("config.json")), crate::package::json(&source.join("golden.json")));
    let (config, tensors) = change(&config, &crate::package::checkpoint(&source));
    let folder = tempfile::tempdir().expect("a folder for tests");
    checkpoint::write(folder.path(), &config, &tensors).expect("a checkpoint is written");
    let package = convert(folder.path(), "q0f32");
    let gpu = devices().remove(0);
    let rows = logits(&mut engine(&gpu, &package.path(), &CompileOptions::default()), &ids(&figures["input_ids"]));
    let worst = delta(&rows[0], &numbers(&figures["logits_first"])).max(delta(&rows[rows.len() - 1], &numbers(&figures["logits_last"])));
    assert!(worst <= 2e-3, "{} as {}: {worst:e}", golden, config["model_type"]);
}

/// A config with some settings of another, and more.
fn settings(of: &Value, names: &[(&str, &str)], more: Value) -> Value {
    let mut config = more;
    for (name, from) in names {
        config[name] = of[from].clone();
    }
    config
}

const SHAPE: [(&str, &str); 6] = [
    ("vocab_size", "vocab_size"),
    ("hidden_size", "hidden_size"),
    ("intermediate_size", "intermediate_size"),
    ("num_attention_heads", "num_attention_heads"),
    ("num_key_value_heads", "num_key_value_heads"),
    ("max_position_embeddings", "max_position_embeddings"),
];

fn renamed(tensors: &Tensors, names: &[(&str, &str)]) -> Tensors {
    let rename = |name: &String| names.iter().fold(name.clone(), |name, (from, to)| name.replace(from, to));
    tensors.iter().map(|(name, tensor)| (rename(name), tensor.clone())).collect()
}

#[test]
fn exaone_is_llama_under_other_names() {
    check("llama", |config, tensors| {
        let names = [("num_layers", "num_hidden_layers"), ("layer_norm_epsilon", "rms_norm_eps")];
        let config = settings(config, &[&SHAPE[..], &names].concat(), json!({"model_type": "exaone", "activation_function": "silu"}));
        let names = [
            ("model.embed_tokens", "transformer.wte"),
            ("model.norm", "transformer.ln_f"),
            ("model.layers", "transformer.h"),
            ("input_layernorm", "ln_1"),
            ("post_attention_layernorm", "ln_2"),
            ("self_attn.o_proj", "self_attn.out_proj"),
            ("self_attn", "attn.attention"),
            ("mlp.gate_proj", "mlp.c_fc_0"),
            ("mlp.up_proj", "mlp.c_fc_1"),
            ("mlp.down_proj", "mlp.c_proj"),
        ];
        (config, renamed(tensors, &names))
    });
}

#[test]
fn internlm_without_biases_is_llama() {
    check("llama", |config, tensors| {
        let names = [("num_hidden_layers", "num_hidden_layers"), ("rms_norm_eps", "rms_norm_eps")];
        (settings(config, &[&SHAPE[..], &names].concat(), json!({"model_type": "internlm", "bias": false})), tensors.clone())
    });
}

#[test]
fn baichuan_is_llama_with_its_heads_stacked() {
    check("llama", |config, tensors| {
        let names = [("num_hidden_layers", "num_hidden_layers"), ("rms_norm_eps", "rms_norm_eps")];
        let mut packed = tensors.clone();
        packed.retain(|name, _| !["q_proj", "k_proj", "v_proj"].iter().any(|part| name.contains(part)));
        for layer in 0..config["num_hidden_layers"].as_u64().expect("a number") {
            let of = |part: &str| &tensors[&format!("model.layers.{layer}.self_attn.{part}_proj.weight")];
            packed.insert(format!("model.layers.{layer}.self_attn.W_pack.weight"), stacked(&[of("q"), of("k"), of("v")]));
        }
        (settings(config, &[&SHAPE[..], &names].concat(), json!({"model_type": "baichuan"})), packed)
    });
}

/// Its MLP has the gate second, and its config counts both halves.
#[test]
fn the_first_qwen_is_phi3_with_the_halves_of_its_mlp_exchanged() {
    check("phi3", |config, tensors| {
        let ffn = config["intermediate_size"].as_u64().expect("a number") as usize;
        let names = [("num_hidden_layers", "num_hidden_layers"), ("layer_norm_epsilon", "rms_norm_eps")];
        let more = json!({"model_type": "qwen", "no_bias": true, "seq_length": 2048});
        let mut changed = settings(config, &[&SHAPE[..], &names].concat(), more);
        changed["intermediate_size"] = (2 * ffn).into();
        let names = [
            ("model.embed_tokens", "transformer.wte"),
            ("model.norm", "transformer.ln_f"),
            ("model.layers", "transformer.h"),
            ("input_layernorm", "ln_1"),
            ("post_attention_layernorm", "ln_2"),
            ("self_attn.qkv_proj", "attn.c_attn"),
            ("self_attn.o_proj", "attn.c_proj"),
            ("mlp.down_proj", "mlp.c_proj"),
        ];
        let mut all = Tensors::new();
        for (name, (shape, values)) in renamed(tensors, &names) {
            if let Some(path) = name.strip_suffix("gate_up_proj.weight") {
                let half = vec![ffn, shape[1]];
                let (gate, up) = values.split_at(ffn * shape[1]);
                all.insert(format!("{path}w1.weight"), (half.clone(), up.to_vec()));
                all.insert(format!("{path}w2.weight"), (half, gate.to_vec()));
                continue;
            }
            if let Some(path) = name.strip_suffix("c_attn.weight") {
                all.insert(format!("{path}c_attn.bias"), (vec![shape[0]], vec![0.0; shape[0]]));
            }
            all.insert(name, (shape, values));
        }
        (changed, all)
    });
}
