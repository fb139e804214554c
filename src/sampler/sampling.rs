//! How a request has its tokens picked: what each setting means, where it comes from, and which values it may have.

use std::collections::BTreeMap;

use serde_json::Number;
use tegula_package::mlc::ChatConfig;
use tegula_package::mlc::chat_config::single;
use tegula_plan::{DEEPEST, DEPTH_ONE};

use crate::{ErrorKind, Result};

/// How to pick tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the greatest.
    pub temperature: f32,
    /// Draws among the likeliest tokens that have this much probability together, in 0 to 1.
    pub top_p: f32,
    /// Draws among so many of the likeliest tokens; 0 sets no limit. It comes before `top_p`, which is a part of what it leaves.
    pub top_k: u32,
    /// Draws among the tokens that are at least this part as likely as the likeliest, in 0 to 1; 0 sets no limit. It comes last, though no
    /// order would change what it compares: both probabilities are those that the temperature made.
    pub min_p: f32,
    /// Key of the draws.
    pub seed: u64,
    /// Taken from the logits of tokens that the answer has, in -2 to 2.
    pub presence_penalty: f32,
    /// Taken from the logits of tokens for each time that the answer has them, in -2 to 2.
    pub frequency_penalty: f32,
    /// Divides the logits of tokens that the answer has, or multiplies them where negative; 1 does nothing.
    pub repetition_penalty: f32,
    /// Added to the logits of these ids, each in -100 to 100.
    pub logit_bias: Vec<(u32, f32)>,
}

impl Sampling {
    /// Always the likeliest token.
    #[must_use]
    pub fn greedy() -> Sampling {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }

    /// What a package asks for where a request does not.
    #[must_use]
    pub fn of(config: &ChatConfig) -> Sampling {
        let default = Sampling::default();
        let or = |asked: &Option<Number>, default: f32| single(asked.as_ref()).unwrap_or(default);
        Sampling {
            temperature: or(&config.temperature, default.temperature),
            top_p: or(&config.top_p, default.top_p),
            top_k: config.top_k.map_or(default.top_k, limit),
            min_p: or(&config.min_p, default.min_p),
            presence_penalty: or(&config.presence_penalty, default.presence_penalty),
            frequency_penalty: or(&config.frequency_penalty, default.frequency_penalty),
            repetition_penalty: or(&config.repetition_penalty, default.repetition_penalty),
            ..default
        }
    }

    /// Whether the greatest logit, which the GPU finds, is all that is needed.
    #[must_use]
    pub fn is_plain_greedy(&self) -> bool {
        self.is_greedy() && !self.adjusts()
    }

    /// Whether the likeliest token is always picked.
    #[must_use]
    pub fn is_greedy(&self) -> bool {
        self.temperature == 0.0 || self.top_k == 1
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// [`ErrorKind::FieldRange`].
    pub fn check(&self) -> Result<()> {
        let within = |field: &'static str, value: f32, low: f32, high: f32, allowed: &'static str| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ErrorKind::FieldRange { field: field.into(), value: value.to_string(), allowed: allowed.into() })
        };
        within("temperature", self.temperature, 0.0, f32::MAX, "a number of 0 or more")?;
        within("top_p", self.top_p, 0.0, 1.0, "a number from 0 to 1")?;
        within("min_p", self.min_p, 0.0, 1.0, "a number from 0 to 1")?;
        within("presence_penalty", self.presence_penalty, -2.0, 2.0, "a number from -2 to 2")?;
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0, "a number from -2 to 2")?;
        within("repetition_penalty", self.repetition_penalty, f32::MIN_POSITIVE, f32::MAX, "a number greater than 0")?;
        for &(_, bias) in &self.logit_bias {
            within("logit_bias", bias, -100.0, 100.0, "numbers from -100 to 100")?;
        }
        Ok(())
    }

    /// Whether logits are penalised or biased before anything is picked.
    #[must_use]
    pub fn adjusts(&self) -> bool {
        self.has_penalties() || !self.logit_bias.is_empty()
    }

    /// Whether ids are drawn in the order of their likelihood, among the likeliest alone.
    #[must_use]
    pub fn is_nucleus(&self) -> bool {
        !self.is_greedy() && (self.top_p < 1.0 || self.top_k > 0)
    }

    /// The greatest depth of an id that `min_p` leaves: `exp(-depth) >= min_p`, on whole steps of depth.
    #[must_use]
    pub fn deepest(&self) -> u32 {
        ((-f64::from(self.min_p).ln() * f64::from(DEPTH_ONE)) as u32).min(DEEPEST)
    }

    pub(crate) fn has_penalties(&self) -> bool {
        self.presence_penalty != 0.0 || self.frequency_penalty != 0.0 || self.repetition_penalty != 1.0
    }

    /// Applies penalties for the answer so far, then the bias.
    pub(super) fn adjust(&self, logits: &mut [f32], counts: &BTreeMap<u32, u32>) {
        if self.has_penalties() {
            for (&id, &count) in counts {
                if let Some(logit) = logits.get_mut(id as usize) {
                    *logit = if *logit > 0.0 { *logit / self.repetition_penalty } else { *logit * self.repetition_penalty };
                    *logit -= self.presence_penalty + count as f32 * self.frequency_penalty;
                }
            }
        }
        for &(id, bias) in &self.logit_bias {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit += bias;
            }
        }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            seed: 0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            repetition_penalty: 1.0,
            logit_bias: Vec::new(),
        }
    }
}

/// `top_k` as people write it: 0, or -1 as in vLLM, for no limit.
pub(crate) fn limit(top_k: i64) -> u32 {
    u32::try_from(top_k.max(0)).unwrap_or(u32::MAX)
}
