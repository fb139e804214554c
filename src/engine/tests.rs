//! The engine on a model that is a hash: every test compares what came out with what the rule says for each request alone.

use std::collections::BTreeMap;

use futures::executor::block_on;

use super::fake::{EOS, Fake};
use super::*;
use crate::Error;
use crate::engine::request::{EventKind, Prompt, Request};
use crate::engine::usage::FinishReason;
use crate::sampler::Sampling;
use crate::text::chat::Dialogue;
use crate::text::message::Message;
use crate::text::tokenizer::tests::small;
use tegula_package::mlc::ChatConfig;

/// What came of a request.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) ids: Vec<u32>,
    pub(super) text: String,
    pub(super) reason: Option<FinishReason>,
    pub(super) usage: Option<crate::engine::usage::Usage>,
    pub(super) error: Option<Error>,
}

pub(super) fn engine(model: Fake) -> Engine<Fake> {
    let config = ChatConfig::parse(r#"{"eos_token_id": 2, "active_vocab_size": 264}"#).unwrap();
    Engine::of(model, Some(small("null", "{}")), config)
}

pub(super) fn ids(prompt: &[u32], max_tokens: u32) -> Request {
    Request { max_tokens: Some(max_tokens), ..Request::greedy(Prompt::Ids(prompt.to_vec())) }
}

/// A prompt of so many tokens.
pub(super) fn prompt(tokens: u32, seed: u32) -> Vec<u32> {
    (0..tokens).map(|token| 3 + (token * 37 + seed * 101) % 190).collect()
}

pub(super) fn take(engine: &mut Engine<Fake>, outcomes: &mut BTreeMap<RequestId, Outcome>) {
    note(block_on(engine.step()).unwrap(), outcomes);
}

/// Notes what requests were told.
pub(super) fn note(events: Vec<Event>, outcomes: &mut BTreeMap<RequestId, Outcome>) {
    for event in events {
        let outcome = outcomes.entry(event.request).or_default();
        assert!(outcome.reason.is_none() && outcome.error.is_none(), "news after the end");
        match event.kind {
            EventKind::Token { id, text, .. } => {
                outcome.ids.push(id);
                outcome.text.push_str(&text);
            }
            EventKind::Finished { reason, usage } => (outcome.reason, outcome.usage) = (Some(reason), Some(usage)),
            EventKind::Failed { error } => outcome.error = Some(error),
        }
    }
}

/// Runs requests together, and gives what came of each. All pages are free at the end.
pub(super) fn run(engine: &mut Engine<Fake>, requests: Vec<Request>) -> Vec<Outcome> {
    engine.forget_prefixes();
    let free = engine.model().available();
    let submitted: Vec<RequestId> = requests.into_iter().map(|request| engine.submit(request).unwrap()).collect();
    let mut outcomes = BTreeMap::new();
    while !engine.idle() {
        take(engine, &mut outcomes);
    }
    engine.forget_prefixes();
    assert_eq!(engine.model().available(), free);
    submitted.iter().map(|id| outcomes.remove(id).unwrap_or_default()).collect()
}

/// Runs greedy requests of many lengths at every depth, and compares each with the rule.
pub(super) fn check(model: impl Fn() -> Fake, sizes: &[(u32, u32)]) {
    for depth in [1, 2, 3, 7] {
        let mut engine = engine(model());
        engine.pad_from(engine.model().padded_from);
        engine.set_run_ahead(depth);
        let prompts: Vec<Vec<u32>> = (0..).zip(sizes).map(|(seed, &(tokens, _))| prompt(tokens, seed)).collect();
        let requests = prompts.iter().zip(sizes).map(|(prompt, &(_, most))| ids(prompt, most)).collect();
        let outcomes = run(&mut engine, requests);
        for ((prompt, &(_, most)), outcome) in prompts.iter().zip(sizes).zip(&outcomes) {
            let most = (most as usize).min(engine.model().capacity() as usize - prompt.len());
            let expected = engine.model().continuation(prompt, most);
            assert_eq!(outcome.ids, expected, "{} tokens, depth {depth}", prompt.len());
            let reason = if expected.last() == Some(&EOS) { FinishReason::Stop } else { FinishReason::Length };
            assert_eq!(outcome.reason, Some(reason));
            let usage = outcome.usage.unwrap();
            assert_eq!((usage.prompt_tokens as usize, usage.completion_tokens as usize), (prompt.len(), expected.len()));
        }
        let answers: Vec<_> = outcomes.iter().map(|outcome| outcome.reason).collect();
        assert!(depth > 1 || engine.counters().discarded == 0, "{answers:?}");
    }
}

pub(super) const SIZES: [(u32, u32); 9] = [(1, 9), (2, 1), (4, 30), (5, 60), (13, 7), (31, 40), (8, 1000), (17, 2), (40, 80)];

#[test]
fn requests_in_company_answer_as_alone() {
    check(|| Fake::new(160, 1024, None), &SIZES);
}

#[test]
fn a_cache_too_small_for_all_makes_some_wait_or_start_over() {
    check(|| Fake::new(160, 176, None), &SIZES);
    let mut engine = engine(Fake::new(160, 176, None));
    run(&mut engine, (0..3).map(|seed| Request { ignore_eos: true, ..ids(&prompt(30, seed), 80) }).collect());
    let counters = engine.counters();
    assert!(counters.prefilled + counters.cached > 90, "three prompts of 30 tokens, and some again: {counters:?}");
}

#[test]
fn with_a_window_sequences_run_on_in_little_memory() {
    check(|| Fake::new(400, 112, Some(20)), &[(1, 300), (50, 300), (90, 200), (7, 100)]);
}

#[test]
fn ids_of_padding_are_never_sampled() {
    let model = || Fake::new(160, 1024, None).padded(260);
    check(model, &SIZES);
    let unaware = run(&mut engine(model()), vec![Request { ignore_eos: true, ..ids(&prompt(4, 2), 40) }]).remove(0);
    assert!(unaware.ids.iter().any(|&id| id >= 260), "without a config that says so they would be");
}

#[test]
fn an_answer_ends_with_the_context() {
    let mut engine = engine(Fake::new(64, 1024, None));
    let mut request = ids(&prompt(10, 0), 1000);
    request.ignore_eos = true;
    let outcome = run(&mut engine, vec![request]).remove(0);
    assert_eq!((outcome.ids.len(), outcome.reason), (54, Some(FinishReason::Length)));
    assert_eq!(run(&mut engine, vec![ids(&prompt(63, 0), 5)])[0].ids.len(), 1);
    let error = engine.submit(ids(&prompt(64, 0), 1)).unwrap_err();
    assert_eq!(error.code(), "ContextWindowSizeExceededError");
    assert!(error.to_string().contains("64 tokens") && error.to_string().contains("holds 64"), "{error}");
}

#[test]
fn the_end_is_told_but_has_no_text() {
    let mut engine = engine(Fake::new(512, 512, None));
    let request = (0..).map(|seed| ids(&prompt(3, seed), 200)).find(|request| {
        let Prompt::Ids(ids) = &request.prompt else { return false };
        engine.model().continuation(ids, 200).last() == Some(&EOS)
    });
    let request = request.unwrap();
    let outcome = run(&mut engine, vec![request.clone()]).remove(0);
    assert_eq!((outcome.ids.last(), outcome.reason), (Some(&EOS), Some(FinishReason::Stop)));
    assert_eq!(outcome.text.len(), outcome.ids.len() - 1);
    let on = run(&mut engine, vec![Request { ignore_eos: true, ..request }]).remove(0);
    assert_eq!((on.ids.len(), &on.ids[..outcome.ids.len()]), (200, &outcome.ids[..]));
}

#[test]
fn stop_texts_end_an_answer_and_are_never_shown() {
    for depth in [1, 3] {
        let mut engine = engine(Fake::new(512, 1024, None));
        engine.set_run_ahead(depth);
        let plain = Request { ignore_eos: true, ..ids(&prompt(5, 1), 60) };
        let Outcome { ids, text: whole, .. } = run(&mut engine, vec![plain.clone()]).remove(0);
        // A text of three tokens from the middle, and one that begins like it.
        let stop = whole[20..23].to_owned();
        let end = whole.find(&stop).unwrap();
        let stops = vec![format!("{}zz", &whole[..2]), stop];
        let outcome = run(&mut engine, vec![Request { stop: stops, ..plain.clone() }]).remove(0);
        assert_eq!((outcome.text.as_str(), outcome.reason), (&whole[..end], Some(FinishReason::Stop)));
        let enough = (1..60).find(|&count| engine.tokenizer().unwrap().decode(&ids[..count]).len() >= end + 3).unwrap();
        assert_eq!(outcome.ids, ids[..enough], "the tokens of the stop text are counted");
        // What could have been the start of a stop text is shown at the end.
        let held = Request { stop: vec![format!("{}zz", &whole[58..])], ..plain };
        assert_eq!(run(&mut engine, vec![held]).remove(0).text, whole);
    }
}

#[test]
fn chunks_and_rows_take_turns_where_they_do_not_mix() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(1);
    engine.set_mixing(false);
    engine.submit(Request { ignore_eos: true, ..ids(&prompt(1, 0), 30) }).unwrap();
    for _ in 0..3 {
        block_on(engine.step()).unwrap();
    }
    engine.submit(Request { ignore_eos: true, ..ids(&prompt(12, 1), 30) }).unwrap();
    for _ in 0..8 {
        block_on(engine.step()).unwrap();
    }
    let (chunk, row, both) = ((Entry::Prefill, 4), (Entry::Decode, 1), (Entry::Batch, 2));
    assert_eq!(engine.model().log, [row, row, row, chunk, row, chunk, row, chunk, both, both, both]);
    let counters = engine.counters();
    assert_eq!((counters.steps, counters.prefilled, counters.decoded), (11, 12, 11));
}

