//! What a seed promises with f32 precision: the same tokens on every host, alone and in company.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use futures::future::join_all;
use serde_json::Value;
use tegula::host::Package as Said;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::sampler::Sampling;
use tegula::{ErrorKind, Prompt, Request};
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::Gpu;
use tegula_package::mlc::ChatConfig;
use tegula_plan::Precision;

use crate::models::{devices, prompt};
use crate::package::{Package, convert, own};
use crate::solo::Solo;
use crate::{checkpoint, shared};

/// Tokens by seed, as every host draws them. `tests/browser/precision.test.mjs` reads it, too.
const GOLDEN: &str = include_str!("golden/drawn.json");

/// The model of `cargo xtask fixture`, with which the browser's tests draw.
fn fixture() -> Package {
    let source = tempfile::tempdir().expect("a folder for tests");
    let mut config = checkpoint::config("llama");
    config["eos_token_id"] = Value::Null;
    config["max_position_embeddings"] = 2048.into();
    let weights = checkpoint::weights(&config);
    checkpoint::write(source.path(), &config, &weights).expect("the folder can be written");
    convert(source.path(), "q4f16_1")
}

fn library(package: &Path, options: &CompileOptions) -> Vec<u8> {
    let config = fs::read_to_string(package.join(ChatConfig::FILE)).expect("a config");
    compile(&Config::parse(&config).expect("a config"), options).expect("a library").library
}

fn loader(gpu: &Gpu, package: &Path, library: &[u8], precision: Precision) -> tegula::Result<Loader> {
    let text = |name: &str| fs::read_to_string(package.join(name)).expect("a file of the package");
    let (config, manifest) = (text(ChatConfig::FILE), text("tensor-cache.json"));
    Loader::new(gpu.clone(), own(library).with_precision(precision), Some(&config), &manifest, Budget::default())
}

fn engine(gpu: &Gpu, package: &Path, library: &[u8], precision: Precision) -> Solo {
    let mut loader = loader(gpu, package, library, precision).expect("they fit each other");
    for (index, shard) in loader.shards().to_vec().iter().enumerate() {
        loader.begin(index).expect("a shard");
        loader.push(&fs::read(package.join(&shard.path)).expect("its file")).expect("its bytes");
        loader.end().expect("its hash");
    }
    let model = pollster::block_on(loader.finish()).expect("a model");
    assert!(precision == Precision::Auto || model.variant().name == "baseline");
    Solo::new(model, Said::default())
}

/// Draws with all seeds at once.
fn draw(engine: &mut Solo, ids: &[u32], seeds: &[u64], most: u32) -> BTreeMap<u64, Vec<u32>> {
    let request = |&seed: &u64| {
        let sampling = Sampling { temperature: 1.0, top_p: 1.0, seed, ..Sampling::greedy() };
        let greedy = Request::greedy(Prompt::Ids(ids.to_vec()));
        engine.ask(Request { sampling, max_tokens: Some(most), ignore_eos: true, ..greedy }).answer()
    };
    let answers: Vec<_> = seeds.iter().map(request).collect();
    let answers = engine.until(join_all(answers)).into_iter().map(|answer| answer.expect("an answer").ids);
    seeds.iter().copied().zip(answers).collect()
}

#[test]
fn f32_precision_draws_the_same_tokens_on_every_host() {
    let golden: BTreeMap<u64, Vec<u32>> = serde_json::from_str(GOLDEN).expect("tokens by seed");
    let seeds: Vec<u64> = golden.keys().copied().collect();
    let most = golden[&seeds[0]].len() as u32;
    assert!(seeds.len() >= 4 && most >= 200);
    let (package, ids) = (fixture(), prompt(40, 256));
    let mut fingerprints = Vec::new();
    // Both run the same kernels.
    for gpu in devices().into_iter().take(1) {
        for chunk in [None, Some(1)] {
            let options = CompileOptions { precision: Precision::F32, prefill_chunk_size: chunk, ..CompileOptions::default() };
            let library = library(&package.path(), &options);
            let mut engine = engine(&gpu, &package.path(), &library, Precision::F32);
            // All at once, or one alone.
            let seeds = if chunk.is_none() { &seeds[..] } else { &seeds[..1] };
            let drawn = draw(&mut engine, &ids, seeds, most);
            for (seed, drawn) in drawn {
                assert!(drawn == golden[&seed], "seed {seed} on {}, chunks of {chunk:?}: {drawn:?}", gpu.info().name);
            }
            fingerprints.push(engine.fingerprint());
        }
    }
    assert!(fingerprints.iter().all(|name| name.starts_with("fp_") && name.len() == 19));
}

#[test]
fn a_trained_model_tells_the_same_stories_on_every_host() {
    let Some(folder) = shared("models/stories260K/hf") else { return };
    let package = convert(&folder, "q4f16_1");
    let options = CompileOptions { precision: Precision::F32, ..CompileOptions::default() };
    let library = library(&package.path(), &options);
    let golden = include_str!("golden/drawn_stories.json");
    let golden: BTreeMap<u64, Vec<u32>> = serde_json::from_str(golden).expect("tokens by seed");
    let once_upon_a_time = [1, 403, 407, 261, 378];
    let seeds: Vec<u64> = golden.keys().copied().collect();
    for gpu in devices().into_iter().take(1) {
        let mut engine = engine(&gpu, &package.path(), &library, Precision::F32);
        let drawn = draw(&mut engine, &once_upon_a_time, &seeds, golden[&seeds[0]].len() as u32);
        assert!(drawn == golden, "{}: {drawn:?}", gpu.info().name);
    }
}

#[test]
fn f32_precision_is_refused_where_keys_and_values_have_16_bits() {
    let package = fixture();
    let half = library(&package.path(), &CompileOptions::default());
    for gpu in devices() {
        let error = loader(&gpu, &package.path(), &half, Precision::F32).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Precision), "{error}");
        assert!(error.to_string().contains("tegula compile --precision f32"), "{error}");
    }
}

#[test]
fn fingerprints_tell_what_answers_follow_from() {
    let package = fixture();
    let of = |gpu: &Gpu, options: &CompileOptions, precision| {
        let library = library(&package.path(), options);
        engine(gpu, &package.path(), &library, precision).fingerprint()
    };
    let precise = CompileOptions { precision: Precision::F32, ..CompileOptions::default() };
    let chunked = CompileOptions { prefill_chunk_size: Some(16), ..precise.clone() };
    for gpu in devices() {
        let all = [
            of(&gpu, &CompileOptions::default(), Precision::Auto),
            of(&gpu, &precise, Precision::Auto),
            of(&gpu, &precise, Precision::F32),
            of(&gpu, &chunked, Precision::F32),
        ];
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        assert_eq!(all[2], of(&gpu, &precise, Precision::F32));
        // What compiles the kernels counts only where they may differ.
        let library = library(&package.path(), &precise);
        for precision in [Precision::Auto, Precision::F32] {
            let in_browser = |version: &str| {
                let mut loader = loader(&gpu, &package.path(), &library, precision).unwrap();
                loader.set_environment(version);
                for (index, shard) in loader.shards().to_vec().iter().enumerate() {
                    loader.begin(index).unwrap();
                    loader.push(&fs::read(package.path().join(&shard.path)).unwrap()).unwrap();
                    loader.end().unwrap();
                }
                pollster::block_on(loader.finish()).unwrap().fingerprint().to_owned()
            };
            assert_eq!(in_browser("1") == in_browser("2"), precision == Precision::F32);
        }
    }
}
