//! Tensors of a checkpoint that no parameter is made from, and what is to be said of them.

use super::Warning;
use crate::Error;
use std::collections::BTreeSet;
use tegula_package::recipe::Part;
use tegula_package::{Checkpoint, Recipe};

/// The output layer, which some models tie to the embedding.
const HEAD: &str = "lm_head.weight";

/// Modules of models that see or hear which have nothing to do with text, under the names that checkpoints give them.
const SENSES: &[&str] = &[
    "audio_encoder",
    "audio_projector",
    "audio_tower",
    "connector",
    "embed_audio",
    "embed_vision",
    "image_newline",
    "mlp1",
    "mm_projector",
    "multi_modal_projector",
    "multimodal_projector",
    "patch_merger",
    "vision",
    "vision_embed_tokens",
    "vision_encoder",
    "vision_model",
    "vision_projector",
    "vision_tower",
    "visual",
];

/// The module for images or sound that a tensor belongs to, if it belongs to one. Such modules stand beside the layers, never in them.
fn sense(name: &str) -> Option<&'static str> {
    let inner = ["model.", "transformer."].iter().find_map(|outer| name.strip_prefix(outer)).unwrap_or(name);
    let module = inner.split('.').next()?;
    SENSES.iter().find(|sense| **sense == module).copied()
}

/// Whether a tensor that the graph does not name needs no word: rotation frequencies and causal masks that old checkpoints carry, and the
/// copy of the embedding table that some write for a tied output layer. An output layer that is no copy has a warning of its own.
fn is_redundant(name: &str) -> bool {
    [".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"].iter().any(|end| name.ends_with(end))
        || name.strip_prefix("language_model.").unwrap_or(name) == HEAD
}

/// What is to be said of tensors that no parameter is made from.
pub(super) fn warnings(recipe: &Recipe, checkpoint: &Checkpoint) -> Result<Vec<Warning>, Error> {
    let tensors = || recipe.parameters.iter().flat_map(|parameter| &parameter.parts).flat_map(Part::tensors);
    let used: BTreeSet<&str> = tensors().map(|tensor| tensor.name.as_str()).collect();
    let mut warnings = of_names(checkpoint.names().filter(|name| !used.contains(name)));
    // The embedding comes first in every graph.
    if let (Some(head), Some(table)) = (checkpoint.get(HEAD), tensors().next())
        && !used.contains(head.name.as_str())
        && !head.equals(table)?
    {
        warnings.push(Warning::HeadIgnored);
    }
    Ok(warnings)
}

/// What is to be said of names that nothing uses.
fn of_names<'a>(unused: impl Iterator<Item = &'a str>) -> Vec<Warning> {
    let (mut parts, mut tensors, mut others) = (BTreeSet::new(), 0, Vec::new());
    for name in unused.filter(|name| !is_redundant(name)) {
        match sense(name) {
            Some(part) => {
                parts.insert(part);
                tensors += 1;
            }
            None => others.push(name.to_owned()),
        }
    }
    let left_out = (tensors > 0).then(|| Warning::TextOnly { tensors, parts: parts.into_iter().collect() });
    let unknown = (!others.is_empty()).then_some(Warning::UnusedTensors(others));
    left_out.into_iter().chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::{Warning, of_names};

    #[test]
    fn parts_that_see_or_hear_are_counted_and_others_are_named() {
        let names = [
            "vision_tower.vision_model.post_layernorm.bias",
            "model.visual.merger.norm.weight",
            "visual.merger.norm.weight",
            "model.image_newline",
            "mlp1.0.weight",
            "transformer.visual.proj",
            "model.vision_embed_tokens.glb_GN",
            "audio_tower.conv1.weight",
        ];
        let others = [
            "model.layers.0.visual.weight",
            "model.vision_tower_copy",
            "value_head.weight",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
        ];
        let [text, unused] = &of_names(names.into_iter().chain(others))[..] else { panic!("two warnings") };
        let parts = vec!["audio_tower", "image_newline", "mlp1", "vision_embed_tokens", "vision_tower", "visual"];
        assert_eq!(*text, Warning::TextOnly { tensors: names.len(), parts });
        let shown = text.to_string();
        assert!(shown.contains("takes text only") && shown.contains("8 tensors") && shown.contains("vision_tower, visual"), "{shown}");
        assert_eq!(*unused, Warning::UnusedTensors(others[..3].iter().map(|&name| name.into()).collect()));
        assert_eq!(of_names(["language_model.lm_head.weight", "lm_head.weight"].into_iter()), []);
    }
}
