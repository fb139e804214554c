//! Conversion from checkpoint folders, made here, to packages, read back here.

mod checkpoints;
mod errors;
mod json;
mod recipes;
mod tokenizers;
mod unused;

use checkpoints::{CONFIG, Element, Folder, Package, config, shared, tensors};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use tegula_compiler::convert::{ConvertOptions, ConvertReport, VERSION, Warning, convert};
use tegula_compiler::digest;
use tegula_compiler::format::q4::codes as q4;
use tegula_compiler::quant::Quantization;
use tegula_compiler::{Config, Error, model};
use tegula_package::ErrorKind;

fn options(quantization: &str) -> ConvertOptions {
    ConvertOptions { quantization: Quantization::parse(quantization).unwrap(), ..ConvertOptions::default() }
}

fn run(source: &Path, output: &Path, options: &ConvertOptions) -> Result<ConvertReport, Error> {
    convert(source, output, options, &mut |_| ControlFlow::Continue(()))
}

/// Converts, and gives the package's folder and what was reported.
fn converted(folder: &Folder, options: &ConvertOptions) -> (Package, ConvertReport) {
    let output = folder.beside("package");
    let report = run(folder.path(), &output, options).unwrap();
    (Package::open(&output), report)
}

#[test]
fn q4_restores_every_weight_to_within_half_a_step() {
    for (quantization, element) in
        [("q4f16_1", Element::F32), ("q4f16_1", Element::Bf16), ("q4f16_1", Element::F16), ("q4f32_1", Element::F32)]
    {
        for f32_as_bf16 in [false, true] {
            let folder = Folder::new(&config(&[]), &tensors(element));
            let (package, _) = converted(&folder, &ConvertOptions { f32_as_bf16, ..options(quantization) });
            let graph = model::graph(&Config::parse(&config(&[])).unwrap()).unwrap();
            for param in graph.params.iter().filter(|param| param.quantize) {
                let (rows, columns) = (param.shape[0] as usize, param.shape[1] as usize);
                let module = param.name.strip_suffix(".weight").unwrap();
                let (words, scales) = (package.words(&format!("{module}.q_weight")), package.numbers(&format!("{module}.q_scale")));
                let groups = columns.div_ceil(32);
                assert_eq!((words.len(), scales.len()), (rows * groups * 4, rows * groups), "{module}");
                let source: Vec<f32> = param.sources.iter().flat_map(|source| folder.numbers(&source.name)).collect();
                for row in 0..rows {
                    let mut restored = vec![0.0; columns];
                    q4::dequantize(&words[row * groups * 4..][..groups * 4], &scales[row * groups..][..groups], &mut restored);
                    for column in 0..columns {
                        let (was, is, step) = (source[row * columns + column], restored[column], scales[row * groups + column / 32]);
                        assert!(
                            (was - is).abs() <= recipes::allowed(was, step),
                            "{module}[{row}, {column}]: {was} became {is} with steps of {step}"
                        );
                    }
                    let surplus = groups * 32 - columns;
                    let tail = words[row * groups * 4..][..groups * 4].iter().rev().take(surplus / 8);
                    assert!(tail.copied().all(|word| word == 0), "padding of {module} is not zero");
                }
            }
        }
    }
}

/// Half precision is stored as the nearest; single precision to the bit, unless bfloat16 was asked for or is exact.
#[test]
fn unquantized_packages_hold_the_numbers_of_the_checkpoint() {
    let check = |element: Element, options: &ConvertOptions, dtype: &str, format: &str, rounded: fn(f32) -> f32| {
        let folder = Folder::new(&config(&[]), &tensors(element));
        let (package, report) = converted(&folder, options);
        let (mut parameters, mut bytes) = (0, 0);
        for param in model::graph(&Config::parse(&config(&[])).unwrap()).unwrap().params {
            let source = param.sources.iter().flat_map(|source| folder.numbers(&source.name));
            let expected: Vec<f32> = source.map(rounded).collect();
            let record = package.record(&param.name);
            // The norms are all ones, which any type holds.
            let format = if param.shape.len() == 1 { "f32-to-bf16" } else { format };
            assert_eq!((&record["dtype"], &record["format"]), (&json!(dtype), &json!(format)), "{}", param.name);
            assert_eq!(record["shape"], json!(param.shape));
            assert_eq!(package.numbers(&param.name), expected, "{}", param.name);
            parameters += expected.len() as u64;
            bytes += package.bytes(&param.name).len() as u64;
        }
        assert_eq!((report.parameters, report.bytes), (parameters, bytes));
    };
    let f16 = |value| half::f16::from_f32(value).to_f32();
    let bf16 = |value| half::bf16::from_f32(value).to_f32();
    check(Element::F32, &options("q0f16"), "float16", "f32-to-bf16", f16);
    check(Element::Bf16, &options("q0f16"), "float16", "f32-to-bf16", f16);
    check(Element::F16, &options("q0f16"), "float16", "f32-to-bf16", |value| value);
    check(Element::F32, &options("q0f32"), "float32", "raw", |value| value);
    check(Element::F16, &options("q0f32"), "float32", "raw", |value| value);
    check(Element::Bf16, &options("q0f32"), "float32", "f32-to-bf16", |value| value);
    check(Element::F32, &ConvertOptions { f32_as_bf16: true, ..options("q0f32") }, "float32", "f32-to-bf16", bf16);
}

