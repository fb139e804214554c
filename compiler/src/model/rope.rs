//! Rotary position embedding: frequencies from the settings, in the old spelling (`rope_theta`, `rope_scaling`), the new one
//! (`rope_parameters`) and MLC's (`position_embedding_base`).

use super::check;
use super::parameters::{Parameters, positive};
use super::scaling::Scaled;
use crate::Error;
use crate::ErrorKind;
use crate::graph::{Angles, Graph, Growth};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The settings of a config that are about rope.
#[derive(Clone, Deserialize)]
pub(crate) struct Rope {
    rope_theta: Option<f64>,
    position_embedding_base: Option<f64>,
    partial_rotary_factor: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    rope_parameters: Option<Map<String, Value>>,
    /// Phi-3 has it beside the object.
    original_max_position_embeddings: Option<f64>,
}

/// The settings that hold for all layers of a model.
pub(crate) struct Chosen<'a> {
    /// As they came, if the config has any beside `rope_theta`.
    pub(crate) object: Option<&'a Map<String, Value>>,
    parameters: Parameters,
}

/// An object of rope settings, and the type of the layers that it is for unless it is for all.
type OfLayers<'a> = (Option<&'a str>, &'a Map<String, Value>);

/// Names of layer types in configs.
pub(super) const FULL: &str = "full_attention";
pub(super) const SLIDING: &str = "sliding_attention";

impl Rope {
    /// Plain rope of a base.
    pub(super) fn plain(theta: f64) -> Rope {
        Rope {
            rope_theta: Some(theta),
            position_embedding_base: None,
            partial_rotary_factor: None,
            rope_scaling: None,
            rope_parameters: None,
            original_max_position_embeddings: None,
        }
    }

    /// The same, where settings that are missing have these values.
    pub(super) fn or(mut self, theta: Option<f64>, partial: Option<f64>) -> Rope {
        self.rope_theta = self.rope_theta.or(theta);
        self.partial_rotary_factor = self.partial_rotary_factor.or(partial);
        self
    }

    /// The rotation of the heads of a model, with the rounding of Hugging Face's float32 arithmetic. `windows` are those of the layers.
    /// `context` is the most tokens of a sequence, where it is asked for: what stretches positions by length goes by it.
    pub(super) fn angles(&self, graph: &Graph, windows: &[Option<u32>], context: Option<u32>) -> Result<Angles, Error> {
        self.chosen(windows)?.parameters.angles(graph, context)
    }

    /// The rotation of the layers of a type.
    pub(super) fn angles_of(&self, kind: &str, graph: &Graph, context: Option<u32>) -> Result<Angles, Error> {
        let windows = [(kind == SLIDING).then_some(1)];
        self.angles(graph, &windows, context)
    }

    /// The same base without any scaling.
    pub(super) fn unscaled(&self) -> Result<Rope, Error> {
        Ok(Rope::plain(self.chosen(&[None])?.parameters.theta.unwrap_or(10_000.0)))
    }

    /// Whether layers have settings by their type.
    pub(super) fn is_nested(&self) -> bool {
        self.objects().1.iter().any(|(kind, _)| kind.is_some())
    }

    /// How queries grow with their position, where the settings of a model say so.
    pub(super) fn growth(&self) -> Result<Option<Growth>, Error> {
        let parameters = self.chosen(&[None])?.parameters;
        let Some(rate) = parameters.number("rope_parameters.llama_4_scaling_beta")? else { return Ok(None) };
        let span = positive("rope_parameters.original_max_position_embeddings", parameters.original)?;
        Ok(Some(Growth { rate: rate as f32, span: span as u32 }))
    }

