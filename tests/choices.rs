//! Choosing among kernels on a device. Libraries with alternatives, by made-up records, answer as libraries without do.

use std::borrow::Cow;
use std::fs;

use tegula::model::choose::{Decision, Kernels};
use tegula::model::forward::{Entry, Forward, Read};
use tegula::model::step::Model;
use tegula_compiler::link::{Linked, link};
use tegula_compiler::op::Spec;
use tegula_compiler::schedule::Schedule;
use tegula_compiler::template::tunables;
use tegula_compiler::tune::{Record, Records};
use tegula_compiler::{CompileOptions, Compiled, Config, compile};
use tegula_gpu::Gpu;
use tegula_plan::{Dtype, Library, Requires, Row, section};
use wasm_encoder::{CustomSection, Section};

use crate::models::{devices, prompt, random};
use crate::package::{Package, load};

/// Seconds in which everything is measured, even on a busy processor.
const AMPLE: f64 = 300.0;

fn config(package: &Package) -> Config {
    Config::parse(&fs::read_to_string(package.path().join("mlc-chat-config.json")).expect("a config")).expect("a known one")
}

fn compiled(package: &Package, records: Records, alternatives: u32) -> Compiled {
    let options = CompileOptions { records: Some(records), alternatives: Some(alternatives), ..CompileOptions::default() };
    compile(&config(package), &options).expect("a library")
}

/// Kernels of a spec that differ from the default in one tunable.
fn others(spec: &Spec, requires: &Requires) -> Vec<Linked> {
    let default = spec.default_schedule(requires);
    let text = link(spec, requires, &default).expect("the default").text;
    let mut found: Vec<Linked> = Vec::new();
    for (name, values) in tunables(default.template).expect("tunables") {
        for value in values {
            let kept = default.values.iter().copied().filter(|(other, _)| other != name);
            let schedule = Schedule { template: default.template, values: kept.chain([(*name, *value)]).collect() };
            let linked = link(spec, requires, &schedule).ok().filter(|linked| linked.text != text);
            found.extend(linked.filter(|linked| found.iter().all(|known| known.text != linked.text)));
            if found.len() == 2 {
                return found;
            }
        }
    }
    found
}

/// What a device that nobody has found the fastest.
fn record(device: &str, spec: &Spec, requires: Requires, linked: Linked) -> Record {
    Record {
        spec: spec.key(),
        device: device.into(),
        software: false,
        requires,
        source: Record::source_digits(linked.source),
        schedule: linked.name,
        microseconds: 1.0,
        default: spec.default_schedule(&requires).to_string(),
        default_microseconds: 2.0,
        bytes: 1,
        operations: 0,
        fraction_of_stream: 0.5,
        candidates: 1,
        others: std::collections::BTreeMap::new(),
    }
}

/// Records of two devices that nobody has, on which schedules other than the default won, so that there are three to choose from.
fn records(package: &Package) -> Records {
    let compiled = compiled(package, Records::default(), 1);
    let mut list = Vec::new();
    let half = compiled.plan.model.paged().all(|group| group.format == Dtype::F16);
    for (subgroups, f16) in [(true, half), (true, false), (false, false)] {
        let requires = Requires { subgroups, f16, matrix: false };
        for (_, spec) in compiled.specs.iter().filter(|(class, _)| *class == requires) {
            let found = others(spec, &requires);
            list.extend(["One", "Other"].into_iter().zip(found).map(|(device, linked)| record(device, spec, requires, linked)));
        }
    }
    Records { list }
}

fn loaded(gpu: &Gpu, package: &Package, library: &[u8], kernels: Kernels) -> Model {
    let mut loader = load(gpu, &package.path(), library);
    loader.compile(kernels);
    pollster::block_on(loader.finish()).expect("a model")
}

#[test]
fn kernels_are_counted_as_they_compile() {
    let (package, _) = random("qwen3", "q0f32");
    let library = compiled(&package, Records::default(), 1).library;
    let gpu = &devices()[0];
    let mut loader = load(gpu, &package.path(), &library);
    let (sender, heard) = std::sync::mpsc::channel();
    loader.compile_telling(Kernels::Default, Box::new(move |compiled, total| sender.send((compiled, total)).expect("someone listens")));
    pollster::block_on(loader.finish()).expect("a model");
    let heard: Vec<(usize, usize)> = heard.iter().collect();
    let total = heard[0].1;
    assert!(total > 5, "{heard:?}");
    assert_eq!(heard, (0..=total).map(|compiled| (compiled, total)).collect::<Vec<_>>());
}

