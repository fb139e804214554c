//! Libraries from anybody run with every check, and answer what those of the compiler do.

use tegula::load::Module;
use tegula::load::needs::needs;
use tegula::model::budget::Budget;
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::{Options, Origin};

use crate::adapter;
use crate::models::{delta, logits, prompt, random};
use crate::package::{load_within, own, texts};
use crate::solo::Solo;

#[test]
fn a_library_from_anybody_gives_the_logits_of_the_compilers_own() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    for quantization in ["q0f32", "q4f16_1"] {
        let package = random("llama", quantization).0;
        let package = package.path();
        let config = std::fs::read_to_string(package.join("mlc-chat-config.json")).expect("a config");
        let library = compile(&Config::parse(&config).expect("a config"), &CompileOptions::default()).expect("a library").library;
        let found = |module: Module<'_>| {
            let loader = load_within(&gpu, &package, module, Budget::default());
            let mut solo = Solo::new(pollster::block_on(loader.finish()).expect("a model"), texts(&package));
            (solo.variant.requires.matrix, logits(&mut solo, &prompt(70, 259)))
        };
        let anybody = Module::from(&library);
        assert_eq!(anybody.origin, Origin::default());
        let ((_, own), (matrix, checked)) = (found(own(&library)), found(anybody));
        assert!(!matrix, "matrix units are not checked");
        let worst = own.iter().zip(&checked).map(|(own, checked)| delta(own, checked)).fold(0.0, f64::max);
        // Matrix units round otherwise.
        let most = if gpu.info().matrix { 1e-2 } else { 1e-6 };
        assert!(worst <= most, "{quantization}: {worst:e} on {}", gpu.info().name);
        assert!(needs(&gpu, anybody, None).is_ok());
    }
}
