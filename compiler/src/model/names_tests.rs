//! Names of parameters: those of MLC's packages, of every architecture that MLC has.

use super::graph;
use crate::config::Config;
use crate::graph::GraphParam;
use serde_json::{Value, json};

/// A small config with the settings that most architectures share, and others.
fn config(more: Value) -> Config {
    let mut all = json!({"vocab_size": 96, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 128});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Config::parse(&all.to_string()).unwrap()
}

/// GPT's settings.
fn gpt(kind: &str, more: Value) -> Config {
    let mut all = json!({"model_type": kind, "vocab_size": 96, "n_embd": 64, "n_layer": 1, "n_head": 4, "n_positions": 128});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Config::parse(&all.to_string()).unwrap()
}

/// The tensors that a package has.
fn tensors(param: &GraphParam) -> Vec<String> {
    if param.apart.is_empty() { vec![param.name.clone()] } else { param.apart.iter().map(|(name, _)| name.clone()).collect() }
}

/// Names of a model's tensors. `+` stands for a weight and a bias; the rest are weights.
#[track_caller]
fn check(config: Config, expected: &[&str]) {
    let found: Vec<String> = graph(&config).unwrap().params.iter().flat_map(tensors).collect();
    let mut all = Vec::new();
    for name in expected {
        let (name, ends): (&str, &[&str]) = match name.strip_suffix('+') {
            Some(name) => (name, &["weight", "bias"]),
            None => (name, &["weight"]),
        };
        all.extend(ends.iter().map(|end| format!("{name}.{end}")));
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(found), sorted(all), "{:?}", config.model_type);
}

