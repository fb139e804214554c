//! What an object of rope settings says.

use super::check;
use crate::Error;
use serde_json::{Map, Value};

/// What an object of rope settings says, with what it leaves to the rest of the config.
#[derive(Clone, PartialEq)]
pub(super) struct Parameters {
    pub(super) kind: String,
    pub(super) theta: Option<f64>,
    pub(super) partial: f64,
    /// Positions before they were stretched.
    pub(super) original: Option<f64>,
    /// The object.
    pub(super) all: Map<String, Value>,
}

impl Parameters {
    /// A setting of the object.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.all.get(key).filter(|value| !value.is_null())
    }

    /// A number of the object, by its name in messages: what is behind the last dot is its key.
    pub(super) fn number(&self, setting: &'static str) -> Result<Option<f64>, Error> {
        let Some(value) = self.get(setting.rsplit('.').next().unwrap_or(setting)) else { return Ok(None) };
        check(setting, value, value.is_number(), || "a number".into())?;
        Ok(value.as_f64())
    }
}

/// A setting that must be there and positive, also once rounded.
pub(super) fn positive(setting: &'static str, value: Option<f64>) -> Result<f32, Error> {
    let value = value.unwrap_or(f64::NAN) as f32;
    check(setting, if value.is_nan() { "missing".to_owned() } else { value.to_string() }, value.is_finite() && value > 0.0, || {
        "a positive number".into()
    })?;
    Ok(value)
}
