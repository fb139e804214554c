//! Models that Hugging Face's own implementation has evaluated, and trained ones, against its figures: where the shared data is there.

use std::path::Path;

use serde_json::Value;
use tegula::Prompt;
use tegula_compiler::CompileOptions;
use tegula_gpu::Options;

use crate::models::{answer, delta, devices, logits};
use crate::package::{convert, engine, json, read};
use crate::reference::Reference;
use crate::solo::Solo;
use crate::{adapter, shared};

/// The models that Hugging Face's implementation has evaluated.
const GOLDENS: [&str; 5] = ["llama", "llama3-rope-tied", "mistral-swa", "qwen2", "qwen3"];

/// Figures of a golden.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// Token ids of a golden.
pub fn ids(value: &Value) -> Vec<u32> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("an id") as u32).collect()
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
fn check(name: &str, quantization: &str, tolerance: f64) {
    check_file(name, "golden.json", quantization, tolerance, &CompileOptions::default());
}

/// The same of one of its files. In single precision, its prompt is also taken in chunks.
fn check_file(name: &str, file: &str, quantization: &str, tolerance: f64, options: &CompileOptions) {
    let Some(source) = shared(&format!("goldens/{name}")) else { return };
    let (package, golden) = (convert(&source, quantization), json(&source.join(file)));
    let input = ids(&golden["input_ids"]);
    for gpu in devices() {
        let mut engine = engine(&gpu, &package.path(), options);
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
            // Prompts in chunks that divide neither them nor windows, and the same whole.
            for chunk in [None, Some(7)] {
                let chunked = CompileOptions { prefill_chunk_size: chunk, ..options.clone() };
                let mut engine = crate::package::engine(&gpu, &package.path(), &chunked);
                let (found, _) = answer(&mut engine, Prompt::Ids(input[..length].to_vec()), expected.len() as u32);
                assert_eq!(found, expected, "{name} in chunks of {chunk:?} on {}", gpu.info().name);
            }
        }
    }
}

/// Longrope: a prompt beyond the original length.
#[test]
fn long_sequences_are_rotated_as_such() {
    check_file("phi4-mini", "golden_long.json", "q0f32", 2e-3, &CompileOptions::default());
}

/// An answer that crosses the original length has all of its keys computed again: each token is the one that follows all before it as a prompt.
/// transformers 5.17 gives up what it has computed there, too, but goes on from the last token alone. So its figures count up to there.
#[test]
fn an_answer_that_outgrows_its_rotation_is_that_of_prompts() {
    let Some(source) = shared("goldens/phi4-mini") else { return };
    let (package, golden) = (convert(&source, "q0f32"), json(&source.join("golden_cross.json")));
    let original = json(&source.join("config.json"))["original_max_position_embeddings"].as_u64().expect("a length") as usize;
    let length = golden["greedy_prompt_len"].as_u64().expect("a length") as usize;
    let expected = ids(&golden["greedy_new_ids"]);
    for gpu in devices() {
        let mut engine = engine(&gpu, &package.path(), &CompileOptions::default());
        let mut all = ids(&golden["input_ids"])[..length].to_vec();
        let (found, _) = answer(&mut engine, Prompt::Ids(all.clone()), expected.len() as u32);
        assert_eq!(found[..=original - length], expected[..=original - length], "on {}", gpu.info().name);
        for (place, id) in found.iter().enumerate() {
            let (next, _) = answer(&mut engine, Prompt::Ids(all.clone()), 1);
            assert_eq!(next, [*id], "{place} on {}", gpu.info().name);
            all.push(*id);
        }
    }
}

/// Dynamic scaling goes by the context that a library is compiled for.
#[test]
fn dynamic_scaling_goes_by_the_context() {
    let Some(source) = shared("goldens/llama-dynamic") else { return };
    let (package, golden) = (convert(&source, "q0f32"), json(&source.join("golden.json")));
    let input = ids(&golden["input_ids"]);
    let gpu = devices().remove(0);
    let options = CompileOptions { context_window_size: Some(input.len() as u32), ..CompileOptions::default() };
    let rows = logits(&mut engine(&gpu, &package.path(), &options), &input);
    let worst = delta(&rows[0], &numbers(&golden["logits_first"])).max(delta(&rows[input.len() - 1], &numbers(&golden["logits_last"])));
    assert!(worst <= 2e-3, "{worst:e}");
    // Within the positions of training nothing is scaled.
    let length = golden["greedy_prompt_len"].as_u64().expect("a length") as usize;
    let expected = ids(&golden["greedy_new_ids"]);
    let mut engine = engine(&gpu, &package.path(), &CompileOptions::default());
    let (found, _) = answer(&mut engine, Prompt::Ids(input[..length].to_vec()), expected.len() as u32);
    assert_eq!(found, expected);
}

/// A module for each golden: in single precision, and in half precision.
macro_rules! goldens {
    ($($module:ident: $name:literal,)*) => {
        /// Each golden by itself.
        mod each {
            $(mod $module {
                #[test]
                fn goldens_in_single_precision() {
                    super::super::check($name, "q0f32", 2e-3);
                }

                #[test]
                fn goldens_in_half_precision() {
                    super::super::check($name, "q0f16", 3e-2);
                }
            })*
        }
    };
}

goldens! {
    cohere2: "cohere2",
    ernie4_5: "ernie4_5",
    gemma: "gemma",
    gemma2: "gemma2",
    gemma3: "gemma3",
    gemma4: "gemma4",
    gpt2: "gpt2",
    gpt_neox: "gpt_neox",
    granite: "granite",
    granite4: "granite4",
    hunyuan: "hunyuan",
    internlm2: "internlm2",
    llama: "llama",
    llama3: "llama3-rope-tied",
    llama_linear: "llama-linear",
    llama_yarn: "llama-yarn",
    minicpm: "minicpm",
    ministral3: "ministral3",
    mistral: "mistral-swa",
    olmo2: "olmo2",
    olmo3: "olmo3",
    phi: "phi",
    phi3: "phi3",
    phi4_mini: "phi4-mini",
    qwen2: "qwen2",
    qwen3: "qwen3",
    smollm3: "smollm3",
    stablelm: "stablelm",
    starcoder2: "starcoder2",
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
