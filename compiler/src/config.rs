//! Model configs: Hugging Face's config.json and MLC's mlc-chat-config.json.
//!
//! The two say nearly the same. MLC's wraps the settings of the architecture in `model_config`, spells a few of them otherwise, and adds how
//! the package is quantized and served. A [`Config`] holds the settings as they came; each architecture reads its own part of them.

use crate::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tegula_package::json;

/// A parsed config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `model_type`.
    pub model_type: Option<String>,
    /// `architectures`, Hugging Face's class names: what is left where a config has no `model_type`.
    pub classes: Vec<String>,
    /// The settings of the architecture, under the names they came with.
    pub settings: Map<String, Value>,
    /// How the weights of the package are stored, which an MLC config says.
    pub quantization: Option<String>,
    /// The most tokens of a sequence.
    pub context_window_size: Option<u32>,
    /// The most rows of a prefill step.
    pub prefill_chunk_size: Option<u32>,
}

/// What both kinds of config may have at the top.
#[derive(Deserialize)]
struct Top {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    quantization: Option<Value>,
    context_window_size: Option<i64>,
    prefill_chunk_size: Option<i64>,
    model_config: Option<Map<String, Value>>,
}

impl Config {
    /// Reads either kind of config.
    ///
    /// # Errors
    /// [`ErrorKind::NotAConfig`] for anything but a JSON object whose few common settings have the right types.
    pub fn parse(json: &str) -> Result<Config, Error> {
        let broken = |reason: String| Error::from(ErrorKind::NotAConfig(reason));
        if let Some(reason) = json::impostor(json.as_bytes()) {
            return Err(broken(reason.into()));
        }
        let all: Map<String, Value> = json::parse(json).map_err(|error| broken(error.to_string()))?;
        let mut top: Top = read(&all).map_err(broken)?;
        let mlc = top.model_config.is_some();
        let mut settings = top.model_config.take().unwrap_or(all);
        if let Some(text) = text_part(&mut settings) {
            top.model_type = text.or(top.model_type);
            fill_in(top.model_type.as_deref(), &mut settings);
        }
        // MLC writes -1 where a size is left open.
        let size = |name: &str, top: Option<i64>| {
            let inner = settings.get(name).and_then(Value::as_i64);
            top.or(inner).and_then(|size| u32::try_from(size).ok()).filter(|&size| size > 0)
        };
        Ok(Config {
            context_window_size: size("context_window_size", top.context_window_size),
            prefill_chunk_size: size("prefill_chunk_size", top.prefill_chunk_size),
            // A Hugging Face config may have settings of the same name that mean other things.
            quantization: top.quantization.filter(|_| mlc).and_then(|name| name.as_str().map(str::to_owned)),
            model_type: top.model_type,
            classes: top.architectures.unwrap_or_default(),
            settings,
        })
    }

    /// The same config, where what it leaves out has these values.
    pub(crate) fn or(&self, defaults: &[(&str, Value)]) -> Config {
        let mut config = self.clone();
        for (name, value) in defaults {
            config.settings.entry(*name).or_insert_with(|| value.clone());
        }
        config
    }

    /// The settings as an architecture understands them.
    pub(crate) fn read<T: DeserializeOwned>(&self, architecture: &'static str) -> Result<T, Error> {
        read(&self.settings).map_err(|reason| ErrorKind::Config { architecture, reason }.into())
    }
}

/// Where models that see or hear, too, have the settings of their text model.
const TEXT_PARTS: [&str; 2] = ["text_config", "llm_config"];

/// Puts the settings of a text model in the place of those of the whole, and leaves what only the whole says. Returns the text model's type,
/// where there is such a part.
fn text_part(settings: &mut Map<String, Value>) -> Option<Option<String>> {
    let name = TEXT_PARTS.into_iter().find(|name| settings.get(*name).is_some_and(Value::is_object))?;
    let Some(Value::Object(mut text)) = settings.shift_remove(name) else { return None };
    // MLC keeps there what it does not know.
    if let Some(Value::Object(unknown)) = text.shift_remove("kwargs") {
        unknown.into_iter().for_each(|(name, value)| {
            text.entry(name).or_insert(value);
        });
    }
    let kind = text.get("model_type").and_then(Value::as_str).map(str::to_owned);
    settings.extend(text);
    Some(kind)
}

