//! Rotary position embedding: frequencies from the settings, in the old spelling (`rope_theta`, `rope_scaling`), the new one
//! (`rope_parameters`) and MLC's (`position_embedding_base`).

use super::check;
use crate::{Error, ErrorKind};
use serde::Deserialize;

/// The settings of a config that are about rope.
#[derive(Deserialize)]
pub(super) struct Rope {
    rope_theta: Option<f64>,
    position_embedding_base: Option<f64>,
    partial_rotary_factor: Option<f64>,
    rope_scaling: Option<Parameters>,
    rope_parameters: Option<Parameters>,
}

/// `rope_scaling` or `rope_parameters`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    rope_type: Option<String>,
    /// The oldest spelling of `rope_type`; some configs have both.
    r#type: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

impl Rope {
    /// Radians a position for each of the `dim / 2` pairs of a head, with the rounding of Hugging Face's float32 arithmetic.
    pub(super) fn frequencies(&self, dim: u32) -> Result<Vec<f32>, Error> {
        let none = Parameters::default();
        let parameters = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref()).unwrap_or(&none);
        let partial = parameters.partial_rotary_factor.or(self.partial_rotary_factor).unwrap_or(1.0);
        check("partial_rotary_factor", partial, partial == 1.0, || "1".into())?;
        let theta = parameters.rope_theta.or(self.rope_theta).or(self.position_embedding_base).unwrap_or(10_000.0);
        let theta = positive("rope_theta", Some(theta))?;
        let plain = (0..dim).step_by(2).map(|i| {
            let exponent = i as f32 / dim as f32;
            1.0 / f64::from(theta).powf(exponent.into()) as f32
        });
        match parameters.rope_type.as_deref().or(parameters.r#type.as_deref()).unwrap_or("default") {
            "default" => Ok(plain.collect()),
            "linear" => {
                let factor = positive("rope_scaling.factor", parameters.factor)?;
                Ok(plain.map(|frequency| frequency / factor).collect())
            }
            "llama3" => {
                let scale = Llama3::new(parameters)?;
                Ok(plain.map(|frequency| scale.apply(frequency)).collect())
            }
            found => Err(ErrorKind::Setting {
                setting: "rope_type",
                found: format!("`{found}`"),
                expected: "`default`, `linear` or `llama3`".into(),
            }
            .into()),
        }
    }
}

impl Rope {
    /// How many positions a model is for whose config counts `trained` of them. A linear stretch brings more, since its configs count those
    /// before it; those of Llama 3.1 count what the stretch brings.
    pub(super) fn stretched(&self, trained: u32) -> u32 {
        let Some(parameters) = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref()) else { return trained };
        let kind = parameters.rope_type.as_deref().or(parameters.r#type.as_deref());
        let before = parameters.original_max_position_embeddings.unwrap_or(trained.into());
        let stretched = if kind == Some("linear") { before * parameters.factor.unwrap_or(1.0) } else { 0.0 };
        trained.max(stretched as u32)
    }
}

/// Llama 3.1's scaling: long waves are stretched, short ones left, those between blended.
struct Llama3 {
    factor: f32,
    low: f32,
    high: f32,
    positions: f32,
}

impl Llama3 {
    fn new(parameters: &Parameters) -> Result<Llama3, Error> {
        let scale = Llama3 {
            factor: positive("rope_scaling.factor", parameters.factor)?,
            low: positive("rope_scaling.low_freq_factor", parameters.low_freq_factor)?,
            high: positive("rope_scaling.high_freq_factor", parameters.high_freq_factor)?,
            positions: positive("rope_scaling.original_max_position_embeddings", parameters.original_max_position_embeddings)?,
        };
        check("rope_scaling.high_freq_factor", scale.high, scale.high > scale.low, || {
            format!("greater than low_freq_factor ({})", scale.low)
        })?;
        Ok(scale)
    }

    fn apply(&self, frequency: f32) -> f32 {
        let wave = (2.0 * std::f64::consts::PI) as f32 / frequency;
        if wave < self.positions / self.high {
            frequency
        } else if wave > self.positions / self.low {
            frequency / self.factor
        } else {
            let smooth = (self.positions / wave - self.low) / (self.high - self.low);
            (1.0 - smooth) * frequency / self.factor + smooth * frequency
        }
    }
}

/// A setting that must be there and positive, also once rounded.
fn positive(setting: &'static str, value: Option<f64>) -> Result<f32, Error> {
    let value = value.unwrap_or(f64::NAN) as f32;
    check(setting, if value.is_nan() { "missing".to_owned() } else { value.to_string() }, value.is_finite() && value > 0.0, || {
        "a positive number".into()
    })?;
    Ok(value)
}
