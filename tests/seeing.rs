//! Models that see, as the text models that they are here: their other parts are left out, and said to be.

use std::ops::ControlFlow;

use tegula_compiler::CompileOptions;
use tegula_compiler::convert::{ConvertOptions, Warning, convert};
use tegula_compiler::quant::Quantization;

use crate::models::{delta, devices, logits, prompt};
use crate::package::{engine, json, read};
use crate::reference::Reference;
use crate::shared;

/// Converts a checkpoint with parts that see, and answers a prompt of text. `reference` is whether the reference knows its architecture.
fn check(name: &str, parts: &[&'static str], tensors: usize, reference: bool) {
    let Some(source) = shared(&format!("goldens/{name}")) else { return };
    let root = tempfile::tempdir().expect("a folder for tests");
    let package = root.path().join("package");
    let options = ConvertOptions { quantization: Quantization::parse("q0f32").expect("it is known"), ..ConvertOptions::default() };
    let report = convert(&source, &package, &options, &mut |_| ControlFlow::Continue(())).expect("a package");
    assert_eq!(report.warnings, [Warning::TextOnly { tensors, parts: parts.into() }, Warning::NoTokenizer], "{name}");

    let config = json(&source.join("config.json"))["text_config"].clone();
    let ids = prompt(40, config["vocab_size"].as_u64().expect("a size") as u32);
    let expected = reference.then(|| Reference { config: &config, tensors: &read(&package, &config), bytes: false }.logits(&ids));
    for gpu in devices() {
        let rows = logits(&mut engine(&gpu, &package, &CompileOptions::default()), &ids);
        assert!(rows.iter().flatten().all(|logit| logit.is_finite()), "{name} on {}", gpu.info().name);
        assert_ne!(rows[0], rows[39], "{name} on {}", gpu.info().name);
        let worst = rows.iter().zip(expected.iter().flatten()).map(|(found, expected)| delta(found, expected)).fold(0.0, f64::max);
        eprintln!("{name} on {}: {worst:e}", gpu.info().name);
        assert!(worst <= 2e-3, "{name} on {}: {worst:e}", gpu.info().name);
    }
}

#[test]
fn gemma3_answers_text() {
    check("gemma3-vlm", &["multi_modal_projector", "vision_tower"], 39, false);
}

#[test]
fn qwen3_answers_text() {
    check("qwen3-vl", &["visual"], 57, true);
}

#[test]
fn smolvlm_answers_text() {
    check("smolvlm", &["connector", "vision_model"], 38, true);
}
