//! What ends a request before its answer does, or a step before it is done: interruptions, dropped steps, bad numbers, broken devices.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::executor::block_on;

use super::fake::{Fake, POISON};
use super::tests::{Outcome, engine, ids, prompt, run, take};
use crate::engine::request::{EventKind, Request, RequestId};
use crate::engine::usage::FinishReason;
use crate::sampler::Sampling;

#[test]
fn interruptions_end_one_request_and_leave_the_others() {
    let mut engine = engine(Fake::new(400, 1024, None));
    let requests: Vec<Request> = (0..5).map(|seed| Request { ignore_eos: true, ..ids(&prompt(20, seed), 40) }).collect();
    let submitted: Vec<RequestId> = requests.iter().map(|request| engine.submit(request.clone()).unwrap()).collect();
    let mut outcomes = BTreeMap::new();
    while outcomes.get(&submitted[1]).is_none_or(|outcome: &Outcome| outcome.ids.len() < 5) {
        take(&mut engine, &mut outcomes);
    }
    engine.interrupt(submitted[1]);
    engine.interrupt(submitted[4]);
    while !engine.idle() {
        take(&mut engine, &mut outcomes);
    }
    for (seed, id) in (0..).zip(&submitted) {
        let outcome = &outcomes[id];
        if seed == 1 || seed == 4 {
            assert_eq!(outcome.reason, Some(FinishReason::Abort));
            assert_eq!(outcome.usage.unwrap().completion_tokens as usize, outcome.ids.len());
        } else {
            assert_eq!((outcome.ids.len(), outcome.reason), (40, Some(FinishReason::Length)));
        }
    }
    assert!(outcomes[&submitted[1]].ids.len() < 10 && outcomes[&submitted[4]].ids.is_empty());
    engine.interrupt(submitted[0]);
    assert!(block_on(engine.step()).unwrap().is_empty(), "it has ended long ago");
}

#[test]
fn an_interruption_while_a_step_is_under_way_is_heard() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let request = engine.submit(ids(&prompt(3, 0), 50)).unwrap();
    assert!(engine.step().now_or_never().is_none(), "the fake model needs three polls");
    engine.interrupt(request);
    let mut outcomes = BTreeMap::new();
    while !engine.idle() {
        take(&mut engine, &mut outcomes);
    }
    assert_eq!((outcomes[&request].ids.len(), outcomes[&request].reason), (0, Some(FinishReason::Abort)));
}

#[test]
fn a_step_that_is_dropped_loses_nothing() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let prompt = prompt(7, 0);
    let id = engine.submit(ids(&prompt, 30)).unwrap();
    let mut outcomes = BTreeMap::new();
    while !engine.idle() {
        let dropped = engine.step().now_or_never();
        assert!(dropped.is_none(), "the fake model needs three polls");
        take(&mut engine, &mut outcomes);
    }
    assert_eq!(outcomes[&id].ids, engine.model().continuation(&prompt, 30));
}

#[test]
fn numbers_that_are_none_fail_their_request_only() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let mut bad = prompt(9, 1);
    bad[4] = POISON;
    let sampled = Request { sampling: Sampling::default(), ..ids(&bad, 20) };
    let outcomes = run(&mut engine, vec![ids(&prompt(9, 0), 20), ids(&bad, 20), sampled, ids(&prompt(9, 2), 20)]);
    for (outcome, seed) in [(&outcomes[0], 0), (&outcomes[3], 2)] {
        assert_eq!(outcome.ids, engine.model().continuation(&prompt(9, seed), 20));
    }
    for outcome in &outcomes[1..3] {
        assert_eq!(outcome.error.as_ref().unwrap().code(), "NotFiniteError");
    }
}

#[test]
fn a_broken_device_ends_all_requests_and_the_engine_is_whole() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.model.breaks_after = Some(6);
    for seed in 0..4 {
        engine.submit(ids(&prompt(9, seed), 20)).unwrap();
    }
    let error = loop {
        if let Err(error) = block_on(engine.step()) {
            break error;
        }
    };
    assert_eq!(error.code(), "DeviceLostError");
    assert!(engine.idle());
    engine.model.breaks_after = None;
    let again = prompt(5, 0);
    assert_eq!(run(&mut engine, vec![ids(&again, 8)])[0].ids, engine.model().continuation(&again, 8));
}

#[test]
fn requests_that_wait_run_by_priority() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let with = |seed, priority| Request { ignore_eos: true, priority, ..ids(&prompt(5, seed), 4) };
    // Three run at once, and the others wait.
    let mut submitted: Vec<RequestId> = (0..3).map(|seed| engine.submit(with(seed, 0)).unwrap()).collect();
    block_on(engine.step()).unwrap();
    submitted.extend([(3, 5), (4, 0), (5, -1), (6, 0)].map(|(seed, priority)| engine.submit(with(seed, priority)).unwrap()));
    let mut begun = Vec::new();
    while !engine.idle() {
        for event in block_on(engine.step()).unwrap() {
            if matches!(event.kind, EventKind::Token { .. }) && !begun.contains(&event.request) {
                begun.push(event.request);
            }
        }
    }
    let place = |seed: usize| begun.iter().position(|id| *id == submitted[seed]).unwrap();
    assert!(place(5) < place(4) && place(4) < place(6) && place(6) < place(3), "{begun:?}");
}
