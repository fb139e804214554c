//! Each phase of the compilation of five small models against texts in `tests/golden`. `BLESS=1` rewrites them; then read the diff.

use std::path::{Path, PathBuf};
use tegula_compiler::{CompileOptions, Compiled, Config, Phase, compile};
use tegula_plan::Activations;

const MODELS: [&str; 5] = ["llama", "llama3", "mistral", "qwen2", "qwen3"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate of the workspace").to_owned()
}

fn compiled(model: &str) -> Compiled {
    compiled_with(model, &CompileOptions::default())
}

fn compiled_with(model: &str, options: &CompileOptions) -> Compiled {
    let path = repository().join(format!("tests/fixtures/configs/{model}.json"));
    let json = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    compile(&Config::parse(&json).unwrap(), options).unwrap()
}

/// Compares a text with its golden, or rewrites that.
fn check(name: &str, text: &str) {
    let path = repository().join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden == text {
        return;
    }
    let differs =
        golden.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or_else(|| golden.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(differs).unwrap_or("(end)").to_owned();
    panic!(
        "tests/golden/{name}.txt differs from line {} on:\n- {}\n+ {}\nif that is right, run again with BLESS=1",
        differs + 1,
        line(&golden),
        line(text)
    );
}

fn check_phase(phase: Phase) {
    for model in MODELS {
        check(&format!("{model}.{}", phase.name()), &compiled(model).dump(phase));
    }
}

#[test]
fn graphs() {
    check_phase(Phase::Graph);
}

#[test]
fn fused_stages() {
    check_phase(Phase::Fused);
}

#[test]
fn plans() {
    check_phase(Phase::Plan);
}

/// What differs from a library without: the head, and the prompts of a class that has no matrix units.
#[test]
fn a_plan_with_int8_activations() {
    let options = CompileOptions { activations: Activations::Int8, ..CompileOptions::default() };
    let plan = compiled_with("qwen3", &options).dump(Phase::Plan);
    let (head, _) = plan.split_once("\nparams").expect("parameters follow the head");
    let baseline = plan.split("\nvariant ").find(|variant| variant.starts_with("baseline")).expect("every library has it");
    let prefill = baseline.split("\n  entry ").find(|entry| entry.starts_with("prefill")).expect("every class has it");
    check("qwen3.int8.prefill", &format!("{head}\nentry {prefill}"));
}

#[test]
fn kernels_are_listed_with_their_texts() {
    let compiled = compiled("llama");
    let dump = compiled.dump(Phase::Wgsl);
    for (index, text) in compiled.shaders.iter().enumerate() {
        assert!(dump.contains(&format!("// shader {index}\n")) && dump.contains(text.trim_end()));
    }
    for kernel in compiled.plan.variants.iter().flat_map(|variant| &variant.kernels) {
        assert!(dump.contains(&kernel.name));
    }
}