/// Logits of every position of a prompt, then those of tokens after it, one at a time, then those of a batch.
fn logits(model: &mut Model) -> Vec<f32> {
    let ids = prompt(40, model.facts().vocab_size);
    assert!(pollster::block_on(model.room(0, 40)).expect("room") && pollster::block_on(model.room(1, 1)).expect("room"));
    let mut found = Vec::new();
    let mut step = |entry: Entry, places: &[(usize, u32)], logits: u32| {
        let row = |&(position, sequence): &(usize, u32)| Row { token: ids[position], position: position as u32, slot: 0, sequence };
        let mut rows: Vec<Row> = places.iter().map(row).collect();
        let pending = model.submit(entry, &mut rows, Read::logits(logits)).expect("a step");
        found.extend(pollster::block_on(pending).expect("its result").logits);
    };
    let chunk = |from: usize, to: usize| (from..to).map(|position| (position, 0)).collect::<Vec<_>>();
    step(Entry::Prefill, &chunk(0, 30), 1);
    step(Entry::Score, &chunk(30, 37), 7);
    (37..39).for_each(|position| step(Entry::Decode, &[(position, 0)], 1));
    step(Entry::Batch, &[(39, 0), (0, 1)], 2);
    (0..2).for_each(|sequence| model.release(sequence));
    found
}

