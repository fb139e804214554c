//! The launch code of model libraries against [`Size::eval`], in an interpreter, and the whole module against damage.

use tegula_compiler::{CompileOptions, Config, compile};
use tegula_plan::{Activations, Dispatch, Library, Size, StepSize, TABLE_WORDS};
use wasmi::{Engine, Instance, Linker, Module, Store};

fn config(model: &str) -> Config {
    let path = format!("{}/../tests/fixtures/configs/{model}.json", env!("CARGO_MANIFEST_DIR"));
    Config::parse(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// A generator of small random numbers (xorshift), seeded so that failures repeat.
struct Random(u64);

impl Random {
    fn up_to(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % (u64::from(limit) + 1)) as u32
    }
}

fn instance(library: &[u8]) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = Module::new(&engine, library).unwrap();
    assert_eq!(module.imports().count(), 0);
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
    (store, instance)
}

fn words(dispatch: &Dispatch) -> impl Iterator<Item = &Size> {
    dispatch.grid.iter().chain(&dispatch.uniforms)
}

fn check(library: &[u8]) {
    let plan = Library::parse(library).unwrap().plan;
    let (mut store, instance) = instance(library);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let pages = plan.model.pages_per_sequence();
    for variant in &plan.variants {
        for entry in &variant.entries {
            let launch = instance.get_typed_func::<(u32, u32, u32, u32, u32, u32), u32>(&store, &variant.export(entry)).unwrap();
            let most = StepSize {
                rows: entry.max_rows,
                pages,
                prompt: entry.max_rows,
                segments: 4,
                longest: entry.max_rows,
                read: entry.max_rows.min(4),
            };
            let corners =
                [(1, 1), (entry.max_rows, pages), (1, pages), (entry.max_rows, 1)].map(|(rows, pages)| StepSize::singles(rows, pages));
            let others = (0..100).map(|_| {
                let [rows, pages, prompt, segments, longest, read] = most.members().map(|most| random.up_to(most));
                StepSize { rows: rows.max(1), pages, prompt, segments, longest, read: read.max(1) }
            });
            for step in corners.into_iter().chain([most]).chain(others.collect::<Vec<_>>()) {
                let address = launch.call(&mut store, step.members().into()).unwrap() as usize;
                let bytes = &memory.data(&store)[address..][..entry.dispatches.len() * TABLE_WORDS * 4];
                let table: Vec<u32> = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
                for (dispatch, row) in entry.dispatches.iter().zip(table.chunks_exact(TABLE_WORDS)) {
                    let expected: Vec<u32> = words(dispatch).map(|size| size.eval(&step)).collect();
                    assert_eq!(row, expected, "{} {} at {step:?}", variant.export(entry), dispatch.label);
                }
            }
        }
    }
}

fn int8() -> CompileOptions {
    CompileOptions { activations: Activations::Int8, ..CompileOptions::default() }
}

#[test]
fn launch_tables_equal_the_plan() {
    for model in ["llama", "llama3", "mistral", "qwen2", "qwen3"] {
        check(&compile(&config(model), &CompileOptions::default()).unwrap().library);
        check(&compile(&config(model), &int8()).unwrap().library);
    }
}

#[test]
fn the_same_config_gives_the_same_bytes() {
    for options in [CompileOptions::default(), int8()] {
        let library = || compile(&config("qwen3"), &options).unwrap().library;
        assert_eq!(library(), library());
    }
}

#[test]
fn an_8b_library_is_small() {
    let json = r#"{"model_type": "llama", "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "hidden_act": "silu"}"#;
    let compiled = compile(&Config::parse(json).unwrap(), &CompileOptions::default()).unwrap();
    assert!(compiled.library.len() <= 300 << 10, "{} bytes", compiled.library.len());
    check(&compiled.library);
}

/// Code, tables, plan and texts alike: what is damaged would run, and answer something else.
#[test]
fn no_bit_of_a_library_can_change_unnoticed() {
    const TRIALS: usize = 10_000;
    let whole = compile(&config("llama"), &CompileOptions::default()).unwrap().library;
    let mut flipped = whole.clone();
    for trial in 0..TRIALS {
        // Every part of the file, and every bit of a byte.
        let (byte, bit) = (trial * whole.len() / TRIALS, 1 << (trial % 8));
        flipped[byte] ^= bit;
        assert!(Library::parse(&flipped).is_err(), "byte {byte} of {}, bit {bit}", whole.len());
        flipped[byte] ^= bit;
    }
    assert!(Library::parse(&flipped).is_ok());
}
