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
    /// Whether they are those of the text model of one that sees or hears, too.
    pub is_part: bool,
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
        let text = text_part(&mut settings);
        let is_part = text.is_some();
        if let Some(text) = text {
            top.model_type = text.or(top.model_type);
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
            is_part,
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

    /// The same, of the text model of one that sees or hears: those leave much to their class.
    pub(crate) fn or_text(&self, defaults: &[(&str, u32)]) -> Config {
        let defaults: Vec<_> = defaults.iter().filter(|_| self.is_part).map(|(name, value)| (*name, Value::from(*value))).collect();
        self.or(&defaults)
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
    use super::Config;

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
}
