//! Configs as people have them, read and refused.

use super::{graph, positions};
use crate::config::Config;
use crate::graph::{Graph, OpKind};
use crate::{Error, ErrorKind};
use serde_json::{Value, json};

/// The small configs that goldens are made of.
pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/../tests/fixtures/configs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The graph of a fixture.
pub(crate) fn tiny(name: &str) -> Graph {
    graph(&Config::parse(&fixture(name)).unwrap()).unwrap()
}

/// The graph of a fixture with something changed.
pub(crate) fn mutated(name: &str, change: impl FnOnce(&mut Value)) -> Result<Graph, Error> {
    let mut config = serde_json::from_str(&fixture(name)).unwrap();
    change(&mut config);
    graph(&Config::parse(&config.to_string()).unwrap())
}

fn windows(graph: &Graph) -> Vec<Option<u32>> {
    let of = |kind: &OpKind| match kind {
        OpKind::Attention { window, .. } => Some(*window),
        _ => None,
    };
    graph.ops.iter().filter_map(|op| of(&op.kind)).collect()
}

pub(crate) fn frequencies(graph: &Graph) -> Vec<f32> {
    let of = |kind: &OpKind| match kind {
        OpKind::Rotation { frequencies, .. } => Some(frequencies.clone()),
        _ => None,
    };
    graph.ops.iter().find_map(|op| of(&op.kind)).unwrap()
}

/// A setting, set to a value, is refused with a message that has these words.
#[track_caller]
fn refused(architecture: &str, setting: &str, value: Value, words: &[&str]) {
    let error = mutated(architecture, |config| config[setting] = value).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn package_names_are_those_of_mlc() {
    let names = |architecture: &str| tiny(architecture).params.into_iter().map(|param| param.name).collect::<Vec<_>>();
    let llama = names("llama");
    assert_eq!(llama.first().unwrap(), "model.embed_tokens.weight");
    assert!(llama.contains(&"model.layers.1.self_attn.qkv_proj.weight".into()));
    assert_eq!(llama.last().unwrap(), "lm_head.weight");
    let qwen = names("qwen3");
    assert!(qwen.contains(&"model.layers.0.self_attn.c_attn.weight".into()));
    assert!(qwen.contains(&"model.layers.0.self_attn.q_norm.weight".into()));
    assert!(!qwen.contains(&"lm_head.weight".into()), "tied");
    assert!(names("qwen2").contains(&"model.layers.0.self_attn.c_attn.bias".into()));
}

#[test]
fn stacked_parameters_name_their_sources() {
    let graph = tiny("llama");
    let param = graph.params.iter().find(|param| param.name == "model.layers.0.mlp.gate_up_proj.weight").unwrap();
    let sources: Vec<_> = param.sources.iter().map(|source| (source.name.as_str(), source.rows)).collect();
    assert_eq!(sources, [("model.layers.0.mlp.gate_proj.weight", 172), ("model.layers.0.mlp.up_proj.weight", 172)]);
    assert_eq!(param.shape, [344, 64]);
}

#[test]
fn the_class_decides_where_there_is_no_model_type() {
    let class_only = mutated("mistral", |config| {
        config.as_object_mut().unwrap().remove("model_type");
    });
    assert_eq!(class_only.unwrap().architecture, "mistral");
}

#[test]
fn what_kernels_cannot_compute_is_refused() {
    refused("llama", "hidden_act", "relu".into(), &["hidden_act", "relu", "silu"]);
    refused("llama", "head_dim", 12.into(), &["head_dim", "12", "multiple of 8"]);
    refused("llama", "head_dim", 520.into(), &["head_dim", "520", "at most 512"]);
    refused("llama", "hidden_size", 66.into(), &["hidden_size", "66"]);
    refused("llama", "intermediate_size", 30.into(), &["intermediate_size", "30", "multiple of 4"]);
    refused("llama", "num_key_value_heads", 3.into(), &["num_attention_heads", "multiple of num_key_value_heads (3)"]);
    refused("llama", "rms_norm_eps", 0.into(), &["rms_norm_eps"]);
    refused("llama", "rope_scaling", json!({"type": "spiral", "factor": 4.0}), &["rope_type", "spiral", "llama3"]);
    refused("llama", "rope_scaling", json!({"type": "yarn"}), &["rope_scaling.factor", "missing"]);
    refused("llama", "rope_scaling", json!({"type": "longrope", "long_factor": [1.0]}), &["short_factor", "positive numbers"]);
    refused("llama", "partial_rotary_factor", 0.3.into(), &["partial_rotary_factor", "multiple of 4"]);
    refused("mistral", "sliding_window", 0.into(), &["sliding_window"]);
    refused("qwen2", "layer_types", serde_json::json!(["full_attention"]), &["layer_types", "list of 1"]);
}

#[test]
fn missing_and_ill_typed_settings_are_named() {
    refused("llama", "hidden_size", "wide".into(), &["llama", "wide"]);
    refused("llama", "vocab_size", Value::Null, &["llama", "null"]);
    for architecture in ["llama", "mistral", "qwen2", "qwen3"] {
        for setting in ["vocab_size", "num_hidden_layers", "rms_norm_eps", "hidden_act", "tie_word_embeddings"] {
            for value in [Value::Null, json!({}), json!(["Infinity"])] {
                refused(architecture, setting, value, &[&format!("`{setting}`: ")]);
            }
        }
        for setting in ["head_dim", "rope_theta", "rope_scaling", "num_key_value_heads"] {
            refused(architecture, setting, "Infinity".into(), &[&format!("`{setting}`: "), "Infinity"]);
        }
    }
    let two = mutated("llama", |config| (config["vocab_size"], config["rope_theta"]) = (Value::Null, "x".into()));
    assert!(two.unwrap_err().to_string().contains("`vocab_size`: "));
    let error = mutated("qwen3", |config| {
        config.as_object_mut().unwrap().remove("intermediate_size");
    });
    let error = error.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config { architecture: "qwen3", .. }));
    assert!(error.to_string().ends_with("cannot be read: missing field `intermediate_size`"), "{error}");
}

