//! Checks of values that need no model.

use clap::builder::PossibleValuesParser;
use tegula_compiler::quant::Quantization;

/// The most tokens of a context: positions beyond them are not told apart.
const MOST_TOKENS: u32 = 1 << 24;

/// Name of a quantization.
pub fn quantization() -> PossibleValuesParser {
    PossibleValuesParser::new(Quantization::ALL.map(Quantization::name))
}

/// A number of tokens or the like, at least one.
pub fn count(text: &str) -> Result<u32, String> {
    whole(text, 1, u32::MAX)
}

/// Sequences of a step, or the like.
pub fn few(text: &str) -> Result<u32, String> {
    whole(text, 1, 1024)
}

/// Tokens that a context can hold.
pub fn context(text: &str) -> Result<u32, String> {
    whole(text, 1, MOST_TOKENS)
}

/// A temperature.
pub fn temperature(text: &str) -> Result<f32, String> {
    within(text, f64::from(f32::MAX), "a number of 0 or more").map(|number| number as f32)
}

/// A part of a whole.
pub fn share(text: &str) -> Result<f32, String> {
    within(text, 1.0, "a number from 0 to 1").map(|number| number as f32)
}

/// A time that is neither nothing nor endless.
pub fn seconds(text: &str) -> Result<f64, String> {
    let allowed = "more than 0 and at most 1000000";
    within(text, 1e6, allowed).and_then(|seconds| if seconds > 0.0 { Ok(seconds) } else { Err(format!("must be {allowed}")) })
}

/// A text that says something.
pub fn text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".into()) } else { Ok(text.to_owned()) }
}

fn whole(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ if most == u32::MAX => Err(format!("must be a whole number from {least}")),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

fn within(text: &str, most: f64, allowed: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be {allowed}")),
    }
}
