//! Whole models, from a Hugging Face folder to logits and text: converted, compiled, loaded and run as a user would.
//!
//! Random models are compared with the reference of this folder, and run anywhere. Trained models, and those that Hugging Face's own
//! implementation has evaluated, are compared with its figures if the shared data is there.

use std::path::Path;

use serde_json::Value;
use tegula::model::forward::{Entry, Forward, Read};
use tegula::{Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_gpu::{Gpu, Options};
use tegula_plan::Row;

use crate::package::{Package, convert, engine, json, model, read};
use crate::reference::Reference;
use crate::solo::Solo;
use crate::{adapter, checkpoint, shared};

/// The random models: each architecture with what is special about it switched on.
pub const ARCHITECTURES: [&str; 5] = ["llama", "llama3", "mistral", "qwen2", "qwen3"];

/// The models that Hugging Face's implementation has evaluated.
const GOLDENS: [&str; 5] = ["llama", "llama3-rope-tied", "mistral-swa", "qwen2", "qwen3"];

/// Those that the reference of this folder does not know.
const GOLDENS_ALONE: [&str; 2] = ["gemma2", "gpt2"];

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

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("an id") as u32).collect()
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
fn the_reference_agrees_with_transformers() {
    for name in GOLDENS {
        let Some(source) = shared(&format!("goldens/{name}")) else { return };
        let (package, config, golden) = (convert(&source, "q0f32"), json(&source.join("config.json")), json(&source.join("golden.json")));
        let tensors = read(&package.path(), &config);
        let rows = Reference { config: &config, tensors: &tensors, bytes: false }.logits(&ids(&golden["input_ids"]));
        for (row, expected) in [(rows.first(), "logits_first"), (rows.last(), "logits_last")] {
            let row: Vec<f32> = row.expect("the prompt is not empty").iter().map(|&logit| logit as f32).collect();
            let worst = delta(&row, &numbers(&golden[expected]));
            assert!(worst <= 1e-4, "{name} {expected}: {worst:e}");
        }
    }
}

/// Logits of a golden model within a tolerance; greedy tokens too where single precision makes them the same.
fn check_goldens(quantization: &str, tolerance: f64) {
    for name in GOLDENS.into_iter().chain(GOLDENS_ALONE) {
        let Some(source) = shared(&format!("goldens/{name}")) else { return };
        let (package, golden) = (convert(&source, quantization), json(&source.join("golden.json")));
        let input = ids(&golden["input_ids"]);
        for gpu in devices() {
            let mut engine = engine(&gpu, &package.path(), &CompileOptions::default());
            let rows = logits(&mut engine, &input);
            let mut worst = delta(&rows[0], &numbers(&golden["logits_first"]));
            worst = worst.max(delta(&rows[rows.len() - 1], &numbers(&golden["logits_last"])));
            let tops = golden["top8_ids"].as_array().expect("a list").iter().zip(golden["top8_logits"].as_array().expect("a list"));
            for (row, (top, expected)) in rows.iter().zip(tops) {
                let found: Vec<f32> = ids(top).iter().map(|&id| row[id as usize]).collect();
                worst = worst.max(delta(&found, &numbers(expected)));
            }
            eprintln!("{name} {quantization} on {}: {worst:e}", gpu.info().name);
            assert!(worst <= tolerance, "{name} {quantization} on {}: {worst:e}", gpu.info().name);
            if quantization == "q0f32" {
                let length = golden["greedy_prompt_len"].as_u64().expect("a length") as usize;
                let expected = ids(&golden["greedy_new_ids"]);
                let (found, _) = answer(&mut engine, Prompt::Ids(input[..length].to_vec()), expected.len() as u32);
                assert_eq!(found, expected, "{name} on {}", gpu.info().name);
            }
        }
    }
}

#[test]
fn goldens_in_single_precision() {
    check_goldens("q0f32", 2e-3);
}

