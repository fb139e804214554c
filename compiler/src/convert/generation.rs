//! `generation_config.json`: how to draw from a model, and which tokens start, end and pad a text.
//!
//! Nothing gets into a package that would keep it from being run: a value that makes no sense is
//! left out, with a warning that names it.

use super::Warning;
use crate::{Config, Error};
use serde_json::{Map, Number, Value, json};
use std::path::Path;
use tegula_package::file;

/// The file's name.
const NAME: &str = "generation_config.json";

/// What a package says about drawing and about special tokens.
pub struct Generation<'a> {
    settings: Map<String, Value>,
    config: &'a Config,
    vocab_size: u32,
}

impl<'a> Generation<'a> {
    /// Reads the folder's file, if it has one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`] if it is damaged or cannot be read.
    pub fn read(folder: &Path, config: &'a Config, vocab_size: u32) -> Result<Generation<'a>, Error> {
        let path = folder.join(NAME);
        let settings = if path.is_file() { file::read_json(&path)? } else { json!({}) };
        let Value::Object(settings) = settings else {
            return Err(file::damaged(&path, "it is not a JSON object").into());
        };
        Ok(Generation { settings, config, vocab_size })
    }

    /// The temperature. It is 0 where the checkpoint asks for the likeliest token, whatever
    /// temperature it also has.
    pub fn temperature(&self, warnings: &mut Vec<Warning>) -> Option<Number> {
        if self.settings.get("do_sample") == Some(&Value::Bool(false)) {
            return Number::from_f64(0.0);
        }
        self.number("temperature", Some(1.0), warnings)
    }

    /// A number that says how to draw. It is `default` if the file has none, or one that makes no sense.
    pub fn number(&self, name: &'static str, default: Option<f64>, warnings: &mut Vec<Warning>) -> Option<Number> {
        let (low, high, expected) = match name {
            "temperature" => (0.0, f32::MAX, "0 or more"),
            "top_p" | "min_p" => (0.0, 1.0, "from 0 to 1"),
            "repetition_penalty" => (f32::MIN_POSITIVE, f32::MAX, "greater than 0"),
            _ => (-2.0, 2.0, "from -2 to 2"),
        };
        // The range is that of single precision, in which packages are read.
        let fits = |value: &Value| value.as_f64().is_some_and(|value| (low..=high).contains(&(value as f32)));
        let number = |value: &Value| value.as_number().filter(|_| fits(value)).cloned();
        self.checked(name, default.and_then(Number::from_f64), expected, number, warnings)
    }

    /// `top_k`, if there is one of use.
    pub fn top_k(&self, warnings: &mut Vec<Warning>) -> Option<i64> {
        let expected = "a whole number of 1 or more, or 0 or -1 for no limit";
        let whole = |value: &Value| whole(value).filter(|&top_k| top_k >= -1);
        self.checked("top_k", None, expected, whole, warnings)
    }

    fn checked<T: Clone + Into<Value>>(
        &self,
        setting: &'static str,
        default: Option<T>,
        expected: &'static str,
        read: impl Fn(&Value) -> Option<T>,
        warnings: &mut Vec<Warning>,
    ) -> Option<T> {
        let Some(value) = self.settings.get(setting).filter(|value| !value.is_null()) else { return default };
        read(value).or_else(|| {
            let instead = default.clone().map_or(Value::Null, Into::into);
            warnings.push(Warning::Setting { file: NAME, setting, found: value.to_string(), expected, instead });
            default
        })
    }

    /// The tokens that a setting names, here or in config.json. Settings of generation are the more
    /// careful ones: chat models add the end of a turn there.
    pub fn ids(&self, setting: &'static str, warnings: &mut Vec<Warning>) -> Vec<u32> {
        let id = |value: &Value| whole(value).and_then(|id| u32::try_from(id).ok()).filter(|&id| id < self.vocab_size);
        // Llama's configs say -1 for none.
        let means_none = |value: &Value| value.is_null() || whole(value) == Some(-1);
        let (mut ids, mut odd) = (Vec::new(), Vec::new());
        for (file, all) in [(NAME, &self.settings), ("config.json", &self.config.settings)] {
            let found = all.get(setting).unwrap_or(&Value::Null);
            let listed = found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice);
            if listed.iter().any(|value| id(value).is_none() && !means_none(value)) {
                odd.push((file, found.to_string()));
            }
            ids.extend(listed.iter().filter_map(id));
            if !ids.is_empty() {
                break;
            }
        }
        warnings.extend(odd.into_iter().map(|(file, found)| Warning::Setting {
            file,
            setting,
            found,
            expected: "the id of a token of the model, or several",
            instead: if ids.is_empty() { Value::Null } else { json!(ids) },
        }));
        ids
    }
}

/// A whole number, however it is written.
fn whole(value: &Value) -> Option<i64> {
    let rounded = |number: f64| number.fract() == 0.0 && number.abs() < (1_i64 << 53) as f64;
    value.as_i64().or_else(|| value.as_f64().filter(|&number| rounded(number)).map(|number| number as i64))
}