/// A tensor in single precision that bfloat16 holds exactly takes half the bytes, and restores to the bit.
#[test]
fn exact_bfloat16_is_found_tensor_by_tensor() {
    let mut tensors = tensors(Element::F32);
    let table = tensors.iter_mut().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap();
    table.values.iter_mut().for_each(|value| *value = half::bf16::from_f32(*value).to_f32());
    let folder = Folder::new(&config(&[]), &tensors);
    let (package, _) = converted(&folder, &options("q0f32"));
    assert_eq!(package.record("model.embed_tokens.weight")["format"], "f32-to-bf16");
    assert_eq!(package.record("lm_head.weight")["format"], "raw");
    assert_eq!(package.numbers("model.embed_tokens.weight"), folder.numbers("model.embed_tokens.weight"));
}

#[test]
fn several_files_make_the_same_package_as_one() {
    let one = Folder::new(&config(&[]), &tensors(Element::Bf16));
    let several = Folder::in_files(&config(&[]), &tensors(Element::Bf16), 3);
    assert!(!several.path().join("model.safetensors").exists());
    let (one, _) = converted(&one, &options("q4f16_1"));
    let (several, _) = converted(&several, &options("q4f16_1"));
    assert_eq!(one.files(), several.files());
}

/// Whoever saves a model anew in one file may leave the index of the old ones behind.
#[test]
fn a_whole_file_goes_before_an_index() {
    let folder = Folder::new(&config(&[]), &tensors(Element::Bf16));
    let (one, _) = converted(&folder, &options("q4f16_1"));
    for index in [r#"{"weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}}"#, "{"] {
        folder.write("model.safetensors.index.json", index);
        let (beside, _) = converted(&folder, &options("q4f16_1"));
        assert_eq!(one.files(), beside.files());
    }
}

/// The compiler makes the same graph of a package as of the checkpoint, in either spelling of rope.
#[test]
fn a_package_says_what_its_checkpoint_says() {
    let scaled = json!({"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64});
    let linear = json!({"rope_type": "linear", "factor": 2.0});
    for (changes, window) in [
        (vec![], -1),
        (vec![("rope_theta", json!(1e6))], -1),
        (vec![("rope_parameters", scaled.clone())], -1),
        (vec![("rope_scaling", scaled.clone())], -1),
        (vec![("rope_scaling", scaled.clone()), ("rope_parameters", json!({"rope_type": "default", "rope_theta": 2e4}))], -1),
        (vec![("rope_scaling", linear), ("rope_parameters", scaled.clone())], -1),
        (vec![("rope_parameters", json!({"full_attention": scaled, "sliding_attention": {"rope_theta": 3e4}}))], -1),
        (vec![("model_type", json!("mistral")), ("sliding_window", json!(24))], 24),
    ] {
        let source = config(&changes);
        let folder = Folder::new(&source, &tensors(Element::F16));
        let (package, report) = converted(&folder, &options("q4f32_1"));
        assert_eq!(report.warnings, [Warning::NoTokenizer]);
        let text = package.text("mlc-chat-config.json");
        let config = Config::parse(&text).unwrap();
        assert_eq!(model::graph(&config).unwrap(), model::graph(&Config::parse(&source).unwrap()).unwrap());
        assert_eq!(config.quantization.as_deref(), Some("q4f32_1"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["sliding_window_size"], window);
        assert_eq!(value["context_window_size"], if window > 0 { -1 } else { 256 });
        assert_eq!((&value["vocab_size"], &value["active_vocab_size"]), (&json!(96), &json!(96)));
    }
}

/// A conversion that ends early leaves neither a package nor parts of one, and the package that was there as it was.
#[test]
fn an_interrupted_conversion_leaves_no_package() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F32));
    let output = folder.beside("package");
    let interrupt = || {
        let mut steps = 0;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            convert(folder.path(), &output, &options("q0f16"), &mut |progress| {
                steps += 1;
                if progress.done == progress.total {
                    std::panic::panic_any("interrupted after the last tensor");
                }
                ControlFlow::Continue(())
            })
        }));
        assert!(result.is_err() && steps > 10);
    };
    interrupt();
    assert_eq!(folder.neighbours(), ["checkpoint"]);

    run(folder.path(), &output, &options("q4f16_1")).unwrap();
    let before = Package::open(&output).files();
    interrupt();
    assert_eq!(folder.neighbours(), ["checkpoint", "package"]);
    assert_eq!(Package::open(&output).files(), before);
    run(folder.path(), &output, &options("q0f32")).unwrap();
    assert!(Package::open(&output).text("mlc-chat-config.json").contains("q0f32"));
}

