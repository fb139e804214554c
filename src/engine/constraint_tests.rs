//! Answers that keep to a grammar, on the fake model. Each must be what a free pick and, where it is refused, a second one among the allowed
//! tokens give, whatever the engine does around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fake::{EOS, Fake};
use super::tests::{engine, ids, prompt, run};
use super::*;
use crate::engine::request::{Prompt, Request};
use crate::engine::usage::FinishReason;
use crate::grammar::Grammar;
use crate::sampler::Sampling;
use crate::text::chat::Dialogue;
use crate::text::message::Message;
use crate::text::tokenizer::tests::small;
use tegula_package::mlc::ChatConfig;

fn held(request: Request, grammar: Grammar) -> Request {
    Request { grammar: Some(Arc::new(grammar)), ..request }
}

/// Grammars of which the model, which likes the letters a to h, breaks few, some and all.
fn grammars() -> Vec<Grammar> {
    let lark = |text: &str| Grammar::rules("grammar", text).unwrap();
    vec![
        Grammar::regex("regex", "(?s:.)*"),
        Grammar::regex("regex", "([a-g]+[ .])+"),
        Grammar::regex("regex", "[0-9]{20,}"),
        lark("start: /[a-h]+/ \"-\" | /[a-d]/ start /[e-h]/"),
    ]
}

fn ways() -> Vec<Sampling> {
    let drawn = Sampling { seed: 5, ..Sampling::default() };
    vec![
        Sampling::greedy(),
        drawn.clone(),
        Sampling { top_p: 0.8, seed: 6, ..drawn.clone() },
        Sampling { frequency_penalty: 0.5, logit_bias: vec![(50, 6.0)], seed: 7, ..drawn },
    ]
}

/// What an answer is by the rule alone.
fn expected(engine: &Engine<Fake>, request: &Request, prompt: &[u32], most: usize) -> Vec<u32> {
    let mut constraint = engine.intake().check(RequestId(0), request.clone()).unwrap().constraint.unwrap();
    let (mut ids, mut counts, mut sampler) = (prompt.to_vec(), BTreeMap::new(), Sampler::default());
    while ids.len() < prompt.len() + most && !constraint.ended() {
        let position = ids.len() as u32;
        let logits = engine.model().logits_after(ids.iter().copied(), position - 1);
        let mut id = sampler.pick(&mut logits.clone(), &request.sampling, &counts, position).unwrap();
        if !constraint.take(id, id == EOS).unwrap() {
            let mut allowed = logits;
            constraint.apply(&mut allowed).unwrap();
            id = sampler.pick_again(&mut allowed, &request.sampling, &counts, position).unwrap();
            assert!(constraint.take(id, id == EOS).unwrap());
        }
        *counts.entry(id).or_default() += 1;
        ids.push(id);
        if id == EOS {
            break;
        }
    }
    ids.split_off(prompt.len())
}

#[test]
fn answers_keep_to_their_grammars_in_any_company() {
    for depth in [1, 2, 3, 7] {
        for cache in [1024, 176] {
            let mut engine = engine(Fake::new(160, cache, None));
            engine.set_run_ahead(depth);
            let mut prompts = (0..).map(|seed| prompt(5 + 7 * (seed % 4), seed));
            let mut all = Vec::new();
            for sampling in ways() {
                for grammar in grammars() {
                    let prompt = prompts.next().unwrap();
                    let request = Request { sampling: sampling.clone(), ..ids(&prompt, 40) };
                    all.push((prompt.clone(), held(request.clone(), grammar)));
                    all.push((prompt, request));
                }
            }
            let outcomes = run(&mut engine, all.iter().map(|(_, request)| request.clone()).collect());
            for ((prompt, request), outcome) in all.iter().zip(outcomes) {
                let expected = match request.grammar {
                    Some(_) => expected(&engine, request, prompt, 40),
                    None => engine.model().sampled_continuation(prompt, 40, &request.sampling),
                };
                assert_eq!(outcome.ids, expected, "depth {depth}, cache {cache}, {request:?}");
            }
        }
    }
}

