//! Steps that hold rows of several sequences, on the model of [`super::fake`].

use std::collections::BTreeMap;

use futures::FutureExt;

use super::fake::Fake;
use super::tests::{SIZES, check, engine, ids, note, prompt, run, take};
use super::*;
use crate::engine::request::Request;
use crate::sampler::Sampling;

#[test]
fn prompts_share_steps_with_rows() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(1);
    let (long, short) = (prompt(9, 1), prompt(3, 2));
    let first = engine.submit(Request { ignore_eos: true, ..ids(&prompt(1, 0), 30) }).unwrap();
    let mut outcomes = BTreeMap::new();
    for _ in 0..2 {
        take(&mut engine, &mut outcomes);
    }
    let others = [&long, &short].map(|prompt| engine.submit(ids(prompt, 4)).unwrap());
    // Every step of the prompts brings the first sequence a token as well.
    for step in 0..4 {
        take(&mut engine, &mut outcomes);
        assert_eq!(outcomes[&first].ids.len(), 3 + step);
    }
    let (row, mixed) = ((Entry::Decode, 1), (Entry::Prefill, 4));
    assert_eq!(engine.model().log, [row, row, mixed, mixed, mixed, mixed]);
    let counters = engine.counters();
    assert_eq!((counters.steps, counters.prefilled, counters.decoded), (6, 11, 7));
    while !engine.idle() {
        take(&mut engine, &mut outcomes);
    }
    for (id, prompt) in others.iter().zip([&long, &short]) {
        assert_eq!(outcomes[id].ids, engine.model().continuation(prompt, 4));
    }
}

#[test]
fn prompts_without_streams_fill_whole_chunks() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(1);
    engine.set_prompt_share(Some(1));
    let outcomes = run(&mut engine, vec![ids(&prompt(5, 0), 1), ids(&prompt(2, 1), 1), ids(&prompt(9, 2), 1)]);
    for (seed, outcome) in (0..).zip(&outcomes) {
        assert_eq!(outcome.ids, engine.model().continuation(&prompt([5, 2, 9][seed as usize], seed), 1));
    }
    // Two prompts end in the second step.
    assert_eq!(engine.model().log, [(Entry::Prefill, 4); 4]);
}

/// Requests come while others are in the middle of their prompts, at every share of a step.
#[test]
fn requests_that_come_at_any_time_answer_as_alone() {
    for (share, window, mixes) in [(None, None, true), (Some(1), None, true), (Some(2), Some(20), true), (Some(3), None, false)] {
        for depth in [1, 3] {
            let mut model = Fake::new(160, if window.is_some() { 1024 } else { 176 }, window);
            model.mixes = mixes;
            let mut engine = engine(model);
            engine.set_run_ahead(depth);
            engine.set_prompt_share(share);
            let mut outcomes = BTreeMap::new();
            let mut submitted = Vec::new();
            for (seed, (tokens, most)) in (0..).zip(SIZES) {
                let prompt = prompt(tokens, seed);
                let sampling = Sampling { temperature: 3.0, top_p: 0.99, seed: 5, ..Sampling::default() };
                let sampling = if seed % 3 == 2 { sampling } else { Sampling::greedy() };
                let request = Request { sampling: sampling.clone(), ..ids(&prompt, most) };
                submitted.push((engine.submit(request).unwrap(), prompt, most, sampling));
                for _ in 0..seed % 4 {
                    take(&mut engine, &mut outcomes);
                }
            }
            while !engine.idle() {
                take(&mut engine, &mut outcomes);
            }
            for (id, prompt, most, sampling) in submitted {
                let most = (most as usize).min(engine.model().capacity() as usize - prompt.len());
                let expected = engine.model().sampled_continuation(&prompt, most, &sampling);
                assert_eq!(outcomes[&id].ids, expected, "{} tokens, share {share:?}, depth {depth}", prompt.len());
            }
        }
    }
}