/// What configs of models that see leave to the class of a Llama: the sizes of Llama 2 7B.
const LLAMA: [(&str, u32); 6] = [
    ("vocab_size", 32_000),
    ("hidden_size", 4096),
    ("intermediate_size", 11_008),
    ("num_hidden_layers", 32),
    ("num_attention_heads", 32),
    ("max_position_embeddings", 2048),
];

/// The same of a Mistral: the sizes of Mistral 7B.
const MISTRAL: [(&str, u32); 6] = [
    ("vocab_size", 32_000),
    ("hidden_size", 4096),
    ("intermediate_size", 14_336),
    ("num_hidden_layers", 32),
    ("num_attention_heads", 32),
    ("num_key_value_heads", 8),
];

/// Adds to the settings of a text model what its class says.
fn fill_in(kind: Option<&str>, settings: &mut Map<String, Value>) {
    let of_class: &[(&str, u32)] = match kind {
        Some("llama" | "llava") => &LLAMA,
        Some("mistral") => &MISTRAL,
        _ => &[],
    };
    for (name, value) in of_class {
        settings.entry(*name).or_insert_with(|| (*value).into());
    }
}

/// Reads settings. What is said of one that is wrong has its name.
fn read<T: DeserializeOwned>(settings: &Map<String, Value>) -> Result<T, String> {
    let attempt = |settings: &Map<String, Value>| serde_json::from_value::<T>(Value::Object(settings.clone()));
    let reason = match attempt(settings) {
        Ok(read) => return Ok(read),
        Err(error) => error.to_string(),
    };
    if reason.starts_with("missing field") {
        return Err(reason);
    }
    // serde forgets the name in flattened structs. What is said without a setting that is at fault
    // is something else; without one that is needed, it may only be that it is missing.
    let without = |name: &String| {
        let mut rest = settings.clone();
        rest.shift_remove(name);
        attempt(&rest).err().map(|error| error.to_string())
    };
    let missing = |name: &str| format!("missing field `{name}`");
    let changed: Vec<(&String, Option<String>)> =
        settings.keys().map(|name| (name, without(name))).filter(|(_, rest)| rest.as_ref() != Some(&reason)).collect();
    let other = changed.iter().find(|(name, rest)| rest.as_ref() != Some(&missing(name)));
    match other.or(changed.first()) {
        Some((name, _)) => Err(format!("`{name}`: {reason}")),
        None => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Map, Value};
    use crate::model;
    use serde_json::json;

    #[test]
    fn reads_a_hugging_face_config() {
        let config = Config::parse(r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64}"#).unwrap();
        assert_eq!(config.model_type.as_deref(), Some("llama"));
        assert_eq!(config.classes, ["LlamaForCausalLM"]);
        assert_eq!((config.quantization, config.context_window_size), (None, None));
        assert_eq!(config.settings["hidden_size"], 64);
    }

    #[test]
    fn reads_an_mlc_config() {
        let json = r#"{"version": "0.1.0", "model_type": "mistral", "quantization": "q4f16_1", "context_window_size": -1,
            "prefill_chunk_size": 2048, "model_config": {"hidden_size": 128, "context_window_size": 4096}}"#;
        let config = Config::parse(json).unwrap();
        assert_eq!(config.quantization.as_deref(), Some("q4f16_1"));
        assert_eq!((config.context_window_size, config.prefill_chunk_size), (None, Some(2048)));
        assert_eq!(config.settings["hidden_size"], 128);
    }

    #[test]
    fn what_python_writes_is_read() {
        let config = Config::parse(r#"{"model_type": "llama", "limit": [0, Infinity], "hidden_size": NaN}"#).unwrap();
        assert_eq!((&config.settings["limit"][1], &config.settings["hidden_size"]), (&"Infinity".into(), &"NaN".into()));
        for (json, word) in [("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), ("<!DOCTYPE html>", "web page")] {
            let error = Config::parse(json).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let error = Config::parse(r#"{"hidden_size": 8, "model_type": 3}"#).unwrap_err().to_string();
        assert!(error.contains("`model_type`"), "{error}");
    }

    #[test]
    fn refuses_what_is_no_config() {
        for json in ["", "[]", "{", r#"{"model_type": 3}"#, r#"{"architectures": "llama"}"#, r#"{"context_window_size": "x"}"#] {
            assert!(Config::parse(json).unwrap_err().to_string().contains("not a model config"), "{json}");
        }
    }

    /// The sizes of a text model, of the type and with the settings given.
    fn text(kind: &str, more: &Value) -> Map<String, Value> {
        let mut text = json!({"model_type": kind, "vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": false});
        let text = text.as_object_mut().unwrap();
        text.extend(more.as_object().cloned().unwrap_or_default());
        text.clone()
    }

    #[test]
    fn models_that_see_have_the_graph_of_their_text_model() {
        let mrope = json!({"rope_theta": 1e6, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}});
        let interleaved =
            json!({"rope_parameters": {"rope_type": "default", "rope_theta": 5e6, "mrope_interleaved": true, "mrope_section": [2, 1, 1]}});
        let gemma =
            json!({"sliding_window": 16, "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "hidden_activation": "gelu_pytorch_tanh"});
        let growing = json!({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "beta_fast": 32.0, "beta_slow": 1.0,
            "original_max_position_embeddings": 32, "llama_4_scaling_beta": 0.1}});
        let gqa = json!({"bias": false});
        let none = Value::Null;
        // The whole's type, the name of the part, its type, that of the same model alone, and its settings.
        for (whole, part, kind, alone, more) in [
            ("gemma3", "text_config", "gemma3_text", "gemma3_text", &gemma),
            ("idefics3", "text_config", "llama", "llama", &none),
            ("internvl", "text_config", "qwen2", "qwen2", &none),
            ("internvl_chat", "llm_config", "internlm2", "internlm2", &gqa),
            ("internvl_chat", "llm_config", "qwen3", "qwen3", &none),
            ("llava", "text_config", "llama", "llama", &none),
            ("llava", "text_config", "", "llama", &none),
            ("llava_next", "text_config", "mistral", "mistral", &none),
            ("llava_onevision", "text_config", "qwen2", "qwen2", &none),
            ("mistral3", "text_config", "mistral", "mistral", &none),
            ("mistral3", "text_config", "ministral3", "ministral3", &growing),
            ("mistral3", "text_config", "", "mistral", &none),
            ("qwen2_vl", "text_config", "qwen2_vl_text", "qwen2", &mrope),
            ("qwen2_5_vl", "text_config", "qwen2_5_vl_text", "qwen2", &mrope),
            ("qwen3_vl", "text_config", "qwen3_vl_text", "qwen3", &interleaved),
            ("qwen3_vl", "text_config", "", "qwen3", &interleaved),
            ("smolvlm", "text_config", "llama", "llama", &none),
            // Configs of before the parts had names.
            ("qwen2_vl", "", "", "qwen2", &mrope),
            ("qwen2_5_vl", "", "", "qwen2", &mrope),
        ] {
            let vision = json!({"model_type": "siglip_vision_model", "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 4});
            let mut config = json!({"model_type": whole, "architectures": ["Whole"], "vision_config": vision, "tie_word_embeddings": true});
            let mut settings = text(kind, more);
            settings.retain(|_, value| value != "");
            match part {
                "" => config.as_object_mut().unwrap().extend(settings),
                part => config[part] = settings.into(),
            }
            let graph = |config: Value| model::graph(&Config::parse(&config.to_string()).unwrap()).map_err(|error| error.to_string());
            let expected = graph(text(alone, more).into()).unwrap();
            assert!(
                graph(config.clone()).is_ok_and(|graph| graph == expected),
                "{whole}: {:?}",
                graph(config).map(|graph| graph.architecture)
            );
        }
    }

    #[test]
    fn sizes_that_a_part_leaves_to_its_class_are_filled_in() {
        let of = |kind: &str| {
            let config = json!({"model_type": "llava", "text_config": {"model_type": kind, "vocab_size": 32_064}});
            model::graph(&Config::parse(&config.to_string()).unwrap()).unwrap()
        };
        let (llama, mistral) = (of("llama"), of("mistral"));
        assert_eq!((llama.vocab_size, llama.hidden_size, llama.layers, llama.heads.kv), (32_064, 4096, 32, 32));
        assert_eq!((mistral.vocab_size, mistral.hidden_size, mistral.layers, mistral.heads.kv), (32_064, 4096, 32, 8));
        // Alone, a config is whole.
        assert!(model::graph(&Config::parse(r#"{"model_type": "llama", "vocab_size": 96}"#).unwrap()).is_err());
    }
}