fn apart(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

#[test]
fn every_alternative_answers_as_the_first() {
    for (quantization, tolerance) in [("q0f32", 1e-4), ("q4f16_1", 2e-2)] {
        let (package, _) = random("qwen3", quantization);
        let records = records(&package);
        let [alone, several] = [1, 3].map(|alternatives| compiled(&package, records.clone(), alternatives).library);
        // Half precision on the device that may have it.
        for gpu in devices().into_iter().take(if quantization == "q0f32" { 2 } else { 1 }) {
            let mut model = loaded(&gpu, &package, &alone, Kernels::Default);
            let (expected, dispatches) = (logits(&mut model), model.dispatches(Entry::Decode));
            let mut model = loaded(&gpu, &package, &several, Kernels::Default);
            let lengths: Vec<u32> = model.variant().choices.iter().map(|choice| choice.alternatives.len() as u32).collect();
            assert!(lengths.contains(&3), "{lengths:?}");
            assert_eq!(logits(&mut model), expected, "the first alternative is what there is without");
            assert_eq!(model.dispatches(Entry::Decode), dispatches);
            for alternative in 1..3 {
                let chosen: Vec<u32> = lengths.iter().map(|length| alternative.min(length - 1)).collect();
                let mut model = loaded(&gpu, &package, &several, Kernels::Remembered(chosen.clone()));
                assert_eq!(model.chosen(), chosen);
                let apart = apart(&logits(&mut model), &expected);
                assert!(apart <= tolerance, "{quantization}, {alternative} on {}: {apart:e}", gpu.info().name);
            }
        }
    }
}

/// They are chosen where they were measured to be faster; no default is one.
#[test]
fn tiles_that_sum_in_half_precision_stay_near_those_that_do_not() {
    let requires = Requires { subgroups: true, f16: true, matrix: false };
    let tile = Schedule { template: "matmul/tile_half", values: vec![] };
    for architecture in ["llama", "mistral", "qwen2", "qwen3"] {
        let (package, _) = random(architecture, "q4f16_1");
        let plain = compiled(&package, Records::default(), 1);
        let specs = plain.specs.iter().filter(|(class, spec)| *class == requires && spec.key().ends_with("many"));
        let records = specs.filter_map(|(_, spec)| Some(record("One", spec, requires, link(spec, &requires, &tile).ok()?)));
        let half = compiled(&package, Records { list: records.collect() }, 1);
        let variant = half.plan.variants.iter().find(|variant| variant.requires == requires).expect("a class");
        assert_eq!(variant.kernels.iter().filter(|kernel| kernel.name.contains(tile.template)).count(), 5, "{architecture}");
        for gpu in devices() {
            let [mut plain, mut half] = [&plain, &half].map(|it| loaded(&gpu, &package, &it.library, Kernels::Default));
            if half.variant().requires != requires {
                eprintln!("skipped on {}: it runs class {}", gpu.info().name, half.variant().name);
                continue;
            }
            let apart = apart(&logits(&mut half), &logits(&mut plain));
            assert!(apart > 0.0, "{architecture}: they are other kernels, which round otherwise");
            eprintln!("{architecture} on {}: {apart:e}", gpu.info().name);
            assert!(apart <= 5e-2, "{architecture} on {}: {apart:e}", gpu.info().name);
        }
    }
}

#[test]
fn what_is_measured_is_chosen_and_leaves_no_trace() {
    let (package, _) = random("llama", "q0f32");
    let records = records(&package);
    let [alone, several] = [1, 3].map(|alternatives| compiled(&package, records.clone(), alternatives).library);
    for gpu in devices() {
        assert_eq!(load(&gpu, &package.path(), &alone).choice_key(), None);
        let key = load(&gpu, &package.path(), &several).choice_key().expect("there is something to choose");
        assert_eq!((key.len(), load(&gpu, &package.path(), &several).choice_key()), (32, Some(key)));
        let mut model = loaded(&gpu, &package, &several, Kernels::Measure { seconds: AMPLE });
        let timed = |decision: &&Decision| decision.why.contains(" us");
        // But for what only scoring runs, of which nobody waits for the first.
        assert_eq!(model.decisions().iter().filter(timed).count(), model.variant().choices.len() - 1, "{:?}", model.decisions());
        let expected = logits(&mut loaded(&gpu, &package, &alone, Kernels::Default));
        let apart = apart(&logits(&mut model), &expected);
        assert!(apart <= 1e-4, "on {}: {apart:e}", gpu.info().name);
        // What does not fit the library is made again, here in the usual time.
        let again = loaded(&gpu, &package, &several, Kernels::Remembered(vec![9]));
        assert_eq!(again.chosen().len(), model.chosen().len());
        let hurried = loaded(&gpu, &package, &several, Kernels::Measure { seconds: 0.0 });
        assert!(hurried.chosen().iter().all(|chosen| *chosen == 0) && !hurried.decisions().iter().any(|decision| timed(&decision)));
    }
}

/// The library with kernels that do nothing in the place of one alternative of every choice, which makes them the fastest.
fn sabotaged(compiled: &Compiled, alternative: u32) -> Vec<u8> {
    let mut shaders = compiled.shaders.clone();
    for variant in &compiled.plan.variants {
        let dispatches = variant.entries.iter().flat_map(|entry| &entry.dispatches);
        let honest: Vec<u32> = dispatches
            .clone()
            .filter(|dispatch| dispatch.alternative.is_none_or(|found| found.index != alternative))
            .map(|dispatch| variant.kernels[dispatch.kernel as usize].shader)
            .collect();
        for dispatch in dispatches {
            let shader = variant.kernels[dispatch.kernel as usize].shader;
            let text = &mut shaders[shader as usize];
            if !honest.contains(&shader) && !text.contains("rows > 0u") {
                let body = text.find("fn main(").and_then(|start| Some(start + text[start..].find(") {")? + 3)).expect("an entry point");
                text.insert_str(body, "\n    if (launch.rows > 0u) { return; }\n");
            }
        }
    }
    // The texts are the last section but for the checksum.
    let mut module = compiled.library.clone();
    let packed = |shaders: &[String]| {
        let mut bytes = Vec::new();
        let section = CustomSection { name: section::WGSL.into(), data: Cow::Owned(Library::pack(&shaders)) };
        bytes.push(section.id());
        wasm_encoder::Encode::encode(&section, &mut bytes);
        bytes
    };
    let end = module.len() - Library::seal(Vec::new()).len();
    module.truncate(end - packed(&compiled.shaders).len());
    module.extend(packed(&shaders));
    let module = Library::seal(module);
    assert_eq!(Library::parse(&module).expect("a library").shaders, shaders);
    module
}

#[test]
fn a_wrong_alternative_is_dropped_however_fast_it_is() {
    let (package, _) = random("mistral", "q0f32");
    let compiled = compiled(&package, records(&package), 3);
    let wrong = sabotaged(&compiled, 1);
    for gpu in devices().into_iter().take(1) {
        let mut model = loaded(&gpu, &package, &wrong, Kernels::Measure { seconds: AMPLE });
        let decisions = model.decisions();
        assert!(decisions.iter().all(|decision| decision.chosen != 1), "{decisions:?}");
        assert!(decisions.iter().filter(|decision| decision.why.contains("cannot be used")).count() > 3, "{decisions:?}");
        let expected = logits(&mut loaded(&gpu, &package, &compiled.library, Kernels::Default));
        let apart = apart(&logits(&mut model), &expected);
        assert!(apart <= 1e-4, "on {}: {apart:e}", gpu.info().name);
    }
}
