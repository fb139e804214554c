//! Steps, with the model of [`crate::adder`]: what they find in the caches, and what they need not wait for.

use futures::executor::block_on;
use tegula::ErrorKind;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::model::forward::{Entry as Step, Forward, Read, Readback};
use tegula::model::kv::INITIAL_TOKENS;
use tegula_plan::{PAGE_SIZE, Row};

use crate::adder::{CONTEXT, gpu, library, load, logits, manifest, plan, prefill, row};

#[test]
fn caches_grow_and_keep_what_they_hold() {
    let Some(gpu) = gpu() else { return };
    for slice in [1, 3, 7, 20] {
        let mut model = load(&gpu, Budget::default(), slice);
        assert_eq!(model.variant().name, "baseline", "the first variant is too much for any device");
        assert_eq!((model.capacity(), model.cached_tokens(), model.dispatches(Step::Decode)), (CONTEXT, INITIAL_TOKENS, 2));
        assert_eq!(prefill(&mut model, 0, 0, &[3]), logits(3), "slices of {slice}");
    }
    let mut model = load(&gpu, Budget::default(), 20);
    // Another sequence in between, so that pages are not in order.
    let mut sum = [0; 2];
    for (round, sequence) in [0, 1, 0, 1, 0, 0].into_iter().enumerate() {
        let tokens: Vec<u32> = (0..200).map(|token| token % 7 + round as u32).collect();
        let from = [0, 0, 200, 200, 400, 600][round];
        sum[sequence as usize] += tokens.iter().sum::<u32>();
        assert_eq!(prefill(&mut model, sequence, from, &tokens), logits(sum[sequence as usize]), "round {round}");
    }
    assert_eq!(model.cached_tokens(), 2048);
    model.release(0);
    assert_eq!(prefill(&mut model, 1, 400, &[5]), logits(sum[1] + 5), "the other sequence is untouched");
    assert_eq!(prefill(&mut model, 0, 0, &[2]), logits(2));
}

#[test]
fn steps_feed_each_other_without_waiting() {
    let Some(gpu) = gpu() else { return };
    let mut model = load(&gpu, Budget::default(), 20);
    assert_eq!(prefill(&mut model, 0, 0, &[10, 20]), logits(30));
    assert_eq!(prefill(&mut model, 1, 0, &[1]), logits(1));
    let pending: Vec<_> = (0..40)
        .map(|step| {
            assert!(block_on(model.room(0, step + 3)).unwrap() && block_on(model.room(1, step + 2)).unwrap());
            let mut rows = [row(0, step + 2, Row::SAMPLED), row(1, step + 1, Row::SAMPLED)];
            model.submit(Step::Batch, &mut rows, Read { greatest: true, drawn: false, logits: 2, rows: 2 }).unwrap()
        })
        .collect();
    let (mut first, mut second) = (30, 1);
    for (step, pending) in (0..).zip(pending) {
        if step == 20 {
            continue; // Dropped unread.
        }
        let Readback { sampled, logits: found } = block_on(pending).unwrap();
        assert_eq!(sampled, [22 + step, 3 + step]);
        (first, second) = (30 + (0..=step).map(|step| 21 + step).sum::<u32>(), 1 + (0..=step).map(|step| 2 + step).sum::<u32>());
        assert_eq!(found, [logits(first), logits(second)].concat(), "step {step}");
    }
    let mut rows = [row(0, 42, 100)];
    assert!(block_on(model.room(0, 43)).unwrap());
    let found = block_on(model.submit(Step::Decode, &mut rows, Read::GREATEST).unwrap()).unwrap();
    assert_eq!((found.sampled[0], found.logits.len()), (101, 0));
    let mut rows = [row(0, 43, Row::SAMPLED)];
    assert!(block_on(model.room(0, 44)).unwrap());
    let found = block_on(model.submit(Step::Decode, &mut rows, Read::logits(1)).unwrap()).unwrap();
    assert_eq!(found, Readback { sampled: vec![], logits: logits(first + 201) });
    assert_eq!(second, 1 + (2..42).sum::<u32>());
}

#[test]
fn the_budget_bounds_the_cache() {
    let Some(gpu) = gpu() else { return };
    let mut model = load(&gpu, Budget { memory: None, tokens: Some(600) }, 20);
    assert_eq!((model.memory().capacity, model.capacity()), (608, 608));
    assert!(block_on(model.room(0, 600)).unwrap());
    assert!(!block_on(model.room(1, PAGE_SIZE + 1)).unwrap(), "nothing is left");
    assert_eq!(model.cached_tokens(), 608);
    model.release(0);
    assert!(block_on(model.room(1, 288)).unwrap());
    let error = model.submit(Step::Score, &mut [row(1, 0, 1)], Read::GREATEST).map(|_| ()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoEntry { entry: "score" }), "{error}");

    let fixed = model.memory().weights + model.memory().activations;
    let budget = Budget { memory: Some(fixed + 1000), tokens: None };
    let error = Loader::new(gpu, &library(&plan()), None, &manifest(|_| {}), budget).map(|_| ()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Budget { available: 1000, .. }), "{error}");
}