#[test]
fn what_must_follow_is_put_in_at_once() {
    let said = "everybody who begins must go on like this, to the very last letter of it";
    let grammar = Grammar::rules("grammar", &format!("start: /[a-h]{{3}}/ \"{said}\" /[a-h]{{2}}/")).unwrap();
    let prompts: Vec<_> = (0..3).map(|seed| prompt(9, seed)).collect();
    let mut alone = Vec::new();
    for (depth, together) in [(1, false), (1, true), (2, true), (7, true)] {
        let mut engine = engine(Fake::new(160, 1024, None));
        engine.set_run_ahead(depth);
        let request = |prompt: &Vec<u32>| held(ids(prompt, 100), grammar.clone());
        let outcomes = match together {
            true => run(&mut engine, prompts.iter().map(request).collect()),
            false => prompts.iter().flat_map(|prompt| run(&mut engine, vec![request(prompt)])).collect(),
        };
        for outcome in &outcomes {
            assert_eq!(outcome.reason, Some(FinishReason::Stop));
            assert_eq!((&outcome.text[3..3 + said.len()], outcome.text.len()), (said, said.len() + 5), "{}", outcome.text);
        }
        // Rows of single tokens: fewer than half of the tokens, with what ran ahead in vain.
        assert!(engine.counters().decoded < 3 * said.len() as u64 / 2, "{:?}", engine.counters());
        let ids: Vec<_> = outcomes.into_iter().map(|outcome| outcome.ids).collect();
        if alone.is_empty() {
            alone = ids;
        } else {
            assert_eq!(ids, alone, "depth {depth}");
        }
    }
}

#[test]
fn a_model_that_strays_does_not_run_ahead_in_vain() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(7);
    let outcome = run(&mut engine, vec![held(ids(&prompt(9, 1), 60), Grammar::regex("regex", "[0-9]+"))]).remove(0);
    assert!(outcome.text.len() >= 20 && outcome.text.bytes().all(|byte| byte.is_ascii_digit()), "{}", outcome.text);
    assert!(engine.counters().discarded <= 3 * 7, "{:?}", engine.counters());
}

#[test]
fn a_second_pick_makes_up_for_what_was_refused() {
    // The share of each of the allowed ids must be its part of what they weigh together.
    let logits = [0.0f32, 1.0, -1.0, 2.0, 0.5];
    let allowed = [0, 2, 4];
    let (mut sampler, mut counts) = (Sampler::default(), [0f64; 5]);
    let draws = 40_000;
    for seed in 0..draws {
        let sampling = Sampling { seed, ..Sampling::default() };
        let first = sampler.pick(&mut logits.to_vec(), &sampling, &BTreeMap::new(), 3).unwrap();
        let id = if allowed.contains(&first) {
            first
        } else {
            let mut masked = [f32::NEG_INFINITY; 5];
            allowed.iter().for_each(|&id| masked[id as usize] = logits[id as usize]);
            sampler.pick_again(&mut masked, &sampling, &BTreeMap::new(), 3).unwrap()
        };
        counts[id as usize] += 1.0 / draws as f64;
    }
    let total: f64 = allowed.iter().map(|&id| f64::from(logits[id as usize]).exp()).sum();
    for (id, share) in counts.iter().enumerate() {
        let expected = if allowed.contains(&(id as u32)) { f64::from(logits[id]).exp() / total } else { 0.0 };
        assert!((share - expected).abs() < 0.01, "id {id}: {share}, expected {expected}");
    }
}

#[test]
fn reasoning_is_free_and_ends_with_its_budget() {
    let template = "{% for message in messages %}{{ message.content }}{% endfor %}<think>";
    let config = ChatConfig::parse(r#"{"eos_token_id": 2, "active_vocab_size": 264}"#).unwrap();
    let model = Fake::new(160, 1024, None);
    let intake = Arc::new(Intake::new(&model, Some(small("null", "{}")), config, Some(&format!("{template}{{# </think> #}}"))));
    for depth in [1, 2, 7] {
        let mut engine = Engine::new(Fake::new(160, 1024, None), Arc::clone(&intake));
        engine.set_run_ahead(depth);
        let dialogue = Dialogue { messages: vec![Message::new("user", "hi")], ..Dialogue::default() };
        let request = Request {
            max_tokens: Some(60),
            marks: true,
            thinking_budget: Some(10),
            ..held(Request::greedy(Prompt::Chat(dialogue)), Grammar::regex("regex", "[0-9]{5}"))
        };
        let outcome = run(&mut engine, vec![request]).remove(0);
        let (thought, answer) = outcome.text.split_once("</think>").expect("its end is written");
        assert_eq!((thought.len(), answer.len(), outcome.reason), (10, 5, Some(FinishReason::Stop)), "{}", outcome.text);
        assert!(answer.bytes().all(|byte| byte.is_ascii_digit()), "{answer}");
    }
    let free = Request { thinking_budget: Some(1), ..ids(&[5], 3) };
    assert!(intake.check(RequestId(0), free).unwrap().thinking.is_none(), "a text has no reasoning");
}

#[test]
fn what_is_no_grammar_is_refused_by_its_field() {
    let engine = engine(Fake::new(160, 1024, None));
    let request = held(ids(&[5], 3), Grammar::regex("response_format.regex", "("));
    let error = engine.intake().check(RequestId(0), request).err().expect("it is refused");
    assert_eq!((error.code(), error.facts().fields["field"].as_str()), ("InvalidGrammarError", Some("response_format.regex")));
}
