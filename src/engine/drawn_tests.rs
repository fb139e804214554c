//! Answers whose ids the GPU draws, on the fake model. Each must equal what the sampler alone gives, whatever the engine does around it.

use super::fake::{EOS, Fake, POISON};
use super::tests::{engine, ids, prompt, run};
use crate::engine::request::{EventKind, Request};
use crate::engine::usage::FinishReason;
use crate::sampler::Sampling;
use futures::executor::block_on;

/// Ways to pick: with and without penalties, biases, temperature and limits.
fn ways() -> Vec<Sampling> {
    let drawn = Sampling { seed: 5, ..Sampling::default() };
    let penalties = Sampling {
        temperature: 1.5,
        presence_penalty: 0.7,
        frequency_penalty: 0.4,
        repetition_penalty: 1.3,
        // After it nothing is a number.
        logit_bias: vec![(POISON, -100.0)],
        ..drawn.clone()
    };
    vec![
        drawn.clone(),
        Sampling { top_p: 0.9, seed: 6, ..drawn.clone() },
        penalties.clone(),
        Sampling::greedy(),
        Sampling { temperature: 0.0, ..penalties.clone() },
        Sampling { top_p: 0.8, logit_bias: vec![(50, 6.0), (104, -9.0), (50, 1.0), (POISON, -100.0)], ..penalties.clone() },
        Sampling { temperature: 0.0, logit_bias: vec![(EOS, -100.0)], ..Sampling::default() },
        Sampling { top_k: 5, seed: 7, ..drawn.clone() },
        Sampling { min_p: 0.3, seed: 8, ..drawn.clone() },
        Sampling { top_p: 0.9, top_k: 20, min_p: 0.02, seed: 9, ..penalties },
        Sampling { top_k: 1, ..drawn },
    ]
}

/// Runs every way at every depth, and compares each answer with the sampler's alone.
fn check(model: impl Fn() -> Fake, most: u32) {
    for depth in [1, 2, 3, 7] {
        let mut engine = engine(model());
        engine.pad_from(engine.model().padded_from);
        engine.set_run_ahead(depth);
        let prompts: Vec<_> = (0..).map(|seed| prompt(5 + 7 * (seed % 4), seed)).take(ways().len()).collect();
        let request = |(prompt, sampling): (&Vec<u32>, Sampling)| Request { sampling, ..ids(prompt, most) };
        let outcomes = run(&mut engine, prompts.iter().zip(ways()).map(request).collect());
        for ((prompt, sampling), outcome) in prompts.iter().zip(ways()).zip(outcomes) {
            let expected = engine.model().sampled_continuation(prompt, most as usize, &sampling);
            assert_eq!(outcome.ids, expected, "depth {depth}, {sampling:?}");
        }
    }
}

#[test]
fn drawn_answers_do_not_depend_on_how_far_the_engine_runs_ahead() {
    check(|| Fake::new(160, 1024, None), 60);
}

#[test]
fn counts_survive_starting_over() {
    check(|| Fake::new(160, 176, None), 100);
    let mut engine = engine(Fake::new(160, 176, None));
    let sampling = ways().remove(2);
    let requests = (0..3).map(|seed| Request { sampling: sampling.clone(), ignore_eos: true, ..ids(&prompt(30, seed), 80) });
    run(&mut engine, requests.collect());
    let counters = engine.counters();
    assert!(counters.prefilled > 90, "three prompts of 30 tokens, and some again: {counters:?}");
}

#[test]
fn drawing_with_a_window() {
    check(|| Fake::new(400, 112, Some(20)), 100);
}

#[test]
fn ids_of_padding_are_never_drawn() {
    check(|| Fake::new(160, 1024, None).padded(260), 60);
}

#[test]
fn drawn_answers_run_ahead_and_what_was_too_much_is_discarded() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(3);
    let plain = Request { sampling: ways().remove(2), ignore_eos: true, ..ids(&prompt(4, 0), 20) };
    let whole = run(&mut engine, vec![plain.clone()]).remove(0);
    assert_eq!((engine.model().log.len(), engine.counters().discarded), (20, 0), "the last token is known beforehand");
    // Ids of the answer's text come back: a sequence in the same place starts to count anew.
    let stop = whole.text.char_indices().nth(3).map(|(start, _)| whole.text[start..].chars().take(4).collect::<String>()).unwrap();
    let outcome = run(&mut engine, vec![Request { stop: vec![stop], ..plain.clone() }]).remove(0);
    assert_eq!((outcome.reason, engine.counters().discarded), (Some(FinishReason::Stop), 2), "a stop is not");
    assert_eq!(outcome.ids, whole.ids[..outcome.ids.len()]);
    assert_eq!(run(&mut engine, vec![plain]).remove(0).ids, whole.ids);
}

#[test]
fn an_interrupted_answer_leaves_nothing_to_the_next() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(3);
    let sampling = ways().remove(5);
    let first = engine.submit(Request { sampling: sampling.clone(), ignore_eos: true, ..ids(&prompt(4, 0), 100) }).unwrap();
    for _ in 0..20 {
        block_on(engine.step()).unwrap();
    }
    engine.interrupt(first);
    let events = block_on(engine.step()).unwrap();
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Finished { reason: FinishReason::Abort, .. })));
    for sampling in [sampling, Sampling::greedy()] {
        let request = Request { sampling: sampling.clone(), ..ids(&prompt(9, 1), 30) };
        let expected = engine.model().sampled_continuation(&prompt(9, 1), 30, &sampling);
        assert_eq!(run(&mut engine, vec![request]).remove(0).ids, expected);
    }
}

#[test]
fn a_seed_gives_the_same_answer_in_any_company() {
    let sampled = |seed| {
        let sampling = Sampling { temperature: 3.0, top_p: 0.99, seed, ..Sampling::default() };
        Request { sampling, ignore_eos: true, ..ids(&prompt(6, 3), 25) }
    };
    let mut alone = engine(Fake::new(160, 1024, None));
    let first = run(&mut alone, vec![sampled(1)]).remove(0).ids;
    let mut together = engine(Fake::new(160, 176, None));
    let outcomes = run(&mut together, vec![ids(&prompt(9, 0), 30), sampled(2), sampled(1), ids(&prompt(20, 1), 30), sampled(1)]);
    assert_eq!((&outcomes[2].ids, &outcomes[4].ids), (&first, &first));
    assert_ne!(outcomes[1].ids, first);
    assert_eq!(outcomes[0].ids, together.model().continuation(&prompt(9, 0), 30));
    assert_eq!(outcomes[3].ids, together.model().continuation(&prompt(20, 1), 30));
}

#[test]
fn penalties_keep_ids_from_coming_back() {
    let repeats = |request: Request| {
        let mut ids = run(&mut engine(Fake::new(160, 1024, None)), vec![request]).remove(0).ids;
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        count - ids.len()
    };
    let plain = Request { ignore_eos: true, ..ids(&prompt(6, 3), 30) };
    assert!(repeats(plain.clone()) > 10);
    let penalty = Sampling { presence_penalty: 2.0, frequency_penalty: 2.0, repetition_penalty: 10.0, ..Sampling::greedy() };
    assert_eq!(repeats(Request { sampling: penalty, ..plain.clone() }), 0);
    let sampling = Sampling { logit_bias: vec![(50, 100.0)], ..Sampling::greedy() };
    assert_eq!(repeats(Request { sampling, ..plain }), 29);
}
