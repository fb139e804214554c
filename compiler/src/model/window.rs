//! Sliding windows: which layers look back how far.

use super::check;
use crate::Error;
use serde::Deserialize;

/// The settings by which Qwen's models choose windows, a layer at a time.
#[derive(Deserialize)]
pub(super) struct Windows {
    /// Without it `sliding_window` means nothing, though many configs carry one.
    #[serde(default)]
    use_sliding_window: bool,
    sliding_window: Option<i64>,
    /// The first layer with a window.
    #[serde(default = "first_windowed")]
    max_window_layers: u32,
    /// Overrides `max_window_layers`.
    layer_types: Option<Vec<String>>,
}

fn first_windowed() -> u32 {
    28
}

impl Windows {
    /// The window of each layer.
    pub(super) fn of_layers(&self, layers: u32) -> Result<Vec<Option<u32>>, Error> {
        let window = if self.use_sliding_window { window("sliding_window", self.sliding_window)? } else { None };
        let Some(types) = &self.layer_types else {
            return Ok((0..layers).map(|layer| window.filter(|_| layer >= self.max_window_layers)).collect());
        };
        by_type(types, layers, window)
    }
}

/// The window of configs that do not say how wide it is.
pub(super) fn usual() -> Option<i64> {
    Some(4096)
}

/// The types of all layers, where a config leaves them out: which of them see everything.
pub(super) fn types(layers: u32, is_full: impl Fn(u32) -> bool) -> Vec<String> {
    (0..layers).map(|layer| if is_full(layer) { "full_attention" } else { "sliding_attention" }.to_owned()).collect()
}

/// The window of each layer, by the `layer_types` of a config.
pub(super) fn by_type(types: &[String], layers: u32, window: Option<u32>) -> Result<Vec<Option<u32>>, Error> {
    check("layer_types", format!("a list of {}", types.len()), types.len() == layers as usize, || format!("one of {layers}"))?;
    let window_of = |kind: &String| {
        let known = ["full_attention", "sliding_attention"].contains(&kind.as_str());
        check("layer_types", format!("`{kind}`"), known, || "`full_attention` or `sliding_attention`".into())?;
        Ok(window.filter(|_| kind == "sliding_attention"))
    };
    types.iter().map(window_of).collect()
}

/// A window as configs write it: absent, null and MLC's -1 say that there is none.
pub(super) fn window(setting: &'static str, value: Option<i64>) -> Result<Option<u32>, Error> {
    let Some(value) = value.filter(|&value| value != -1) else { return Ok(None) };
    let window = u32::try_from(value).unwrap_or(0);
    check(setting, value, window > 0, || "a positive number of positions, or null".into())?;
    Ok(Some(window))
}