#[test]
fn llamas_under_names_of_their_own() {
    let layer = |names: &[&'static str]| -> Vec<String> { names.iter().map(|name| format!("model.layers.0.{name}")).collect() };
    let check_layer = |kind: &str, more: Value, names: &[&'static str], others: &[&'static str]| {
        let mut more = more;
        more["model_type"] = kind.into();
        let all: Vec<String> = layer(names).into_iter().chain(others.iter().map(|name| (*name).to_owned())).collect();
        check(config(more), &all.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let ends = ["model.embed_tokens", "model.norm", "lm_head"];
    let tied = ["model.embed_tokens", "model.norm"];
    let usual = ["input_layernorm", "post_attention_layernorm", "mlp.gate_up_proj", "mlp.down_proj"];
    let with = |more: &[&'static str]| [&usual[..], more].concat();
    check_layer("llama", json!({}), &with(&["self_attn.qkv_proj", "self_attn.o_proj"]), &ends);
    check_layer("gemma", json!({"head_dim": 16}), &with(&["self_attn.qkv_proj", "self_attn.o_proj"]), &tied);
    check_layer("internlm", json!({}), &with(&["self_attn.wqkv_pack+", "self_attn.o_proj+"]), &ends);
    check_layer("baichuan", json!({}), &with(&["self_attn.W_pack", "self_attn.o_proj"]), &ends);
    check_layer("minicpm", json!({}), &with(&["self_attn.wqkv_pack", "self_attn.o_proj"]), &tied);
    check_layer("ministral3", json!({}), &with(&["self_attn.qkv_proj", "self_attn.o_proj"]), &ends);
    check_layer(
        "orion",
        json!({}),
        &["input_layernorm+", "post_attention_layernorm+", "self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"],
        &["model.embed_tokens", "model.norm+", "lm_head"],
    );
    check_layer(
        "stablelm",
        json!({"use_qkv_bias": true, "head_dim": 16}),
        &["input_layernorm+", "post_attention_layernorm+", "self_attn.qkv_proj+", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"],
        &["model.embed_tokens", "model.norm+", "lm_head"],
    );
    check_layer(
        "starcoder2",
        json!({}),
        &["input_layernorm+", "post_attention_layernorm+", "self_attn.wqkv_pack+", "self_attn.o_proj+", "mlp.c_fc+", "mlp.c_proj+"],
        &["model.embed_tokens", "model.norm+"],
    );
    check_layer(
        "internlm2",
        json!({}),
        &["attention_norm", "attention.wqkv", "attention.wo", "ffn_norm", "feed_forward.gate_up_proj", "feed_forward.w2"],
        &["model.tok_embeddings", "model.norm", "output"],
    );
    check_layer(
        "olmo2",
        json!({}),
        &[
            "self_attn.qkv_proj",
            "self_attn.q_norm",
            "self_attn.k_norm",
            "self_attn.o_proj",
            "post_attention_layernorm",
            "post_feedforward_layernorm",
            "mlp.gate_up_proj",
            "mlp.down_proj",
        ],
        &ends,
    );
    check_layer(
        "cohere",
        json!({}),
        &["input_layernorm", "self_attn.qkv_proj", "self_attn.out_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
        &tied,
    );
}

#[test]
fn gemmas_have_their_text_model_in_a_module() {
    let layer = [
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "self_attn.q_norm",
        "self_attn.k_norm",
        "mlp.gate_up_proj",
        "mlp.down_proj",
    ];
    let mut all: Vec<String> = layer.iter().map(|name| format!("language_model.model.layers.0.{name}")).collect();
    all.extend(["language_model.model.embed_tokens".into(), "language_model.model.norm".into()]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check(config(json!({"model_type": "gemma3_text", "head_dim": 16})), &all);
    // MLC nests the settings of either kind.
    let nested = json!({"model_type": "gemma3", "model_config": {"vocab_size": 96, "text_config": {"hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "kwargs": {"sliding_window": 32}}}});
    check(Config::parse(&nested.to_string()).unwrap(), &all);
}

#[test]
fn the_family_of_gpt_has_its_own() {
    let block = |names: &[&str]| -> Vec<String> { names.iter().map(|name| format!("transformer.h.0.{name}")).collect() };
    let check_block = |config: Config, names: &[&str], others: &[&'static str]| {
        let all: Vec<String> = block(names).into_iter().chain(others.iter().map(|name| (*name).to_owned())).collect();
        check(config, &all.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let gpt2 = ["ln_1+", "attn.c_attn+", "attn.c_proj+", "ln_2+", "mlp.c_fc+", "mlp.c_proj+"];
    check_block(gpt("gpt2", json!({})), &gpt2, &["transformer.wte", "transformer.wpe", "transformer.ln_f+"]);
    check_block(gpt("gpt_bigcode", json!({})), &gpt2, &["transformer.wte", "transformer.wpe", "transformer.ln_f+"]);
    check_block(
        gpt("gptj", json!({"rotary_dim": 8})),
        &["ln_1+", "attn.c_attn", "attn.out_proj", "mlp.fc_in+", "mlp.fc_out+"],
        &["transformer.wte", "transformer.ln_f+", "lm_head+"],
    );
    check_block(
        config(json!({"model_type": "qwen", "num_key_value_heads": null, "kv_channels": 16})),
        &["ln_1", "attn.c_attn+", "attn.c_proj", "ln_2", "mlp.gate_up_proj", "mlp.c_proj"],
        &["transformer.wte", "transformer.ln_f", "lm_head"],
    );
    let phi = ["ln+", "mixer.Wqkv+", "mixer.out_proj+", "mlp.fc1+", "mlp.fc2+"];
    let ends = ["transformer.embd", "lm_head.ln+", "lm_head.linear+"];
    check_block(config(json!({"model_type": "phi"})), &phi, &ends);
    check_block(gpt("phi-msft", json!({"rotary_dim": 8})), &phi, &ends);
    check_block(
        config(json!({"model_type": "phi3"})),
        &["ln", "mixer.qkv_proj", "mixer.out_proj", "post_attention_layernorm", "mlp.gate_up_proj", "mlp.down_proj"],
        &["transformer.embd", "transformer.norm", "lm_head"],
    );
    let neox = ["input_layernorm+", "post_attention_layernorm+", "attention.query_key_value+", "attention.dense+", "mlp.dense_h_to_4h+"];
    let mut all: Vec<String> = neox.iter().chain(&["mlp.dense_4h_to_h+"]).map(|name| format!("gpt_neox.layers.0.{name}")).collect();
    all.extend(["gpt_neox.embed_in".into(), "gpt_neox.final_layer_norm+".into(), "embed_out".into()]);
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    check(config(json!({"model_type": "gpt_neox", "num_key_value_heads": null})), &names);
}

#[test]
fn chatglm_keeps_those_of_its_checkpoints() {
    let all = json!({"model_type": "chatglm", "padded_vocab_size": 96, "hidden_size": 64, "ffn_hidden_size": 128, "num_layers": 1,
        "num_attention_heads": 4, "kv_channels": 16, "multi_query_attention": true, "multi_query_group_num": 2, "add_qkv_bias": true,
        "seq_length": 128});
    let layer = ["input_layernorm", "self_attention.query_key_value+", "self_attention.dense", "post_attention_layernorm"];
    let mut names: Vec<String> = layer
        .iter()
        .chain(&["mlp.dense_h_to_4h", "mlp.dense_4h_to_h"])
        .map(|name| format!("transformer.encoder.layers.0.{name}"))
        .collect();
    names.extend(["embedding", "encoder.final_layernorm", "output_layer"].map(|name| format!("transformer.{name}")));
    check(Config::parse(&all.to_string()).unwrap(), &names.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Rows of checkpoints that have the heads of each key head together.
#[test]
fn heads_are_put_in_the_order_of_packages() {
    let of = |config: Config, name: &str| {
        let graph = graph(&config).unwrap();
        let param = graph.params.iter().find(|param| param.name == name).unwrap();
        param.sources.iter().map(|source| (source.first, source.rows, source.of)).collect::<Vec<_>>()
    };
    let internlm2 = of(config(json!({"model_type": "internlm2"})), "model.layers.0.attention.wqkv.weight");
    assert_eq!(internlm2, [(0, 32, 128), (64, 32, 128), (32, 16, 128), (96, 16, 128), (48, 16, 128), (112, 16, 128)]);
    let neox = of(
        config(json!({"model_type": "gpt_neox", "num_attention_heads": 2, "num_key_value_heads": null})),
        "gpt_neox.layers.0.attention.query_key_value.bias",
    );
    assert_eq!(neox, [(0, 32, 192), (96, 32, 192), (32, 32, 192), (128, 32, 192), (64, 32, 192), (160, 32, 192)]);
}
