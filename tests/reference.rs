//! A Llama-like forward pass in f64, written from the mathematics and shared with nothing: the oracle of the end-to-end tests.
//!
//! It reads Hugging Face configs and tensor names, works on whole sequences without a cache, and makes no attempt at speed.

use serde_json::Value;

use crate::checkpoint::Tensors;

/// A model to evaluate.
pub struct Reference<'a> {
    /// config.json.
    pub config: &'a Value,
    /// The weights.
    pub tensors: &'a Tensors,
    /// Whether linear layers inside the layers take x as signed bytes.
    pub bytes: bool,
}

/// x as signed bytes, taken back: each 32 elements in steps of a 127th of the greatest of them.
fn as_bytes(x: &[f64]) -> Vec<f64> {
    let group = |x: &[f64]| {
        let step = x.iter().fold(0f64, |most, x| most.max(x.abs())) / 127.0;
        x.iter().map(|x| if step > 0.0 { (x / step).round() * step } else { 0.0 }).collect::<Vec<f64>>()
    };
    x.chunks(32).flat_map(group).collect()
}

impl Reference<'_> {
    fn size(&self, name: &str) -> usize {
        self.config[name].as_u64().unwrap_or_else(|| panic!("config has {name}")) as usize
    }

    fn tensor(&self, name: &str) -> Option<&[f32]> {
        self.tensors.get(name).map(|(_, values)| values.as_slice())
    }

    /// `W x (+ b)` for the linear layer `name`.
    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let weights = self.tensor(&format!("{name}.weight")).unwrap_or_else(|| panic!("tensor {name}"));
        let rounded = if self.bytes && name.starts_with("model.layers.") { as_bytes(x) } else { Vec::new() };
        let x = if rounded.is_empty() { x } else { &rounded };
        let mut y: Vec<f64> = weights.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()).collect();
        if let Some(bias) = self.tensor(&format!("{name}.bias")) {
            y.iter_mut().zip(bias).for_each(|(y, &bias)| *y += f64::from(bias));
        }
        y
    }

    /// The root-mean-square norm with the gain `name`.
    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let eps = self.config["rms_norm_eps"].as_f64().expect("rms_norm_eps");
        let scale = (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + eps).sqrt().recip();
        x.iter().zip(self.tensor(name).expect("a gain")).map(|(x, &gain)| x * scale * f64::from(gain)).collect()
    }

    /// Angle by which pair `pair` of a head turns from one position to the next.
    fn frequency(&self, pair: usize, dim: usize) -> f64 {
        let rope = &self.config["rope_parameters"];
        let theta = rope["rope_theta"].as_f64().or(self.config["rope_theta"].as_f64()).unwrap_or(10000.0);
        let frequency = theta.powf(-2.0 * pair as f64 / dim as f64);
        let scaling = if rope["rope_type"] == "llama3" { rope } else { &self.config["rope_scaling"] };
        if scaling["rope_type"] != "llama3" {
            return frequency;
        }
        // Llama 3: long waves are stretched by `factor`, short ones kept, those between blended.
        let number = |name: &str| scaling[name].as_f64().expect("a llama3 rope setting");
        let turns = number("original_max_position_embeddings") * frequency / std::f64::consts::TAU;
        let (low, high) = (number("low_freq_factor"), number("high_freq_factor"));
        let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
        frequency * (kept + (1.0 - kept) / number("factor"))
    }

    fn rotate(&self, head: &mut [f64], position: usize) {
        let half = head.len() / 2;
        for pair in 0..half {
            let (sin, cos) = (position as f64 * self.frequency(pair, head.len())).sin_cos();
            let (a, b) = (head[pair], head[pair + half]);
            head[pair] = a * cos - b * sin;
            head[pair + half] = b * cos + a * sin;
        }
    }

    /// How many positions a layer looks back.
    fn window(&self, layer: &str) -> usize {
        let number: u64 = layer.rsplit('.').next().and_then(|number| number.parse().ok()).expect("layers are numbered");
        let windowed = self.config["max_window_layers"].as_u64().is_none_or(|first| number >= first);
        self.config["sliding_window"].as_u64().filter(|_| windowed).map_or(usize::MAX, |window| window as usize)
    }

    /// One head's attention over the positions up to its own.
    fn attend(&self, window: usize, query: &[f64], keys: &[&[f64]], values: &[&[f64]]) -> Vec<f64> {
        let first = keys.len().saturating_sub(window);
        let scale = (query.len() as f64).sqrt().recip();
        let scores: Vec<f64> = keys[first..].iter().map(|key| scale * key.iter().zip(query).map(|(k, q)| k * q).sum::<f64>()).collect();
        let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - greatest).exp()).collect();
        let total: f64 = weights.iter().sum();
        (0..query.len()).map(|i| weights.iter().zip(&values[first..]).map(|(w, value)| w * value[i]).sum::<f64>() / total).collect()
    }

    /// Adds the attention of a layer to `x`, one row a position.
    fn attention(&self, layer: &str, x: &mut [Vec<f64>]) {
        let (heads, kv_heads) = (self.size("num_attention_heads"), self.size("num_key_value_heads"));
        let dim = self.config["head_dim"].as_u64().map_or(self.size("hidden_size") / heads, |dim| dim as usize);
        // Queries, keys and values of each position.
        let rows: Vec<[Vec<f64>; 3]> = x
            .iter()
            .enumerate()
            .map(|(position, x)| {
                let x = self.norm(&format!("{layer}.input_layernorm.weight"), x);
                ["q", "k", "v"].map(|part| {
                    let mut y = self.linear(&format!("{layer}.self_attn.{part}_proj"), &x);
                    for head in y.chunks_exact_mut(dim).filter(|_| part != "v") {
                        let gain = format!("{layer}.self_attn.{part}_norm.weight");
                        if self.tensor(&gain).is_some() {
                            head.copy_from_slice(&self.norm(&gain, head));
                        }
                        self.rotate(head, position);
                    }
                    y
                })
            })
            .collect();
        for (position, x) in x.iter_mut().enumerate() {
            let mut merged = Vec::new();
            for head in 0..heads {
                let kv = head * kv_heads / heads;
                let part = |which: usize| -> Vec<&[f64]> { rows[..=position].iter().map(|row| &row[which][kv * dim..][..dim]).collect() };
                merged.extend(self.attend(self.window(layer), &rows[position][0][head * dim..][..dim], &part(1), &part(2)));
            }
            let y = self.linear(&format!("{layer}.self_attn.o_proj"), &merged);
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
    }

    /// Logits at every position.
    pub fn logits(&self, ids: &[u32]) -> Vec<Vec<f64>> {
        let hidden = self.size("hidden_size");
        let table = self.tensor("model.embed_tokens.weight").expect("embeddings");
        let mut x: Vec<Vec<f64>> =
            ids.iter().map(|&id| table[id as usize * hidden..][..hidden].iter().map(|&value| f64::from(value)).collect()).collect();
        for layer in (0..self.size("num_hidden_layers")).map(|layer| format!("model.layers.{layer}")) {
            self.attention(&layer, &mut x);
            for x in &mut x {
                let normed = self.norm(&format!("{layer}.post_attention_layernorm.weight"), x);
                let [gate, up] = ["gate", "up"].map(|part| self.linear(&format!("{layer}.mlp.{part}_proj"), &normed));
                let inner: Vec<f64> = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
                x.iter_mut().zip(self.linear(&format!("{layer}.mlp.down_proj"), &inner)).for_each(|(x, y)| *x += y);
            }
        }
        let head = if self.tensor("lm_head.weight").is_some() { "lm_head" } else { "model.embed_tokens" };
        x.iter().map(|x| self.linear(head, &self.norm("model.norm.weight", x))).collect()
    }
}