#[test]
fn goldens_in_half_precision() {
    check_goldens("q0f16", 3e-2);
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

#[test]
fn a_trained_model_tells_the_known_story() {
    let Some(source) = shared("models/stories260K/hf") else { return };
    let (package, golden) = (convert(&source, "q0f32"), json(&source.join("golden.json")));
    for gpu in devices() {
        let mut engine = engine(&gpu, &package.path(), &CompileOptions::default());
        let start = ids(&golden["input_ids"]);
        let expected = ids(&golden["greedy_ids_from_bos"]);
        let prompt = golden["prompt"].as_str().expect("a prompt");
        let (found, text) = answer(&mut engine, Prompt::Text(prompt.into()), (expected.len() - start.len()) as u32);
        assert_eq!(found, expected[start.len()..], "on {}", gpu.info().name);
        assert_eq!(format!("{prompt}{text}"), golden["greedy_text_from_bos"], "on {}", gpu.info().name);
    }
}

/// Nats a token on the sample text, each document from its start, as the golden was measured.
pub fn nats(engine: &mut Solo, text: &str, documents: usize, most: usize) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for document in text.split("<|endoftext|>").take(documents) {
        let mut ids = engine.intake().tokenizer().expect("a tokenizer").encode(document.trim(), true).expect("ids");
        ids.truncate(most);
        for (row, &next) in logits(engine, &ids).iter().zip(&ids[1..]) {
            let greatest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let total: f64 = row.iter().map(|&logit| (f64::from(logit) - greatest).exp()).sum();
            sum += greatest + total.ln() - f64::from(row[next as usize]);
            count += 1;
        }
    }
    sum / f64::from(count)
}

#[test]
fn four_bits_cost_little_on_a_trained_model() {
    let Some(source) = shared("models/babyllama/hf-tok361") else { return };
    let Some(text) = shared("eval-text/tinystories_train_first2MiB.txt") else { return };
    let text = std::fs::read_to_string(text).expect("the sample text");
    let Some(gpu) = adapter(&Options::default()) else { return };
    let [whole, packed] = ["q0f32", "q4f16_1"].map(|quantization| {
        let package = convert(&source, quantization);
        nats(&mut engine(&gpu, &package.path(), &CompileOptions::default()), &text, 10, 256)
    });
    eprintln!("babyllama on {}: q0f32 {whole:.4} nats a token, q4f16_1 {packed:.4}", gpu.info().name);
    // The golden is 0.687 over 200 documents; these are the first ten of them.
    assert!((0.5..0.9).contains(&whole), "{whole}");
    assert!(packed - whole <= 0.10, "{packed} against {whole}");
}

/// Rows of 172 do not fill groups of 32: their padding must count for nothing.
#[test]
fn ragged_groups_on_a_trained_model_agree_with_the_reference() {
    let Some(source) = shared("models/stories260K/hf") else { return };
    let (package, config, golden) = (convert(&source, "q4f16_1"), json(&source.join("config.json")), json(&source.join("golden.json")));
    let tensors = read(&package.path(), &config);
    let ids = ids(&golden["greedy_ids_from_bos"])[..80].to_vec();
    let expected = Reference { config: &config, tensors: &tensors, bytes: false }.logits(&ids);
    for gpu in devices() {
        let rows = logits(&mut engine(&gpu, &package.path(), &CompileOptions::default()), &ids);
        let worst = rows.iter().zip(&expected).map(|(found, expected)| delta(found, expected)).fold(0.0, f64::max);
        // The cache holds halves, and the logits reach 20.
        assert!(worst <= 5e-2, "on {}: {worst:e}", gpu.info().name);
    }
}

/// The path of the shared data is named in one place; a typo there would skip everything in silence.
#[test]
fn shared_data_is_whole_where_it_is_there() {
    let Some(folder) = shared("goldens") else { return };
    let missing: Vec<_> = GOLDENS.iter().filter(|name| !Path::new(&folder).join(name).join("golden.json").is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
