//! Steps that hold rows of several sequences: the logits of each row are those of a step of its own, and answers are those of a request alone.

use tegula::host::Events;
use tegula::model::budget::Budget;
use tegula::model::forward::{Entry, Forward, Read};
use tegula::model::step::Model;
use tegula::sampler::Sampling;
use tegula::{EventKind, Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_plan::Row;

use crate::models::{behind, delta, devices, prompt, random};
use crate::package::{engine_within, model, read};
use crate::reference::Reference;
use crate::solo::Solo;

/// Neighbouring positions of a sequence: the first, and behind the last.
type Run = (u32, usize, usize);

fn options() -> CompileOptions {
    CompileOptions { prefill_chunk_size: Some(48), max_batch_size: Some(4), ..CompileOptions::default() }
}

/// The logits of the last `read` rows of a step.
fn step(model: &mut Model, entry: Entry, ids: &[Vec<u32>], runs: &[Run], read: usize) -> Vec<Vec<f32>> {
    let row =
        |sequence: u32, position: usize| Row { token: ids[sequence as usize][position], position: position as u32, slot: 0, sequence };
    let mut rows: Vec<Row> =
        runs.iter().flat_map(|&(sequence, from, to)| (from..to).map(move |position| row(sequence, position))).collect();
    let read = Read { rows: read as u32, ..Read::logits(read as u32) };
    let pending = model.submit(entry, &mut rows, read).expect("a step");
    let back = pollster::block_on(pending).expect("its result");
    back.logits.chunks_exact(259).map(<[f32]>::to_vec).collect()
}

/// Runs steps of every kind, and compares each row that gets logits with the reference.
fn check(architectures: &[&str], quantization: &str, tolerance: f64) {
    for architecture in architectures {
        let (package, config) = random(architecture, quantization);
        let tensors = read(&package.path(), &config);
        let reference = Reference { config: &config, tensors: &tensors, bytes: false };
        let ids: Vec<Vec<u32>> = (0..4).map(|sequence| prompt(90, 259 - sequence)).collect();
        let expected: Vec<_> = ids.iter().map(|ids| reference.logits(ids)).collect();
        for gpu in devices() {
            let mut model = model(&gpu, &package.path(), &options());
            for sequence in 0..4 {
                assert!(pollster::block_on(model.room(sequence, 90)).expect("room for 90 tokens"));
            }
            let steps: [(&[Run], usize); 9] = [
                // One prompt alone, then its next chunk beside nothing.
                (&[(0, 0, 40)], 1),
                (&[(0, 40, 47)], 1),
                // A chunk in the middle beside a row that decodes.
                (&[(1, 0, 33), (0, 47, 48)], 1),
                // The end of a prompt, the beginning of another, and a row that decodes.
                (&[(2, 0, 5), (1, 33, 50), (0, 48, 49)], 2),
                // Two prompts end: the last row of one stands alone.
                (&[(2, 5, 19), (3, 0, 9), (2, 19, 20), (1, 50, 51), (0, 49, 50)], 4),
                // A chunk of one row, which nobody reads.
                (&[(2, 20, 21), (3, 9, 10), (1, 51, 52)], 2),
                // A chunk that ends where another does, and rows far beyond a window.
                (&[(3, 10, 40), (2, 21, 22), (1, 52, 53), (0, 50, 51)], 3),
                (&[(0, 51, 90), (1, 53, 54), (2, 22, 23)], 3),
                (&[(1, 54, 78), (3, 40, 60), (2, 23, 24)], 2),
            ];
            for (place, (runs, count)) in steps.into_iter().enumerate() {
                let found = step(&mut model, Entry::Prefill, &ids, runs, count);
                let rows: Vec<(u32, usize)> =
                    runs.iter().flat_map(|&(sequence, from, to)| (from..to).map(move |position| (sequence, position))).collect();
                assert_eq!(found.len(), count);
                for (found, &(sequence, position)) in found.iter().zip(&rows[rows.len() - count..]) {
                    let worst = delta(found, &expected[sequence as usize][position]);
                    let who = format!("{architecture} {quantization}, step {place}, sequence {sequence} at {position}");
                    assert!(worst <= tolerance, "{who} on {}: {worst:e}", gpu.info().name);
                }
            }
        }
    }
}

#[test]
fn rows_in_company_have_the_logits_of_rows_alone() {
    check(&["llama", "mistral", "qwen2-windows", "qwen3"], "q0f32", 1e-4);
}

#[test]
fn rows_in_company_have_the_logits_of_rows_alone_in_half_precision() {
    check(&["qwen2-windows"], "q4f16_1", 1e-2);
}

/// In batches, and behind the last attention of steps that read several rows. The scores of such a model are so large that rounding the
/// queries shows; each row is therefore compared with what a step of its own gives on the same device.
#[test]
fn rows_of_wide_layers_have_the_logits_of_rows_alone() {
    let (package, _) = random("wide", "q4f16_1");
    let ids: Vec<Vec<u32>> = (0..4).map(|sequence| prompt(6, 259 - sequence)).collect();
    for gpu in devices() {
        let mut model = model(&gpu, &package.path(), &options());
        for entry in model.variant().entries.iter().filter(|entry| entry.name == "batch" || entry.name == "prefill") {
            let halves = entry.dispatches.iter().any(|dispatch| dispatch.label.ends_with(".halve"));
            assert_eq!(halves, model.variant().requires.f16, "{}", entry.name);
        }
        for sequence in 0..4 {
            assert!(pollster::block_on(model.room(sequence, 6)).expect("room for 6 tokens"));
        }
        let runs = |from, to| [0, 1, 2, 3].map(|sequence| (sequence, from, to));
        step(&mut model, Entry::Prefill, &ids, &runs(0, 4), 1);
        for (position, entry) in [(4, Entry::Prefill), (5, Entry::Batch)] {
            let together = step(&mut model, entry, &ids, &runs(position, position + 1), 4);
            for (run, together) in runs(position, position + 1).iter().zip(&together) {
                let alone = step(&mut model, Entry::Decode, &ids, &[*run], 1).remove(0);
                let greatest = alone.iter().fold(0f32, |most, logit| most.max(logit.abs()));
                let worst = delta(together, &alone);
                let share = if model.variant().requires.f16 { 128.0 } else { 1e5 };
                assert!(worst <= f64::from(greatest) / share, "{run:?} on {}: {worst:e} of {greatest}", gpu.info().name);
            }
        }
    }
}

/// The answers' ids. Requests come one after another, while those before them are under way.
fn answers(engine: &mut Solo, requests: &[Request], between: usize) -> Vec<Vec<u32>> {
    let mut asked: Vec<Events> = Vec::new();
    let mut answers = vec![Vec::new(); requests.len()];
    let (mut turns, mut finished) = (0, 0);
    while finished < requests.len() {
        // The host would wait for ever where nothing runs.
        if asked.len() < requests.len() && (turns >= between * asked.len() || finished == asked.len()) {
            asked.push(engine.ask(requests[asked.len()].clone()));
        }
        assert!(engine.turn(), "the host runs");
        for (events, answer) in asked.iter_mut().zip(&mut answers) {
            while let Some(event) = events.ready() {
                match event {
                    EventKind::Token { id, .. } => answer.push(id),
                    EventKind::Finished { .. } => finished += 1,
                    EventKind::Failed { error } => panic!("{error}"),
                }
            }
        }
        turns += 1;
    }
    answers
}

/// Greedy and drawn answers are those of each request alone, whatever share of steps prompts have, also where pages run out in the middle of a
/// prompt.
#[test]
fn answers_in_mixed_steps_are_those_of_requests_alone() {
    for architecture in ["llama", "qwen2-windows"] {
        let (package, config) = random(architecture, "q0f32");
        let tensors = read(&package.path(), &config);
        for gpu in devices() {
            // Room for the longest of them, not for all.
            let budget = Budget { tokens: Some(160), memory: None };
            let mut engine = engine_within(&gpu, &package.path(), &options(), budget);
            let behind = behind(&mut engine, &Reference { config: &config, tensors: &tensors, bytes: false });
            assert!(behind <= 1e-3, "{architecture} on {}: {behind:e}", gpu.info().name);
            let request = |(seed, (tokens, most)): (u64, (u32, u32))| {
                let drawn = Sampling { temperature: 0.7, top_p: 0.9, seed, ..Sampling::default() };
                let sampling = if seed % 2 == 1 { drawn } else { Sampling::greedy() };
                let ids = prompt(tokens, 250 - seed as u32);
                Request { sampling, ignore_eos: true, max_tokens: Some(most), ..Request::greedy(Prompt::Ids(ids)) }
            };
            let requests: Vec<Request> = (0..).zip([(9, 40), (120, 20), (70, 12), (3, 20), (110, 3)]).map(request).collect();
            let alone: Vec<Vec<u32>> = requests.iter().flat_map(|request| answers(&mut engine, std::slice::from_ref(request), 1)).collect();
            for (share, between) in [(None, 1), (Some(16), 3), (Some(7), 0)] {
                engine.set_prompt_share(share);
                let before = engine.counters().prefilled;
                let together = answers(&mut engine, &requests, between);
                let prompts = requests.iter().map(|request| if let Prompt::Ids(ids) = &request.prompt { ids.len() as u64 } else { 0 });
                let restarted = engine.counters().prefilled - before > prompts.sum();
                assert!(restarted || between > 0, "some start over where all come at once");
                assert_eq!(together, alone, "{architecture} on {}: share {share:?}", gpu.info().name);
            }
        }
    }
}
