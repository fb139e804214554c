//! Requests that begin alike. The model is a hash of all that its cache holds, so that a page that is shared wrongly shows in every id.

use std::collections::BTreeMap;

use super::fake::Fake;
use super::prefix::tests::Random;
use super::tests::{Outcome, check, engine, ids, prompt, take};
use super::*;
use crate::engine::request::Request;

/// Rows of prompts and tokens that needed none.
fn prefilled(engine: &Engine<Fake>) -> (u64, u64) {
    (engine.counters().prefilled, engine.counters().cached)
}

fn endless(tokens: &[u32], most: u32) -> Request {
    Request { ignore_eos: true, ..ids(tokens, most) }
}

/// Runs requests together. What the caches hold stays.
fn answers(engine: &mut Engine<Fake>, requests: &[Request]) -> Vec<Outcome> {
    let submitted: Vec<RequestId> = requests.iter().map(|request| engine.submit(request.clone()).unwrap()).collect();
    let mut outcomes = BTreeMap::new();
    while !engine.idle() {
        take(engine, &mut outcomes);
    }
    submitted.iter().map(|id| outcomes.remove(id).unwrap_or_default()).collect()
}

#[test]
fn a_conversation_prefills_only_what_is_new() {
    for depth in [1, 3] {
        let mut engine = engine(Fake::new(1024, 1024, None));
        engine.set_run_ahead(depth);
        let mut history = prompt(40, 1);
        let mut before = 0;
        for turn in 0..10 {
            let (rows, cached) = prefilled(&engine);
            let outcome = answers(&mut engine, &[endless(&history, 11)]).remove(0);
            assert_eq!(outcome.ids.len(), 11);
            let (now, now_cached) = prefilled(&engine);
            // All whole pages of the turn before: its prompt and its answer, but for the last token, which no row has computed.
            let reused = before / 16 * 16;
            assert_eq!((now_cached - cached, now - rows), (reused as u64, (history.len() - reused) as u64), "turn {turn}");
            assert_eq!(outcome.usage.unwrap().prompt_tokens_details.cached_tokens as usize, reused);
            before = history.len() + outcome.ids.len() - 1;
            history.extend(outcome.ids);
            history.extend(prompt(7, turn + 2));
        }
    }
}

/// A sequence that outgrows its rotation starts over, and neither takes nor leaves pages that were computed in the other way.
#[test]
fn what_outgrows_its_rotation_is_computed_again() {
    for (depth, n) in [(1, 1), (3, 1), (3, 2), (6, 3)] {
        let mut engine = engine(Fake::new(256, 512, None).stretched_after(48));
        engine.set_run_ahead(depth);
        let sizes = [(40, 30), (47, 3), (48, 3), (49, 3), (16, 60), (60, 8), (40, 8)];
        for together in sizes.chunks(n) {
            let requests: Vec<Request> = together.iter().map(|&(length, most)| ids(&prompt(length, 1), most)).collect();
            for (&(length, most), outcome) in together.iter().zip(answers(&mut engine, &requests)) {
                let expected = engine.model().continuation(&prompt(length, 1), most as usize);
                assert_eq!(outcome.ids, expected, "{length} and {most}, {depth} ahead, {n} together");
            }
        }
    }
}

#[test]
fn answers_to_one_prompt_prefill_it_once() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(1);
    let request = endless(&prompt(70, 4), 20);
    let outcomes = answers(&mut engine, &[request.clone(), request.clone(), request]);
    assert!(outcomes.iter().all(|outcome| outcome.ids == outcomes[0].ids && outcome.ids.len() == 20));
    let Counters { prefilled, cached, decoded, .. } = engine.counters();
    // The last six tokens are in no whole page. A single one that is left of them counts as decoded.
    assert_eq!((prefilled + decoded, cached), (70 + 2 * 6 + 3 * 19, 2 * 64));
}

#[test]
fn without_it_each_prompt_is_prefilled_whole() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_prefix_cache(false);
    let request = endless(&prompt(70, 4), 20);
    answers(&mut engine, &[request.clone(), request]);
    assert_eq!(prefilled(&engine), (140, 0));
    assert_eq!(engine.model().available(), [64], "nothing stays");
}