#[test]
fn greedy_answers_run_ahead_and_what_was_too_much_is_discarded() {
    let mut engine = engine(Fake::new(160, 1024, None));
    engine.set_run_ahead(3);
    let plain = Request { ignore_eos: true, ..ids(&prompt(4, 0), 20) };
    let text = run(&mut engine, vec![plain.clone()]).remove(0).text;
    assert_eq!((engine.model().log.len(), engine.counters().discarded), (20, 0), "the last token is known beforehand");
    run(&mut engine, vec![Request { stop: vec![text[5..9].to_owned()], ..plain }]);
    assert_eq!(engine.counters().discarded, 2, "a stop is not");
}

#[test]
fn logits_of_every_position_come_in_chunks_beside_running_requests() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let running = prompt(9, 0);
    let id = engine.submit(ids(&running, 20)).unwrap();
    let mut outcomes = BTreeMap::new();
    take(&mut engine, &mut outcomes);
    let scored = prompt(11, 5);
    let logits = block_on(engine.logits(&scored)).unwrap();
    assert_eq!(logits, engine.model().scores(&scored));
    while !engine.idle() {
        take(&mut engine, &mut outcomes);
    }
    assert_eq!(outcomes[&id].ids, engine.model().continuation(&running, 20));
    assert_eq!(block_on(engine.logits(&prompt(160, 0))).unwrap().len(), 160, "the whole context");
    assert_eq!(block_on(engine.logits(&prompt(161, 0))).unwrap_err().code(), "ContextWindowSizeExceededError");
    assert_eq!(block_on(engine.logits(&[])).unwrap_err().code(), "EmptyPromptError");
}