#[test]
fn absurd_numbers_are_refused_and_nothing_overflows() {
    let settings =
        ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"];
    for setting in settings {
        for value in [Value::from(0), u32::MAX.into(), u64::MAX.into(), (-1).into(), 1e300.into()] {
            assert!(mutated("llama", |config| config[setting] = value.clone()).is_err(), "{setting} = {value}");
        }
    }
    for value in [Value::from(0.0), (-1.0).into(), 1e300.into()] {
        assert!(mutated("llama", |config| config["rope_theta"] = value.clone()).is_err(), "{value}");
    }
}

#[test]
fn old_and_new_spellings_of_rope_agree() {
    let scaling = serde_json::json!({"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64, "rope_type": "llama3"});
    let old = mutated("llama", |config| {
        config["rope_theta"] = 500_000.0.into();
        config["rope_scaling"] = scaling.clone();
    });
    let new = mutated("llama", |config| {
        config["rope_parameters"] = scaling;
        config["rope_parameters"]["rope_theta"] = 500_000.0.into();
    });
    assert_eq!(frequencies(&old.unwrap()), frequencies(&new.unwrap()));
    let mlc = mutated("llama", |config| {
        config.as_object_mut().unwrap().remove("rope_theta");
        config["position_embedding_base"] = 20_000.into();
    });
    assert_eq!(frequencies(&mlc.unwrap())[1], 1.0 / 20_000f32.powf(0.25));
}

#[test]
fn frequencies_are_those_of_hugging_face() {
    assert_eq!(frequencies(&tiny("llama")), [1.0, 0.1, 0.01, 0.001]);
    let linear = mutated("llama", |config| config["rope_scaling"] = serde_json::json!({"type": "linear", "factor": 4.0}));
    assert_eq!(frequencies(&linear.unwrap()), [0.25, 0.025, 0.0025, 0.00025]);
    // Waves of 6.28, 62.8, 628 and 6283 positions: below 64 kept, above 256 stretched, none between.
    let stretch = |original: u32| {
        mutated("llama", |config| {
            config["rope_scaling"] = serde_json::json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": original});
        })
    };
    assert_eq!(frequencies(&stretch(256).unwrap()), [1.0, 0.1, 0.00125, 0.000125]);
    // With 1024 the wave of 628 lies between: 1024 / 628.3 = 1.6297, so 0.2099 of the way from stretched to kept.
    let blended = frequencies(&stretch(1024).unwrap())[2];
    assert!((blended - (0.790_09 * 0.00125 + 0.209_91 * 0.01)).abs() < 1e-7, "{blended}");
}

#[test]
fn windows_follow_the_config() {
    assert_eq!(windows(&tiny("mistral")), [Some(24), Some(24)]);
    let off = |setting: &'static str, value: Value| {
        mutated("mistral", |config| {
            config.as_object_mut().unwrap().remove("sliding_window");
            config[setting] = value;
        })
    };
    assert_eq!(windows(&off("sliding_window", Value::Null).unwrap()), [None, None]);
    assert_eq!(windows(&off("sliding_window_size", (-1).into()).unwrap()), [None, None]);
    assert_eq!(windows(&off("sliding_window_size", 7.into()).unwrap()), [Some(7), Some(7)]);
    // Qwen carries a window that is switched off.
    assert_eq!(windows(&tiny("qwen2")), [None, None]);
    let on = |layers: Value, types: Value| {
        mutated("qwen2", |config| {
            config["use_sliding_window"] = true.into();
            config["max_window_layers"] = layers;
            config["layer_types"] = types;
        })
    };
    assert_eq!(windows(&on(1.into(), Value::Null).unwrap()), [None, Some(32)]);
    let types = serde_json::json!(["sliding_attention", "full_attention"]);
    assert_eq!(windows(&on(1.into(), types).unwrap()), [Some(32), None]);
}

/// Real configs at hand compile, but for those of a kind that is not known yet: they are refused by its name.
#[test]
fn real_configs_compile() {
    let data = format!("{}/../../shared/data", env!("CARGO_MANIFEST_DIR"));
    if !std::path::Path::new(&data).exists() {
        eprintln!("skipped: ../shared/data is absent");
        return;
    }
    for (folder, least) in [
        ("configs/mlc-presets", 58),
        ("configs/hf", 6),
        ("configs/hf2", 13),
        ("mlc-examples", 1),
        ("goldens", 30),
        ("models/stories260K", 1),
    ] {
        let mut compiled = 0;
        for file in json_files(&format!("{data}/{folder}")) {
            let Ok(config) = Config::parse(&std::fs::read_to_string(&file).unwrap()) else { continue };
            match crate::compile(&config, &crate::CompileOptions::default()) {
                Ok(_) => compiled += 1,
                Err(error) => {
                    let named = matches!(error.kind(), ErrorKind::UnknownArchitecture { .. } | ErrorKind::Setting { .. });
                    eprintln!("refused: {}: {error}", file.display());
                    assert!(named, "{}: {error}", file.display());
                }
            }
        }
        eprintln!("{compiled} compiled of {folder}");
        assert!(compiled >= least, "{compiled} of {folder}, not {least}");
    }
}

fn json_files(folder: &str) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(path.to_str().unwrap()));
        } else if path.to_string_lossy().ends_with("config.json") || folder.contains("/configs/") {
            files.push(path);
        }
    }
    files
}

#[test]
fn positions_are_those_trained_and_what_rope_stretches_them_to() {
    let of = |config: Value| positions(&Config::parse(&config.to_string()).unwrap());
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192});
    let linear = json!({"type": "linear", "factor": 4.0});
    assert_eq!(of(json!({"max_position_embeddings": 2048})), Some(2048));
    assert_eq!(of(json!({"max_position_embeddings": 2048, "rope_scaling": null})), Some(2048));
    assert_eq!(of(json!({"max_position_embeddings": 131_072, "rope_scaling": llama3})), Some(131_072));
    assert_eq!(of(json!({"max_position_embeddings": 4096, "rope_scaling": linear})), Some(16_384));
    let counted = json!({"rope_type": "linear", "factor": 4.0, "original_max_position_embeddings": 4096});
    assert_eq!(of(json!({"max_position_embeddings": 16_384, "rope_parameters": counted})), Some(16_384));
    // A package's own number stands in where its config has no other.
    let package = json!({"context_window_size": 4096, "model_config": {"hidden_size": 64}});
    assert_eq!((of(package), of(json!({"hidden_size": 64}))), (Some(4096), None));
}
