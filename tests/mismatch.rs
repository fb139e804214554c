//! A library and a package of different models whose tensors have the same shapes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tegula::ErrorKind;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::{Gpu, Options};
use tegula_package::mlc::ChatConfig;

use crate::package::Package;
use crate::{adapter, checkpoint, package};

/// A package of a small Mistral with some settings changed.
fn made(changes: &[(&str, Value)]) -> Package {
    let source = tempfile::tempdir().expect("a folder for tests");
    let mut config = checkpoint::config("mistral");
    changes.iter().for_each(|(setting, value)| config[*setting] = value.clone());
    checkpoint::write(source.path(), &config, &checkpoint::weights(&config)).expect("a checkpoint");
    package::convert(source.path(), "q4f16_1")
}

fn text(package: &Path, name: &str) -> String {
    fs::read_to_string(package.join(name)).expect("a file of a package")
}

/// The library of a config.
fn library(config: &str, options: &CompileOptions) -> Vec<u8> {
    compile(&Config::parse(config).expect("a config"), options).expect("a library").library
}

/// Holds a package against a library.
fn load(gpu: &Gpu, package: &Path, config: Option<&str>, library: &[u8]) -> tegula::Result<()> {
    Loader::new(gpu.clone(), library, config, &text(package, "tensor-cache.json"), Budget::default()).map(|_| ())
}

#[test]
fn a_package_of_another_model_is_refused_by_what_differs() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let ours = made(&[]);
    let config = text(&ours.path(), "mlc-chat-config.json");
    let compiled = library(&config, &CompileOptions::default());
    load(&gpu, &ours.path(), Some(&config), &compiled).expect("they are of the same model");
    for (setting, value, fact) in [
        ("rope_theta", json!(500_000.0), "rope"),
        ("rope_scaling", json!({"rope_type": "linear", "factor": 4.0}), "rope"),
        ("rms_norm_eps", json!(1e-6), "norm_eps"),
        ("sliding_window", json!(24), "sliding_window"),
        ("sliding_window", Value::Null, "sliding_window"),
    ] {
        let theirs = made(&[(setting, value)]);
        let other = text(&theirs.path(), "mlc-chat-config.json");
        let error = load(&gpu, &theirs.path(), Some(&other), &compiled).expect_err(setting);
        let ErrorKind::ModelMismatch { name, expected, found, .. } = error.kind() else { panic!("{setting}: {error}") };
        assert_eq!(name, fact, "{error}");
        assert_ne!(expected, found);
        assert_eq!(error.code(), "ParameterMismatchError");
        assert!(error.to_string().contains(fact) && error.to_string().contains("compile a library"), "{error}");
    }
}

/// The library of the checkpoint's own config is that of the package, whatever is asked for when it is
/// compiled.
#[test]
fn a_library_of_the_same_model_is_taken_wherever_it_is_from() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let package = made(&[]);
    let config = text(&package.path(), "mlc-chat-config.json");
    let ask = CompileOptions { quantization: Some("q4f16_1".into()), context_window_size: Some(64), ..CompileOptions::default() };
    let windowed = CompileOptions { sliding_window_size: Some(8), ..CompileOptions::default() };
    let libraries = [library(&checkpoint::config("mistral").to_string(), &ask), library(&config, &ask), library(&config, &windowed)];
    for compiled in &libraries {
        load(&gpu, &package.path(), Some(&config), compiled).expect("they are of the same model");
    }
    // Other tools state nothing: shapes are all that can be compared.
    let mut foreign: Value = serde_json::from_str(&config).expect("JSON");
    assert!(foreign["fingerprint"].is_object());
    for stated in [None, Some(Value::Null), Some(json!({})), Some(json!("other")), Some(json!({"later": "x"}))] {
        foreign.as_object_mut().expect("an object").shift_remove("fingerprint");
        if let Some(stated) = stated {
            foreign["fingerprint"] = stated;
        }
        load(&gpu, &package.path(), Some(&foreign.to_string()), &libraries[0]).expect("nothing contradicts");
    }
    load(&gpu, &package.path(), None, &libraries[0]).expect("nothing contradicts");
}

/// The embedded package states what its config says.
#[test]
fn the_embedded_package_states_what_model_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tegula-tiny");
    let config = text(&folder, ChatConfig::FILE);
    let plan = compile(&Config::parse(&config).expect("a config"), &CompileOptions::default()).expect("a library").plan;
    assert_eq!(ChatConfig::parse(&config).expect("a config").fingerprint, plan.model.fingerprint);
}