    /// The settings of a model whose layers have these windows.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] where settings nested by layer type differ between the layers of this
    /// model, or leave one out.
    pub(crate) fn chosen(&self, windows: &[Option<u32>]) -> Result<Chosen<'_>, Error> {
        let (name, all) = self.objects();
        let refused = |found: String| {
            let expected = "the same for all layers of the model".into();
            Error::from(ErrorKind::Setting { setting: name, found, expected })
        };
        let mut chosen: Option<Chosen<'_>> = None;
        for kind in [FULL, SLIDING] {
            if !windows.iter().any(|window| window.is_some() == (kind == SLIDING)) {
                continue;
            }
            let found = all.iter().find(|(of, _)| of.is_none_or(|of| of == kind));
            let object = match found {
                Some((_, object)) => Some(*object),
                None if all.is_empty() => None,
                None => return Err(refused(format!("nested by layer type, without one for `{kind}`"))),
            };
            let parameters = self.parameters(object)?;
            if chosen.as_ref().is_some_and(|chosen| chosen.parameters != parameters) {
                return Err(refused(format!("different for `{FULL}` and `{SLIDING}`")));
            }
            chosen = chosen.or(Some(Chosen { object, parameters }));
        }
        match chosen {
            Some(chosen) => Ok(chosen),
            None => Ok(Chosen { object: None, parameters: self.parameters(None)? }),
        }
    }

    /// The objects of settings with the layer types that they are for, and the name of what holds
    /// them. As in Hugging Face's library, `rope_scaling` counts alone unless it is empty.
    fn objects(&self) -> (&'static str, Vec<OfLayers<'_>>) {
        let of = |object: &'_ Option<Map<String, Value>>| object.as_ref().is_some_and(|object| !object.is_empty());
        let (name, object) = match (of(&self.rope_scaling), of(&self.rope_parameters)) {
            (true, _) => ("rope_scaling", &self.rope_scaling),
            (false, true) => ("rope_parameters", &self.rope_parameters),
            (false, false) => return ("rope_parameters", Vec::new()),
        };
        let object = object.as_ref().expect("it has just been found");
        let nested = object.iter().any(|(key, value)| value.is_object() || [FULL, SLIDING].contains(&key.as_str()));
        if !nested {
            return (name, vec![(None, object)]);
        }
        let layers = object.iter().filter_map(|(key, value)| Some((Some(key.as_str()), value.as_object()?)));
        (name, layers.collect())
    }

    /// Reads an object of settings.
    fn parameters(&self, object: Option<&Map<String, Value>>) -> Result<Parameters, Error> {
        let mut read =
            Parameters { kind: "default".into(), theta: None, partial: 1.0, original: None, all: object.cloned().unwrap_or_default() };
        // `type` is the oldest spelling; some configs have both.
        if let Some(kind) = read.get("rope_type").or(read.get("type")) {
            read.kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        }
        read.theta = read.number("rope_theta")?.or(self.rope_theta).or(self.position_embedding_base);
        read.partial = read.number("partial_rotary_factor")?.or(self.partial_rotary_factor).unwrap_or(1.0);
        read.original = read.number("rope_scaling.original_max_position_embeddings")?.or(self.original_max_position_embeddings);
        // What tells equal settings apart is not how they are spelled.
        for known in ["rope_type", "type", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings"] {
            read.all.shift_remove(known);
        }
        read.all.retain(|_, value| !value.is_null());
        Ok(read)
    }

    /// How many positions a model is for whose config counts `trained` of them. Some stretches bring more than their configs count; those of
    /// Llama 3.1 and longrope are counted.
    pub(super) fn stretched(&self, trained: u32) -> u32 {
        let stretch = |(_, object): (_, &Map<String, Value>)| {
            let parameters = self.parameters(Some(object)).ok()?;
            let before = match parameters.kind.as_str() {
                "linear" | "yarn" => parameters.original.unwrap_or(trained.into()),
                "dynamic" => trained.into(),
                _ => return None,
            };
            Some((before * parameters.number("factor").ok()?.unwrap_or(1.0)) as u32)
        };
        self.objects().1.into_iter().filter_map(stretch).fold(trained, u32::max)
    }
}

impl Parameters {
    /// The rotation of the heads of a model.
    fn angles(&self, graph: &Graph, context: Option<u32>) -> Result<Angles, Error> {
        let dim = graph.heads.dim;
        let theta = f64::from(positive("rope_theta", Some(self.theta.unwrap_or(10_000.0)))?);
        // A part that was a quotient may come out a little below.
        let turned = (f64::from(dim) * self.partial + 1e-6) as u32;
        let holds = self.partial > 0.0 && self.partial <= 1.0 && turned.is_multiple_of(4) && turned > 0;
        check("partial_rotary_factor", self.partial, holds, || format!("such that a multiple of 4 of {dim} elements are rotated"))?;
        Scaled { parameters: self, dim, turned, theta, positions: graph.max_positions, context }.angles()
    }
}

