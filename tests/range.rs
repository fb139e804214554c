//! Numbers beyond half precision: the residual stream of some models, Gemma's above all, exceeds the 65,504 that a half can be.
//!
//! The stream is in single precision everywhere. Kernels that multiply halves get rows that were normed, or scaled by a power of two.

use tegula_compiler::CompileOptions;

use crate::checkpoint;
use crate::goldens::ids;
use crate::models::{delta, devices, logits};
use crate::package::{convert, engine, json};
use crate::shared;

/// By how much the branches of a layer add more to the stream.
const GROWTH: f32 = 20_000.0;

#[test]
fn streams_beyond_half_precision_stay_what_they_are() {
    let Some(source) = shared("goldens/gemma3") else { return };
    let mut tensors = crate::package::checkpoint(&source);
    for (name, (_, values)) in &mut tensors {
        if name.ends_with("post_attention_layernorm.weight") || name.ends_with("post_feedforward_layernorm.weight") {
            values.iter_mut().for_each(|value| *value = (1.0 + *value) * GROWTH - 1.0);
        }
    }
    let folder = tempfile::tempdir().expect("a folder for tests");
    checkpoint::write(folder.path(), &json(&source.join("config.json")), &tensors).expect("a checkpoint is written");
    let input = ids(&json(&source.join("golden.json"))["input_ids"]);
    let [whole, half] = ["q0f32", "q0f16"].map(|quantization| convert(folder.path(), quantization));
    for gpu in devices() {
        let [expected, found] =
            [&whole, &half].map(|package| logits(&mut engine(&gpu, &package.path(), &CompileOptions::default()), &input));
        let worst = found.iter().zip(&expected).map(|(found, expected)| {
            assert!(found.iter().all(|logit| logit.is_finite()), "on {}", gpu.info().name);
            delta(found, &expected.iter().map(|&logit| logit.into()).collect::<Vec<f64>>())
        });
        let worst = worst.fold(0.0, f64::max);
        eprintln!("a stream of {GROWTH} a branch on {}: {worst:e}", gpu.info().name);
        assert!(worst <= 3e-2, "on {}: {worst:e}", gpu.info().name);
    }
}
