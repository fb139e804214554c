//! Whole models, from a Hugging Face folder to logits and text: converted, compiled, loaded and run as a user would.
//!
//! The models are random, held against the reference of this folder, and run anywhere. Those with figures of Hugging Face's own
//! implementation are in [`crate::goldens`].

use serde_json::Value;
use tegula::model::forward::{Entry, Forward, Read};
use tegula::{Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_gpu::{Gpu, Options};
use tegula_plan::Row;

use crate::package::{Package, convert, engine, model, read};
use crate::reference::Reference;
use crate::solo::Solo;
use crate::{adapter, checkpoint};

/// The random models: each architecture with what is special about it switched on.
pub const ARCHITECTURES: [&str; 5] = ["llama", "llama3", "mistral", "qwen2", "qwen3"];

/// A device with all it has, and one with no more than every WebGPU device has.
pub fn devices() -> Vec<Gpu> {
    [false, true].iter().filter_map(|&baseline| adapter(&Options { baseline, ..Options::default() })).collect()
}

/// A random model on disk, its config, and a package of it.
pub fn random(architecture: &str, quantization: &str) -> (Package, Value) {
    let source = tempfile::tempdir().expect("a folder for tests");
    let config = checkpoint::config(architecture);
    checkpoint::write(source.path(), &config, &checkpoint::weights(&config)).expect("the folder can be written");
    (convert(source.path(), quantization), config)
}

/// Ids that repeat nothing soon.
pub fn prompt(length: u32, vocabulary: u32) -> Vec<u32> {
    (0..length).map(|i| (i * 37 + i * i * 11 + 5) % vocabulary).collect()
}

/// The greatest difference between two rows.
pub fn delta<'a, T: Copy + Into<f64> + 'a>(found: &[f32], expected: impl IntoIterator<Item = &'a T>) -> f64 {
    found.iter().zip(expected).map(|(&found, &expected)| (f64::from(found) - expected.into()).abs()).fold(0.0, f64::max)
}

pub fn logits(engine: &mut Solo, ids: &[u32]) -> Vec<Vec<f32>> {
    let rows = engine.logits(ids).expect("logits");
    assert_eq!(rows.len(), ids.len());
    rows
}

/// The answer's ids and text to a raw prompt, greedily.
pub fn answer(engine: &mut Solo, prompt: Prompt, most: u32) -> (Vec<u32>, String) {
    let request = Request { max_tokens: Some(most), ..Request::greedy(prompt) };
    let answer = engine.complete(request).expect("an answer");
    (answer.ids, answer.text)
}

/// Runs a random model of every architecture in a quantization against the reference on the package's own weights.
fn check_random(quantization: &str, tolerance: f64) {
    for architecture in ARCHITECTURES {
        let (package, config) = random(architecture, quantization);
        let tensors = read(&package.path(), &config);
        let ids = prompt(70, 259);
        let expected = Reference { config: &config, tensors: &tensors, bytes: false }.logits(&ids);
        for gpu in devices() {
            let mut engine = engine(&gpu, &package.path(), &CompileOptions { prefill_chunk_size: Some(32), ..CompileOptions::default() });
            let found = logits(&mut engine, &ids);
            let worst = found.iter().zip(&expected).map(|(found, expected)| delta(found, expected)).fold(0.0, f64::max);
            assert!(worst <= tolerance, "{architecture} {quantization} on {}: {worst:e}", gpu.info().name);
        }
    }
}

#[test]
fn random_models_in_single_precision_agree_with_the_reference() {
    check_random("q0f32", 1e-4);
}

#[test]
fn random_models_in_half_precision_agree_with_the_reference() {
    check_random("q0f16", 1e-2);
}

#[test]
fn random_models_in_four_bits_agree_with_the_reference() {
    check_random("q4f32_1", 1e-4);
    check_random("q4f16_1", 1e-2);
}

/// What a step of each entry says of a row must not depend on the entry.
#[test]
fn every_entry_gives_the_same_logits() {
    for architecture in ["llama", "mistral", "qwen3"] {
        let (package, config) = random(architecture, "q0f32");
        let tensors = read(&package.path(), &config);
        let ids = prompt(50, 259);
        let expected = Reference { config: &config, tensors: &tensors, bytes: false }.logits(&ids);
        for gpu in devices() {
            let options = CompileOptions { prefill_chunk_size: Some(16), max_batch_size: Some(2), ..CompileOptions::default() };
            let mut model = model(&gpu, &package.path(), &options);
            for sequence in [0, 1] {
                assert!(pollster::block_on(model.room(sequence, 50)).expect("room for 50 tokens"));
            }
            let mut step = |entry: Entry, rows: &[(usize, u32)], many: usize| {
                let mut rows: Vec<Row> = rows
                    .iter()
                    .map(|&(position, sequence)| Row { token: ids[position], position: position as u32, slot: 0, sequence })
                    .collect();
                let read = Read { rows: many as u32, ..Read::logits(many as u32) };
                let pending = model.submit(entry, &mut rows, read).expect("a step");
                let back = pollster::block_on(pending).expect("its result");
                back.logits.chunks_exact(259).map(<[f32]>::to_vec).collect::<Vec<_>>()
            };
            let mut check = |entry: Entry, rows: &[(usize, u32)], logits_of: &[usize]| {
                let found = step(entry, rows, logits_of.len());
                assert_eq!(found.len(), logits_of.len());
                for (found, &position) in found.iter().zip(logits_of) {
                    let worst = delta(found, &expected[position]);
                    assert!(worst <= 1e-4, "{architecture} {} at {position} on {}: {worst:e}", entry.name(), gpu.info().name);
                }
            };
            let chunk = |from: usize, to: usize, sequence: u32| (from..to).map(|position| (position, sequence)).collect::<Vec<_>>();
            check(Entry::Prefill, &chunk(0, 16, 0), &[15]);
            check(Entry::Score, &chunk(0, 7, 1), &(0..7).collect::<Vec<_>>());
            check(Entry::Prefill, &chunk(16, 30, 0), &[29]);
            check(Entry::Decode, &[(30, 0)], &[30]);
            check(Entry::Score, &chunk(7, 20, 1), &(7..20).collect::<Vec<_>>());
            for step in 0..5 {
                check(Entry::Batch, &[(31 + step, 0), (20 + step, 1)], &[31 + step, 20 + step]);
            }
            check(Entry::Decode, &[(25, 1)], &[25]);
        }
    }
}

/// How far the tokens of a greedy answer lie behind the likeliest by the reference, at most.
pub fn behind(engine: &mut Solo, reference: &Reference<'_>) -> f64 {
    let mut whole = prompt(40, 259);
    let (found, _) = answer(engine, Prompt::Ids(whole.clone()), 24);
    assert!(!found.is_empty());
    whole.extend(&found);
    let expected = reference.logits(&whole);
    let greatest = |row: &[f64]| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let behind: Vec<f64> = expected[39..].iter().zip(&found).map(|(row, &id)| greatest(row) - row[id as usize]).collect();
    assert!(behind.iter().all(|behind| behind.is_finite()), "{behind:?}");
    behind.into_iter().fold(0.0, f64::max)
}

/// Every token of a greedy answer is, by the reference, as likely as the likeliest.
#[test]
fn greedy_answers_follow_the_reference() {
    for architecture in ARCHITECTURES {
        let (package, config) = random(architecture, "q0f32");
        let tensors = read(&package.path(), &config);
        for gpu in devices() {
            let mut engine = engine(&gpu, &package.path(), &CompileOptions { prefill_chunk_size: Some(16), ..CompileOptions::default() });
            let behind = behind(&mut engine, &Reference { config: &config, tensors: &tensors, bytes: false });
            assert!(behind <= 1e-3, "{architecture} on {}: {behind:e}", gpu.info().name);
        }
    }
}

#[test]
fn a_prompt_in_chunks_gives_the_logits_of_one_chunk() {
    let (package, _) = random("mistral", "q0f32");
    let ids = prompt(100, 259);
    for gpu in devices() {
        let rows = |chunk| {
            let options = CompileOptions { prefill_chunk_size: Some(chunk), ..CompileOptions::default() };
            logits(&mut engine(&gpu, &package.path(), &options), &ids)
        };
        let worst = rows(16).iter().zip(rows(128)).map(|(cut, whole)| delta(cut, &whole)).fold(0.0, f64::max);
        assert!(worst <= 1e-4, "on {}: {worst:e}", gpu.info().name);
    }
}