/// Layers that look back over a window free pages of their own, and leave those of the others.
#[test]
fn windows_in_some_layers_free_pages_of_these_only() {
    for window in [4, 20, 33] {
        // Three sequences of whole contexts, in windows and in full.
        let windows = 3 * (window + 4 + 2 * 16u32).next_multiple_of(16);
        check(|| Fake::with_groups(160, &[(windows, Some(window)), (480, None)]), &SIZES);
        check(|| Fake::with_groups(160, &[(176, None), (windows, Some(window))]).growing(), &SIZES);
    }
}

#[test]
fn caches_grow_as_answers_do() {
    check(|| Fake::new(160, 1024, None).growing(), &SIZES);
    check(|| Fake::new(160, 176, None).growing(), &SIZES);
}

/// A device without memory for larger caches: the engine goes on with those that it has.
#[test]
fn caches_that_cannot_grow_leave_the_engine_whole() {
    for depth in [1, 3] {
        let mut model = Fake::new(160, 1024, None).growing();
        // Four pages: 64 tokens.
        model.memory = 4;
        let mut engine = engine(model);
        engine.set_run_ahead(depth);
        let sizes = [(20, 30), (100, 5), (9, 200), (40, 20), (30, 10)];
        let requests = (0..).zip(sizes).map(|(seed, (tokens, most))| Request { ignore_eos: true, ..ids(&prompt(tokens, seed), most) });
        let submitted: Vec<RequestId> = requests.map(|request| engine.submit(request).unwrap()).collect();
        let mut outcomes = BTreeMap::new();
        while !engine.idle() {
            take(&mut engine, &mut outcomes);
        }
        for (seed, (id, (tokens, most))) in (0..).zip(submitted.iter().zip(sizes)) {
            let outcome = &outcomes[id];
            let fits = tokens + most <= 64 + 1;
            assert_eq!(outcome.error.is_none(), fits, "{tokens} tokens: {:?}", outcome.error);
            if let Some(error) = &outcome.error {
                assert!(error.code() == "MemoryBudgetError" || error.to_string().contains("KV cache"), "{error}");
            }
            let expected = all(engine.model(), &prompt(tokens, seed), outcome.ids.len());
            assert_eq!(outcome.ids, expected, "what was answered is right");
        }
        engine.forget_prefixes();
        assert_eq!((engine.model().available(), engine.model().capacity()), (vec![4], 64), "depth {depth}");
        let error = engine.submit(ids(&prompt(70, 0), 1)).unwrap_err();
        assert_eq!(error.code(), "ContextWindowSizeExceededError");
    }
}

/// The host drops a step whenever it waits. Caches grow all the same, and nothing is lost.
#[test]
fn growth_can_be_dropped_while_it_waits() {
    let mut engine = engine(Fake::new(160, 1024, None).growing());
    let prompts = [prompt(30, 0), prompt(50, 1)];
    let submitted = prompts.clone().map(|prompt| engine.submit(ids(&prompt, 30)).unwrap());
    let (mut outcomes, mut waited) = (BTreeMap::new(), 0);
    while !engine.idle() {
        match engine.step().now_or_never() {
            Some(events) => note(events.unwrap(), &mut outcomes),
            None => waited += 1,
        }
        assert!(waited < 1000, "it never ends");
    }
    assert!(waited > 60, "growing and steps need to be asked more than once");
    for (id, prompt) in submitted.iter().zip(&prompts) {
        assert_eq!(outcomes[id].ids, engine.model().continuation(prompt, 30));
    }
}

/// The ids that follow a prompt, also those behind the end.
fn all(model: &Fake, prompt: &[u32], most: usize) -> Vec<u32> {
    let mut ids = prompt.to_vec();
    while ids.len() < prompt.len() + most {
        ids.extend(model.continuation(&ids, 1));
    }
    ids.split_off(prompt.len())
}