#[test]
fn whoever_watches_may_break_off() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F32));
    let output = folder.beside("package");
    for after in [1, 7] {
        let mut steps = 0;
        let result = convert(folder.path(), &output, &options("q4f16_1"), &mut |_| {
            steps += 1;
            if steps == after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(result.unwrap_err().package(), Some(ErrorKind::Interrupted)));
        assert_eq!((steps, folder.neighbours()), (after, vec!["checkpoint".into()]));
    }
}

/// Whoever keeps packages relies on it. Where a fingerprint changes, so must the version.
#[test]
fn the_version_stands_for_the_bytes() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F32));
    let found = ["q4f16_1", "q0f32"].map(|name| {
        let (package, _) = converted(&folder, &options(name));
        // The list of tensors has the hashes of all shards.
        digest(&[package.text("tensor-cache.json"), package.text("mlc-chat-config.json")].concat())
    });
    assert_eq!((VERSION, found), (4, [17_947_027_670_350_501_835, 4_190_043_323_515_369_332]));
}

#[test]
fn progress_reaches_the_end_in_bytes_of_the_checkpoint() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F16));
    let mut seen: Vec<(u64, u64, String)> = Vec::new();
    convert(folder.path(), &folder.beside("package"), &options("q4f16_1"), &mut |progress| {
        seen.push((progress.done, progress.total, progress.tensor.into()));
        ControlFlow::Continue(())
    })
    .unwrap();
    let total: u64 = tensors(Element::F16).iter().map(|tensor| 2 * tensor.values.len() as u64).sum();
    assert!(seen.iter().all(|step| step.1 == total) && seen.is_sorted_by_key(|step| step.0));
    assert_eq!(seen.first().unwrap().2, "model.embed_tokens.weight");
    assert_eq!(seen.last().unwrap().0, total);
}

/// Real checkpoints, written by Hugging Face.
#[test]
fn real_checkpoints_convert() {
    let Some(shared) = shared() else { return };
    for name in ["goldens/llama", "goldens/llama3-rope-tied", "goldens/mistral-swa", "goldens/qwen2", "goldens/qwen3"] {
        for quantization in ["q4f16_1", "q0f32"] {
            let root = tempfile::tempdir().unwrap();
            let report = run(&shared.join(name), &root.path().join("package"), &options(quantization)).unwrap();
            assert_eq!(report.warnings, [Warning::NoTokenizer], "{name}");
        }
    }
    for name in ["models/stories260K/hf", "models/babyllama/hf-tok361"] {
        let root = tempfile::tempdir().unwrap();
        let report = run(&shared.join(name), &root.path().join("package"), &options("q4f16_1")).unwrap();
        assert_eq!(report.warnings, [Warning::NoConversation], "{name}");
    }
}

/// A child process converts a checkpoint of 300 MB, nearly all one tensor; the memory it takes does not depend on that.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_largest_tensor() {
    const CHILD: &str = "TEGULA_TEST_CONVERT";
    if let Some(folder) = std::env::var_os(CHILD) {
        let folder = Path::new(&folder);
        run(&folder.join("checkpoint"), &folder.join("package"), &options("q4f32_1")).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        std::fs::write(folder.join("status"), status).unwrap();
        return;
    }
    let vocab = 1_200_000;
    let changes = [("vocab_size", json!(vocab)), ("tie_word_embeddings", json!(true))];
    let mut tensors = tensors(Element::F32);
    // All zeros beyond what is written: the file has a hole there, and takes no space.
    let table = tensors.iter_mut().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap();
    (table.shape, table.values) = (vec![vocab, CONFIG.hidden], Vec::new());
    let folder = Folder::new(&config(&changes), &tensors);
    let test = "memory_does_not_grow_with_the_largest_tensor";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD, folder.path().parent().unwrap())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let status = std::fs::read_to_string(folder.beside("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap();
    assert!(kibibytes < 64 << 10, "{kibibytes} KiB for a tensor of {} KiB", (vocab * CONFIG.hidden * 4) >> 10);
}
