//! Scaled rope: the types that configs name, and what each makes of the plain frequencies.
//!
//! Formulas are those of Hugging Face's `modeling_rope_utils`. Two types go by the length of a sequence. Longrope has two sets of
//! frequencies: a sequence that outgrows the first is computed again with the second. Dynamic scaling would change with every token. Here it
//! goes by the most tokens that a library is compiled for, so that what is in the cache keeps its rotation.

use super::check;
use super::parameters::{Parameters, positive};
use crate::graph::Angles;
use crate::{Error, ErrorKind};

/// What frequencies are made of.
pub(super) struct Scaled<'a> {
    pub parameters: &'a Parameters,
    /// Elements of a head.
    pub dim: u32,
    /// Elements of a head that are rotated.
    pub turned: u32,
    pub theta: f64,
    /// Positions that the config counts.
    pub positions: Option<u32>,
    /// The most tokens of a sequence, where it is asked for.
    pub context: Option<u32>,
}

/// Types in configs.
const KINDS: &str = "`default`, `linear`, `dynamic`, `llama3`, `yarn`, `longrope` or `proportional`";

impl Scaled<'_> {
    pub(super) fn angles(&self) -> Result<Angles, Error> {
        let angles = |frequencies| Angles { frequencies, long: None, factor: 1.0 };
        match self.parameters.kind.as_str() {
            // What m-rope adds to plain rope is for images.
            "default" | "mrope" => Ok(angles(self.plain(self.theta))),
            "linear" => {
                let factor = self.factor()?;
                Ok(angles(self.plain(self.theta).into_iter().map(|frequency| frequency / factor).collect()))
            }
            "llama3" => {
                let scale = Llama3::new(self.parameters)?;
                Ok(angles(self.plain(self.theta).into_iter().map(|frequency| scale.apply(frequency)).collect()))
            }
            "dynamic" => Ok(angles(self.dynamic()?)),
            "yarn" => self.yarn(),
            "longrope" | "su" => self.longrope(),
            "proportional" => Ok(angles(self.proportional())),
            found => Err(ErrorKind::Setting { setting: "rope_type", found: format!("`{found}`"), expected: KINDS.into() }.into()),
        }
    }

    /// `theta^(-2k / turned)`.
    fn plain(&self, theta: f64) -> Vec<f32> {
        let exponents = (0..self.turned).step_by(2).map(|i| i as f32 / self.turned as f32);
        exponents.map(|exponent| 1.0 / theta.powf(exponent.into()) as f32).collect()
    }

    fn factor(&self) -> Result<f32, Error> {
        positive("rope_scaling.factor", self.parameters.number("rope_scaling.factor")?)
    }

    /// Positions that the config counts.
    fn positions(&self) -> Result<f64, Error> {
        Ok(positive("max_position_embeddings", self.positions.map(f64::from))?.into())
    }

    /// A greater base: by a constant (Hunyuan's `alpha`), or by how much longer sequences may be than those of training.
    fn dynamic(&self) -> Result<Vec<f32>, Error> {
        let root = f64::from(self.turned) / (f64::from(self.turned) - 2.0);
        if let Some(alpha) = self.parameters.number("rope_scaling.alpha")? {
            let alpha = f64::from(positive("rope_scaling.alpha", Some(alpha))?);
            return Ok(self.plain(self.theta * alpha.powf(root)));
        }
        let (factor, trained) = (f64::from(self.factor()?), self.positions()?);
        let length = self.context.map_or(trained, f64::from).max(trained);
        let stretch = factor * length / trained - (factor - 1.0);
        check("rope_scaling.factor", factor, stretch > 0.0, || "at least 1".into())?;
        Ok(self.plain(self.theta * stretch.powf(root)))
    }

    /// Long waves are stretched, short ones kept, those between blended; and a factor on cosines and sines.
    fn yarn(&self) -> Result<Angles, Error> {
        let number = |setting| self.parameters.number(setting);
        let factor = f64::from(self.factor()?);
        let original = match self.parameters.original {
            Some(original) => f64::from(positive("rope_scaling.original_max_position_embeddings", Some(original))?),
            None => self.positions()?,
        };
        let [fast, slow] = [("rope_scaling.beta_fast", 32.0), ("rope_scaling.beta_slow", 1.0)].map(|(name, usual)| (name, usual));
        let turns = |(name, usual)| Ok::<_, Error>(f64::from(positive(name, Some(number(name)?.unwrap_or(usual)))?));
        let (width, base) = (f64::from(self.turned), self.theta.ln());
        check("rope_theta", self.theta, self.theta > 1.0, || "greater than 1".into())?;
        // The pair that makes so many turns over the original positions.
        let pair = |turns: f64| width * (original / (turns * 2.0 * std::f64::consts::PI)).ln() / (2.0 * base);
        let (mut low, mut high) = (pair(turns(fast)?), pair(turns(slow)?));
        if self.parameters.get("truncate") != Some(&false.into()) {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(width - 1.0));
        if low == high {
            high += 0.001;
        }
        let blend = |(k, frequency): (usize, f32)| {
            let ramp = ((k as f64 - low) / (high - low)).clamp(0.0, 1.0);
            (f64::from(frequency) * (ramp / factor + 1.0 - ramp)) as f32
        };
        let frequencies = self.plain(self.theta).into_iter().enumerate().map(blend).collect();
        let growth = |scale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 };
        let scales = (number("rope_scaling.mscale")?, number("rope_scaling.mscale_all_dim")?);
        let usual = match scales {
            (Some(scale), Some(all)) if scale != 0.0 && all != 0.0 => growth(scale) / growth(all),
            _ => growth(1.0),
        };
        let factor = number("rope_scaling.attention_factor")?.unwrap_or(usual);
        Ok(Angles { frequencies, long: None, factor: positive("rope_scaling.attention_factor", Some(factor))? })
    }

    /// A divisor for each frequency: a short list for sequences of the original length, a long one for longer ones.
    fn longrope(&self) -> Result<Angles, Error> {
        let trained = self.positions()?;
        let original = f64::from(positive("original_max_position_embeddings", self.parameters.original.or(Some(trained)))?);
        let longest = self.context.map_or(trained, f64::from);
        let frequencies = self.divided("short_factor")?;
        let long = if longest > original { Some((original as u32, self.divided("long_factor")?)) } else { None };
        let stretch = self.parameters.number("rope_scaling.factor")?.unwrap_or(trained / original);
        let usual = if stretch <= 1.0 { 1.0 } else { (1.0 + stretch.ln() / original.ln()).sqrt() };
        let factor = self.parameters.number("rope_scaling.attention_factor")?.unwrap_or(usual);
        Ok(Angles { frequencies, long, factor: positive("rope_scaling.attention_factor", Some(factor))? })
    }

    /// The plain frequencies, each divided by its number of a list.
    fn divided(&self, list: &'static str) -> Result<Vec<f32>, Error> {
        let numbers = self.parameters.get(list).and_then(serde_json::Value::as_array);
        let divisors: Vec<f64> = numbers.into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
        let plain = self.plain(self.theta);
        let holds = divisors.len() == plain.len() && divisors.iter().all(|divisor| divisor.is_finite() && *divisor > 0.0);
        check(list, format!("a list of {}", divisors.len()), holds, || format!("{} positive numbers", plain.len()))?;
        Ok(plain.iter().zip(divisors).map(|(frequency, divisor)| (f64::from(*frequency) / divisor) as f32).collect())
    }

    /// Gemma 4: the first pairs of a whole head are rotated, with frequencies as if all of them were; the others stand still.
    fn proportional(&self) -> Vec<f32> {
        let (dim, moving) = (self.dim, self.turned / 2);
        let frequency = |k: u32| if k < moving { 1.0 / self.theta.powf(f64::from((2 * k) as f32 / dim as f32)) as f32 } else { 0.0 };
        (0..dim / 2).map(frequency).collect()
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
        let number = |setting| positive(setting, parameters.number(setting)?);
        let scale = Llama3 {
            factor: number("rope_scaling.factor")?,
            low: number("rope_scaling.low_freq_factor")?,
            high: number("rope_scaling.high_freq_factor")?,
            positions: positive("rope_scaling.original_max_position_embeddings", parameters.original)?,
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