impl Chosen<'_> {
    /// Whether positions are scaled in some way.
    pub(crate) fn is_scaled(&self) -> bool {
        self.parameters.kind != "default"
    }
}

#[cfg(test)]
mod tests {
    use crate::model::tests::{frequencies, mutated};
    use serde_json::{Value, json};

    /// As Hugging Face's library has it: what is in the object goes before what is beside it, and
    /// `rope_scaling` counts alone.
    #[test]
    fn one_object_of_rope_settings_counts() {
        let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64});
        let with = |changes: Value| {
            let graph = mutated("llama", |config| {
                config.as_object_mut().unwrap().remove("rope_theta");
                config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            });
            frequencies(&graph.unwrap())
        };
        let expected = with(json!({"rope_theta": 5e5, "rope_scaling": llama3}));
        let plain = json!({"rope_type": "default", "rope_theta": 5e5});
        assert_ne!(expected, with(json!({"rope_parameters": plain})));
        assert_eq!(expected, with(json!({"rope_theta": 5e5, "rope_scaling": llama3, "rope_parameters": plain})));
        assert_eq!(with(json!({"rope_scaling": llama3, "rope_parameters": plain})), with(json!({"rope_scaling": llama3})));
        for empty in [json!({}), json!(null)] {
            assert_eq!(with(json!({"rope_scaling": empty, "rope_parameters": plain})), with(json!({"rope_theta": 5e5})));
            assert_eq!(with(json!({"rope_theta": 7e4, "rope_parameters": empty})), with(json!({"rope_theta": 7e4})));
        }
        let off = json!({"rope_type": "default"});
        assert_eq!(with(json!({"rope_theta": 5e5, "rope_scaling": off, "rope_parameters": llama3})), with(json!({"rope_theta": 5e5})));
    }

    /// Settings nested by layer type are those of the layers that the model has.
    #[test]
    fn rope_settings_of_layer_types_are_read_or_refused() {
        let (full, sliding) = (json!({"rope_type": "default", "rope_theta": 1e6}), json!({"rope_type": "default", "rope_theta": 2e4}));
        let scaled = json!({"rope_type": "linear", "factor": 2.0, "rope_theta": 1e6});
        let nested = |architecture: &str, nest: Value, more: Value| {
            mutated(architecture, |config| {
                config.as_object_mut().unwrap().remove("rope_theta");
                config["rope_parameters"] = nest;
                config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            })
        };
        let flat = |architecture: &str, object: &Value| frequencies(&nested(architecture, object.clone(), json!({})).unwrap());
        let both = |one: &Value, two: &Value| json!({"full_attention": one, "sliding_attention": two});
        let window = json!({"use_sliding_window": true, "sliding_window": 16, "max_window_layers": 1});
        for (architecture, nest, more, expected) in [
            ("llama", both(&full, &full), json!({}), &full),
            ("llama", both(&full, &sliding), json!({}), &full),
            ("llama", both(&scaled, &json!(null)), json!({}), &scaled),
            ("llama", json!({"full_attention": scaled}), json!({}), &scaled),
            ("llama", json!({"full_attention": {}}), json!({"rope_theta": 1e6}), &full),
            ("mistral", both(&full, &sliding), json!({"sliding_window": 16}), &sliding),
            ("qwen3", both(&full, &json!({"rope_theta": 1_000_000, "type": "default"})), window.clone(), &full),
        ] {
            let graph = nested(architecture, nest.clone(), more).unwrap();
            assert_eq!(frequencies(&graph), flat(architecture, expected), "{architecture} {nest}");
        }
        for (architecture, nest, words) in [
            ("qwen3", both(&full, &sliding), "different"),
            ("qwen3", both(&full, &json!(null)), "sliding_attention"),
            ("llama", json!({"sliding_attention": sliding}), "full_attention"),
            ("llama", json!({"full_attention": {"rope_theta": "many"}}), "rope_theta"),
        ] {
            let error = nested(architecture, nest, window.clone()).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("rope_"), "{error}");
        }
    }
}
