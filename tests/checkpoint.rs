//! Small models with random weights, written as Hugging Face folders, so that nothing here depends on downloads.
//!
//! Shapes are chosen to be awkward: rows that do not fill a quantization group, fewer key than query heads, an odd vocabulary.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

/// Tensors by Hugging Face name: shape and row-major values.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A config.json of the architecture: two layers, 4 query heads, 2 key heads, vocabulary of 259.
pub fn config(architecture: &str) -> Value {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 259, "hidden_size": 48, "intermediate_size": 76,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 256, "eos_token_id": 257,
    });
    let special = match architecture {
        "llama3" => json!({"tie_word_embeddings": true, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}),
        "mistral" => json!({"architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": 20}),
        "qwen2" => json!({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "rope_theta": 1e6}),
        // The second layer looks back over a window, the first does not.
        "qwen2-windows" => json!({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "rope_theta": 1e6,
            "use_sliding_window": true, "sliding_window": 20, "max_window_layers": 1}),
        // Its gate and up projections are so wide that a batch has halves made of x beforehand.
        "wide" => json!({"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 1}),
        "qwen3" => json!({"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "tie_word_embeddings": true,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}),
        _ => json!({}),
    };
    let Value::Object(special) = special else { unreachable!("every arm is an object") };
    config.as_object_mut().expect("made above as an object").extend(special);
    config
}

/// Weights for a config, repeatable.
pub fn weights(config: &Value) -> Tensors {
    let size = |name: &str| config[name].as_u64().expect("a config of this module") as usize;
    let (hidden, ffn, dim) = (size("hidden_size"), size("intermediate_size"), size("head_dim"));
    let (query, kv) = (size("num_attention_heads") * dim, size("num_key_value_heads") * dim);
    let mut shapes =
        vec![("model.embed_tokens.weight".to_owned(), vec![size("vocab_size"), hidden]), ("model.norm.weight".into(), vec![hidden])];
    if config["tie_word_embeddings"] == false {
        shapes.push(("lm_head.weight".into(), vec![size("vocab_size"), hidden]));
    }
    for layer in 0..size("num_hidden_layers") {
        let mut add = |name: &str, shape: &[usize]| shapes.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
        for (name, rows) in [("q", query), ("k", kv), ("v", kv)] {
            add(&format!("self_attn.{name}_proj.weight"), &[rows, hidden]);
            if config["model_type"] == "qwen2" {
                add(&format!("self_attn.{name}_proj.bias"), &[rows]);
            }
        }
        if config["model_type"] == "qwen3" {
            add("self_attn.q_norm.weight", &[dim]);
            add("self_attn.k_norm.weight", &[dim]);
        }
        add("self_attn.o_proj.weight", &[hidden, query]);
        add("mlp.gate_proj.weight", &[ffn, hidden]);
        add("mlp.up_proj.weight", &[ffn, hidden]);
        add("mlp.down_proj.weight", &[hidden, ffn]);
        add("input_layernorm.weight", &[hidden]);
        add("post_attention_layernorm.weight", &[hidden]);
    }
    let mut state = 1u64;
    let mut draw = move || {
        // The generator of Knuth's MMIX: plenty for weights.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 * 2.0 - 1.0
    };
    let mut values = |name: &str, shape: &[usize]| {
        let (centre, spread) = if name.ends_with("norm.weight") { (1.0, 0.3) } else { (0.0, 0.25) };
        (0..shape.iter().product()).map(|_| centre + spread * draw()).collect()
    };
    shapes.into_iter().map(|(name, shape)| (name.clone(), (shape.clone(), values(&name, &shape)))).collect()
}

/// Writes config.json and model.safetensors (f32).
///
/// # Errors
/// Those of the file system.
pub fn write(folder: &Path, config: &Value, tensors: &Tensors) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), format!("{config:#}\n"))?;
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, values)) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let length = (header.len() as u64).to_le_bytes();
    fs::write(folder.join("model.safetensors"), [&length[..], header.as_bytes(), &data].concat())
}