#[test]
fn what_others_wait_for_may_be_aborted() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(1);
    let request = endless(&prompt(90, 4), 10);
    let first = engine.submit(request.clone()).unwrap();
    let second = engine.submit(request.clone()).unwrap();
    let mut outcomes = BTreeMap::new();
    take(&mut engine, &mut outcomes);
    engine.interrupt(first);
    while !engine.idle() {
        take(&mut engine, &mut outcomes);
    }
    let expected = answers(&mut engine, &[request]).remove(0).ids;
    assert_eq!(outcomes[&second].ids, expected);
}

#[test]
fn numbers_that_are_none_are_not_kept() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let mut bad = prompt(40, 0);
    bad.push(super::fake::POISON);
    assert!(answers(&mut engine, &[endless(&bad, 5)])[0].error.is_some());
    assert_eq!(engine.model().available(), [64]);
}

#[test]
fn requests_that_begin_alike_answer_as_alone() {
    // Much in common, little in common, and caches that are too small for all of it.
    for cache in [1024, 192] {
        for groups in [&[(cache, None)][..], &[(cache, Some(20))], &[(cache, Some(20)), (cache, None)]] {
            check(|| Fake::with_groups(160, groups), &super::tests::SIZES);
        }
    }
}

/// A thousand conversations that go on, fork, change, are aborted and evicted. Every answer is what the rule says.
#[test]
fn a_thousand_conversations_leak_no_page_and_share_none_wrongly() {
    for (seed, groups) in [(1, &[(1024, None)][..]), (2, &[(208, None)]), (3, &[(256, Some(20))]), (4, &[(160, Some(33)), (320, None)])] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut engine = engine(Fake::with_groups(160, groups));
        let free = engine.model().available();
        let system = prompt(35, 99);
        let mut histories = vec![system.clone()];
        let mut asked: BTreeMap<RequestId, (Vec<u32>, u32)> = BTreeMap::new();
        let mut outcomes = BTreeMap::new();
        let (mut begun, mut reused) = (0, 0);
        while begun < 1000 || !engine.idle() {
            if begun < 1000 && asked.len() < 5 {
                begun += 1;
                let mut history = histories[random.below(histories.len() as u32) as usize].clone();
                match random.below(5) {
                    // Anew, or from a place in the middle, or with another word there.
                    0 => history = system.clone(),
                    1 => history.truncate(1 + random.below(history.len() as u32) as usize),
                    2 => {
                        let place = random.below(history.len() as u32) as usize;
                        history[place] = 3 + random.below(100);
                    }
                    _ => {}
                }
                history.extend((0..=random.below(20)).map(|_| 3 + random.below(100)));
                if history.len() > 120 {
                    history = system.clone();
                    history.push(3 + random.below(100));
                }
                let most = 1 + random.below(30);
                engine.set_run_ahead(1 + random.below(4) as usize);
                asked.insert(engine.submit(ids(&history, most)).unwrap(), (history, most));
            }
            if random.below(20) == 0
                && let Some((&victim, _)) = asked.iter().nth(random.below(asked.len().max(1) as u32) as usize)
            {
                engine.interrupt(victim);
            }
            take(&mut engine, &mut outcomes);
            let ended: Vec<RequestId> = outcomes.iter().filter(|(_, outcome)| outcome.reason.is_some()).map(|(&id, _)| id).collect();
            for id in ended {
                let outcome = outcomes.remove(&id).unwrap();
                let (mut history, most) = asked.remove(&id).unwrap();
                let most = (most as usize).min(160 - history.len());
                let expected = engine.model().continuation(&history, most);
                assert_eq!(outcome.ids, expected[..outcome.ids.len()], "seed {seed}");
                assert!(outcome.ids.len() == expected.len() || outcome.reason == Some(crate::engine::usage::FinishReason::Abort));
                reused += outcome.usage.unwrap().prompt_tokens_details.cached_tokens;
                history.extend(outcome.ids);
                if histories.len() < 12 {
                    histories.push(history);
                } else {
                    let place = random.below(12) as usize;
                    histories[place] = history;
                }
            }
        }
        assert!(reused > 2000, "seed {seed}: {reused}");
        engine.forget_prefixes();
        assert_eq!(engine.model().available(), free, "seed {seed}");
    }
}
