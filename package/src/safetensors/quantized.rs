//! Checkpoints whose weights are quantized already, in a way that cannot be converted.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{Checkpoint, Result, file};

/// Names of tensors that only quantized checkpoints have, and what these are.
const TENSORS: [(&str, &str); 8] = [
    (".qweight", "GPTQ or AWQ"),
    (".SCB", "bitsandbytes, 8 bits"),
    (".weight.absmax", "bitsandbytes, 4 bits"),
    (".weight_format", "bitsandbytes, 8 bits"),
    (".scales", "MLX"),
    (".weight_scale_inv", "FP8"),
    (".weight_scale", "compressed-tensors or FP8"),
    (".weight_packed", "compressed-tensors"),
];

/// Refuses a quantized checkpoint by the name of what quantized it. `settings` are those of its
/// config.json.
///
/// # Errors
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint).
pub fn check(folder: &Path, settings: &Map<String, Value>, checkpoint: &Checkpoint) -> Result<()> {
    let object = |name: &str| settings.get(name).and_then(Value::as_object).filter(|object| !object.is_empty());
    let of_tensor = |name: &str| TENSORS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, method)| (*method).to_owned());
    let is_file = |name: &str| folder.join(name).is_file();
    let method = match (object("quantization"), object("quantization_config")) {
        (Some(mlx), _) if mlx.contains_key("bits") || mlx.contains_key("group_size") => Some(with_bits("MLX", mlx)),
        (_, Some(config)) => Some(with_bits(name(config), config)),
        _ if is_file("quantize_config.json") => Some("GPTQ".into()),
        _ if is_file("quant_config.json") => Some("AWQ".into()),
        _ => checkpoint.names().find_map(of_tensor),
    };
    let Some(method) = method else { return Ok(()) };
    let reason = format!(
        "the checkpoint is quantized already ({method}), and its weights cannot be converted; \
         give the model that it was made from, whose weights are f32, f16 or bf16"
    );
    Err(file::damaged(folder, reason))
}

/// What a `quantization_config` is of.
fn name(config: &Map<String, Value>) -> &str {
    match config.get("quant_method").and_then(Value::as_str) {
        Some("gptq") => "GPTQ",
        Some("awq") => "AWQ",
        Some("fp8") => "FP8",
        Some(method) => method,
        // Older files of bitsandbytes do not say.
        None if config.contains_key("load_in_4bit") || config.contains_key("load_in_8bit") => "bitsandbytes",
        None if config.contains_key("group_size") => "MLX",
        None => "by its quantization_config",
    }
}

fn with_bits(name: &str, config: &Map<String, Value>) -> String {
    let is = |name: &str| config.get(name) == Some(&Value::Bool(true));
    let bits = ["bits", "w_bit"].into_iter().find_map(|name| config.get(name)?.as_u64());
    match bits.or(is("load_in_4bit").then_some(4)).or(is("load_in_8bit").then_some(8)) {
        Some(bits) => format!("{name}, {bits} bits"),
        None => name.into(),
    }
}
