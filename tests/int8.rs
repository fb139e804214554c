//! Libraries with int8 activations: whole models against the reference that rounds in the same way, and what the rounding costs a trained
//! model.

use tegula_compiler::CompileOptions;
use tegula_gpu::Options;
use tegula_plan::Activations;

use crate::goldens::nats;
use crate::models::{ARCHITECTURES, behind, delta, devices, logits, prompt, random};
use crate::package::{convert, engine, read};
use crate::reference::Reference;
use crate::{adapter, shared};

fn int8() -> CompileOptions {
    CompileOptions { activations: Activations::Int8, prefill_chunk_size: Some(32), ..CompileOptions::default() }
}

/// An element that is all but half way between two bytes may become either, which moves what follows by a step of its group. That is rare:
/// on average logits agree with the reference that rounds a hundred times better than with the one that does not.
#[test]
fn prompts_in_bytes_agree_with_the_reference_that_rounds() {
    for architecture in ARCHITECTURES {
        let (package, config) = random(architecture, "q4f32_1");
        let tensors = read(&package.path(), &config);
        // Ids at which no element of any of the models lies so. With most others one does, somewhere, and moves all rows behind its own.
        let ids = prompt(70, 241);
        let [float, rounded] = [false, true].map(|bytes| Reference { config: &config, tensors: &tensors, bytes }.logits(&ids));
        for gpu in devices() {
            let mut engine = engine(&gpu, &package.path(), &int8());
            // Single precision has no kernels for matrix units.
            assert_eq!(engine.variant.activations, Activations::Int8);
            let found = logits(&mut engine, &ids);
            let rows = |expected: &[Vec<f64>]| -> Vec<f64> { found.iter().zip(expected).map(|(found, row)| delta(found, row)).collect() };
            let mean = |rows: &[f64]| rows.iter().sum::<f64>() / rows.len() as f64;
            let (near, far) = (rows(&rounded), rows(&float));
            let worst = near.iter().copied().fold(0.0, f64::max);
            eprintln!("{architecture} on {}: {:e} on average, {worst:e} at most; rounding {:e}", gpu.info().name, mean(&near), mean(&far));
            assert!(mean(&near) <= 2e-3 && worst <= 0.1, "{architecture} on {}: {near:?}", gpu.info().name);
            assert!(mean(&far) >= 2e-2, "{architecture} on {}: nothing was rounded: {far:?}", gpu.info().name);
        }
    }
}

#[test]
fn prompts_in_bytes_are_answered() {
    for architecture in ["llama", "qwen3"] {
        let (package, config) = random(architecture, "q4f16_1");
        let tensors = read(&package.path(), &config);
        for gpu in devices() {
            let mut engine = engine(&gpu, &package.path(), &int8());
            let behind = behind(&mut engine, &Reference { config: &config, tensors: &tensors, bytes: false });
            assert!(behind <= 5e-2, "{architecture} on {}: {behind:e}", gpu.info().name);
        }
    }
}

#[test]
fn bytes_cost_little_on_a_trained_model() {
    let Some(source) = shared("models/babyllama/hf-tok361") else { return };
    let Some(text) = shared("eval-text/tinystories_train_first2MiB.txt") else { return };
    let text = std::fs::read_to_string(text).expect("the sample text");
    let Some(gpu) = adapter(&Options { baseline: true, ..Options::default() }) else { return };
    let package = convert(&source, "q4f16_1");
    let [float, bytes] = [Activations::Float, Activations::Int8].map(|activations| {
        let options = CompileOptions { activations, ..CompileOptions::default() };
        nats(&mut engine(&gpu, &package.path(), &options), &text, 10, 256)
    });
    eprintln!("babyllama q4f16_1 on {}: float {float:.6} nats a token, int8 {bytes:.6}", gpu.info().name);
    assert!((0.5..0.9).contains(&float), "{float}");
    assert!(bytes - float <= 0.005, "{bytes} against {float}");
}
