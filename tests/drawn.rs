//! Whole models with ids drawn on the GPU.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use tegula::model::forward::{Drawing, Entry, Forward, Read};
use tegula::sampler::{Sampler, Sampling};
use tegula::{Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_plan::Row;

use crate::models::{devices, prompt, random};
use crate::package::{engine, model};

/// Rows of every entry, with company that is greedy, are drawn from their own logits.
#[test]
fn steps_draw_what_the_sampler_draws_from_their_logits() {
    let (package, _) = random("llama", "q0f32");
    let ids = prompt(50, 259);
    for gpu in devices() {
        let options = CompileOptions { prefill_chunk_size: Some(16), max_batch_size: Some(3), ..CompileOptions::default() };
        let mut model = model(&gpu, &package.path(), &options);
        let samplings = [(0.8, 0, 0.0), (1.0, 9, 0.1)];
        let samplings =
            samplings.map(|(top_p, top_k, min_p)| Sampling { temperature: 2.0, top_p, top_k, min_p, seed: 3, ..Sampling::default() });
        let counts = BTreeMap::new();
        for sequence in [0, 1, 2] {
            assert!(pollster::block_on(model.room(sequence, 50)).expect("room for 50 tokens"));
            let sampling = samplings.get(sequence as usize);
            model.draw(sequence, sampling.map(|sampling| Drawing { sampling, counts: &counts, active: 259 }));
        }
        let mut check = |entry: Entry, rows: &[(usize, u32)]| {
            let row = |&(position, sequence): &(usize, u32)| Row { token: ids[position], position: position as u32, slot: 0, sequence };
            let mut all: Vec<Row> = rows.iter().map(row).collect();
            let picked = if entry == Entry::Prefill { &rows[rows.len() - 1..] } else { rows };
            let pending = model.submit(entry, &mut all, Read { greatest: true, drawn: true, logits: picked.len() as u32, rows: 1 });
            let mut back = pollster::block_on(pending.expect("a step")).expect("its result");
            for (&(position, sequence), logits) in picked.iter().zip(back.logits.chunks_exact_mut(259)) {
                let sampling = samplings.get(sequence as usize).cloned().unwrap_or_else(Sampling::greedy);
                let expected = Sampler::default().pick(logits, &sampling, &counts, position as u32 + 1);
                assert_eq!(Some(back.sampled[sequence as usize]), expected, "{} at {position} on {}", entry.name(), gpu.info().name);
            }
        };
        for sequence in [0, 1, 2] {
            check(Entry::Prefill, &(0..16).map(|position| (position, sequence)).collect::<Vec<_>>());
        }
        for position in 16..24 {
            check(Entry::Batch, &[(position, 2), (position, 1), (position, 0)]);
        }
        for position in 24..40 {
            check(Entry::Decode, &[(position, position as u32 % 2)]);
        }
    }
}

/// Counts on the GPU are those of the answer, however many steps are under way and whoever shares them.
#[test]
fn drawn_answers_are_the_same_ahead_and_in_company() {
    let (package, _) = random("llama", "q0f32");
    let drawn = |seed, top_p, (top_k, min_p), temperature| Request {
        sampling: Sampling {
            temperature,
            top_p,
            top_k,
            min_p,
            seed,
            presence_penalty: 0.5,
            frequency_penalty: 0.3,
            repetition_penalty: 1.2,
            logit_bias: vec![(17, 1.5), (40, -100.0)],
        },
        max_tokens: Some(40),
        ignore_eos: true,
        ..Request::greedy(Prompt::Ids(prompt(10 + seed as u32, 259)))
    };
    let greedy = Request { max_tokens: Some(40), ignore_eos: true, ..Request::greedy(Prompt::Ids(prompt(9, 259))) };
    let none = (0, 0.0);
    let requests = [
        drawn(1, 1.0, none, 1.0),
        drawn(2, 0.9, none, 0.8),
        greedy,
        drawn(3, 1.0, none, 0.0),
        drawn(4, 0.5, none, 1.5),
        drawn(5, 0.9, (30, 0.1), 1.2),
        drawn(6, 1.0, (0, 0.2), 1.2),
    ];
    for gpu in devices() {
        let options = CompileOptions { prefill_chunk_size: Some(16), max_batch_size: Some(3), ..CompileOptions::default() };
        let mut engine = engine(&gpu, &package.path(), &options);
        engine.set_run_ahead(1);
        let alone = |request: &Request| engine.complete(request.clone()).expect("an answer").ids;
        let alone: Vec<Vec<u32>> = requests.iter().map(alone).collect();
        assert!(alone.iter().enumerate().all(|(index, ids)| ids.len() == 40 && (index == 2 || !ids.contains(&40))));
        let repeated = |ids: &[u32]| 40 - ids.iter().collect::<BTreeSet<_>>().len();
        assert!(repeated(&alone[3]) < repeated(&alone[2]), "penalties keep ids from coming back: {alone:?}");
        engine.set_run_ahead(3);
        let asked: Vec<_> = requests.iter().map(|request| engine.ask(request.clone()).answer()).collect();
        for (together, alone) in engine.until(join_all(asked)).into_iter().zip(&alone) {
            assert_eq!(together.expect("an answer").ids, *alone, "on {}", gpu.info().name);
        }
    }
}
