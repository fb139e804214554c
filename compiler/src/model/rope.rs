//! Rotary position embedding: frequencies from the settings, in the old spelling (`rope_theta`, `rope_scaling`), the new one
//! (`rope_parameters`) and MLC's (`position_embedding_base`).

use super::check;
use crate::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The settings of a config that are about rope.
#[derive(Deserialize)]
pub(crate) struct Rope {
    rope_theta: Option<f64>,
    position_embedding_base: Option<f64>,
    partial_rotary_factor: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    rope_parameters: Option<Map<String, Value>>,
}

/// The settings that hold for all layers of a model.
pub(crate) struct Chosen<'a> {
    /// As they came, if the config has any beside `rope_theta`.
    pub(crate) object: Option<&'a Map<String, Value>>,
    parameters: Parameters,
}

/// An object of rope settings, and the type of the layers that it is for unless it is for all.
type OfLayers<'a> = (Option<&'a str>, &'a Map<String, Value>);

/// What an object of rope settings says, with what it leaves to the rest of the config.
#[derive(Clone, PartialEq)]
struct Parameters {
    kind: String,
    theta: Option<f64>,
    partial: f64,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

/// Names of layer types in configs.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

impl Rope {
    /// Radians a position for each of the `dim / 2` pairs of a head, with the rounding of Hugging
    /// Face's float32 arithmetic. `windows` are those of the layers.
    pub(super) fn frequencies(&self, dim: u32, windows: &[Option<u32>]) -> Result<Vec<f32>, Error> {
        let parameters = self.chosen(windows)?.parameters;
        check("partial_rotary_factor", parameters.partial, parameters.partial == 1.0, || "1".into())?;
        let theta = positive("rope_theta", Some(parameters.theta.unwrap_or(10_000.0)))?;
        let plain = (0..dim).step_by(2).map(|i| {
            let exponent = i as f32 / dim as f32;
            1.0 / f64::from(theta).powf(exponent.into()) as f32
        });
        match parameters.kind.as_str() {
            "default" => Ok(plain.collect()),
            "linear" => {
                let factor = positive("rope_scaling.factor", parameters.factor)?;
                Ok(plain.map(|frequency| frequency / factor).collect())
            }
            "llama3" => {
                let scale = Llama3::new(&parameters)?;
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
        let get = |key: &str| object.and_then(|object| object.get(key)).filter(|value| !value.is_null());
        let number = |setting: &'static str| match get(setting.rsplit('.').next().unwrap_or(setting)) {
            None => Ok(None),
            Some(value) => {
                check(setting, value, value.is_number(), || "a number".into())?;
                Ok::<_, Error>(value.as_f64())
            }
        };
        // `type` is the oldest spelling; some configs have both.
        let kind = get("rope_type").or(get("type"));
        let theta = number("rope_theta")?.or(self.rope_theta).or(self.position_embedding_base);
        Ok(Parameters {
            kind: kind.map_or_else(|| "default".into(), |kind| kind.as_str().map_or_else(|| kind.to_string(), str::to_owned)),
            theta,
            partial: number("partial_rotary_factor")?.or(self.partial_rotary_factor).unwrap_or(1.0),
            factor: number("rope_scaling.factor")?,
            low_freq_factor: number("rope_scaling.low_freq_factor")?,
            high_freq_factor: number("rope_scaling.high_freq_factor")?,
            original_max_position_embeddings: number("rope_scaling.original_max_position_embeddings")?,
        })
    }

    /// How many positions a model is for whose config counts `trained` of them. A linear stretch brings more, since its configs count those
    /// before it; those of Llama 3.1 count what the stretch brings.
    pub(super) fn stretched(&self, trained: u32) -> u32 {
        let stretch = |(_, object): (_, &Map<String, Value>)| {
            let parameters = self.parameters(Some(object)).ok().filter(|parameters| parameters.kind == "linear")?;
            let before = parameters.original_max_position_embeddings.unwrap_or(trained.into());
            Some((before * parameters.factor.unwrap_or(1.0)) as u32)
        };
        self.objects().1.into_iter().filter_map(stretch).fold(trained, u32::max)
    }
}

impl Chosen<'_> {
    /// Whether positions are scaled in some way.
    pub(crate) fn is_scaled(&self) -> bool {
        self.parameters.kind != "default"
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