#[test]
fn without_a_tokenizer_ids_go_in_and_out() {
    let mut engine = Engine::of(Fake::new(160, 1024, None), None, ChatConfig::default());
    let prompt = prompt(5, 0);
    let answer = block_on(engine.complete(Request { ignore_eos: true, ..ids(&prompt, 9) })).unwrap();
    assert_eq!((answer.ids.len(), answer.text.as_str()), (9, ""));
    let text = Request::greedy(Prompt::Text("hi".into()));
    assert_eq!(engine.submit(text).unwrap_err().code(), "UnsupportedTokenizerFilesError");
    let stop = Request { stop: vec!["a".into()], ..ids(&prompt, 9) };
    assert_eq!(engine.submit(stop).unwrap_err().code(), "UnsupportedTokenizerFilesError");
}

#[test]
fn what_cannot_run_is_refused_at_once() {
    let mut engine = engine(Fake::new(160, 1024, None));
    let refused = |engine: &mut Engine<Fake>, request| engine.submit(request).unwrap_err().code();
    assert_eq!(refused(&mut engine, ids(&[], 1)), "EmptyPromptError");
    assert_eq!(refused(&mut engine, ids(&[3, 264], 1)), "UnknownTokenError");
    assert_eq!(refused(&mut engine, ids(&[3], 0)), "RangeError");
    assert_eq!(refused(&mut engine, Request { sampling: Sampling { top_p: -1.0, ..Sampling::default() }, ..ids(&[3], 1) }), "RangeError");
    assert_eq!(refused(&mut engine, Request::greedy(Prompt::Chat(Dialogue::default()))), "NoChatTemplateError");
    assert!(engine.idle());
}

#[test]
fn conversations_stop_as_their_template_says() {
    let config = r#"{"conv_template": {"roles": {"user": "U", "assistant": "A"}, "seps": ["\n"], "stop_str": "d",
        "stop_token_ids": [2, 150]}, "eos_token_id": [7]}"#;
    let tokenizer = small("null", r#"{"eos_token": "</s>"}"#);
    let mut engine = Engine::of(Fake::new(400, 1024, None), Some(tokenizer), ChatConfig::parse(config).unwrap());
    assert_eq!(engine.eos, [2, 7], "150 is text");
    let dialogue = Dialogue { messages: vec![Message::new("user", "hi")], ..Dialogue::default() };
    let chat = Request::greedy(Prompt::Chat(dialogue));
    let ids = engine.tokenize(&chat.prompt).unwrap();
    assert_eq!(engine.tokenizer().unwrap().decode(&ids), "U: hi\nA: ");
    let answer = block_on(engine.complete(chat)).unwrap();
    assert!(!answer.text.contains('d'), "{}", answer.text);
    assert_eq!(answer.reason, FinishReason::Stop);
}

#[test]
fn a_continued_text_keeps_its_first_space() {
    let spaced = Sampling { logit_bias: vec![(263, 100.0)], ..Sampling::greedy() };
    let mut engine = engine(Fake::new(160, 1024, None));
    let text = Request { sampling: spaced, max_tokens: Some(2), ..Request::greedy(Prompt::Text("hi".into())) };
    assert_eq!(block_on(engine.complete(text)).unwrap().text, " hi hi");
}
