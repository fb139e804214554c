//! The driver on models that are hashes: what comes out is held against what the rule says for each request alone.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::executor::block_on;
use futures::future::join_all;
use futures::{FutureExt, StreamExt};

use super::toy::{Toy, code, load, prompt, request};
use super::{Events, Handle, Host};
use crate::engine::fake::Fake;
use crate::engine::request::{EventKind, Request};
use crate::engine::usage::FinishReason;
use crate::{ErrorKind, HostError};

fn host(toys: impl IntoIterator<Item = Toy>) -> (Host, Handle) {
    let (host, handle) = Host::new(None);
    toys.into_iter().for_each(|toy| load(&handle, toy));
    (host, handle)
}

/// What the rule says.
fn alone(tokens: u32, seed: u32, most: u32) -> Vec<u32> {
    Fake::new(160, 1024, None).continuation(&prompt(tokens, seed), most as usize)
}

#[test]
fn models_answer_side_by_side_what_they_answer_alone() {
    let log = Arc::default();
    let (mut host, handle) = host(["a", "b"].map(|name| Toy { log: Arc::clone(&log), ..Toy::new(name) }));
    assert_eq!(handle.models(), ["a", "b"]);
    let endless = |seed| Request { ignore_eos: true, ..request(7, seed, 60) };
    let together = ["a", "b"].map(|name| handle.ask(name, endless(1)).unwrap().answer());
    let [a, b] = block_on(host.until(join_all(together))).try_into().unwrap();
    assert_eq!(a.unwrap().ids, b.unwrap().ids);
    // Neither gets a second step before the other has one, but for those in flight.
    let log = log.lock().unwrap();
    let lead = |upto: usize| log[..upto].iter().fold(0, |lead: i32, name| if *name == "a" { lead + 1 } else { lead - 1 });
    assert!(log.len() > 120 && (0..log.len() - 4).all(|upto| lead(upto).abs() <= 2), "{log:?}");
    drop(log);
    let mut asked = Vec::new();
    for seed in 0..9 {
        let name = if seed % 2 == 0 { "a" } else { "b" };
        asked.push(handle.ask(name, request(1 + 5 * seed, seed, 30)).unwrap().answer());
    }
    for (seed, answer) in (0..).zip(block_on(host.until(join_all(asked)))) {
        assert_eq!(answer.unwrap().ids, alone(1 + 5 * seed, seed, 30));
    }
}

#[test]
fn what_is_wrong_with_a_request_is_said_where_it_is_submitted() {
    let (_host, handle) = host([Toy::new("a"), Toy::new("b")]);
    let error = handle.ask("c", request(3, 0, 5)).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Host(HostError::UnknownModel { name, models }) if name == "c" && models == &["a", "b"]));
    assert_eq!(error.to_string(), "no model `c` is loaded; loaded: a, b");
    assert_eq!(code(handle.ask("a", request(0, 0, 5))), "EmptyPromptError");
    assert_eq!(code(handle.ask("a", request(161, 0, 5))), "ContextWindowSizeExceededError");
    assert_eq!(code(handle.ask("a", request(3, 0, 0))), "RangeError");
    assert_eq!(code(handle.place("a")), "ModelNameTakenError");
    assert_eq!(code(handle.unload("c")), "ModelNotLoadedError");
}

#[test]
fn requests_come_from_any_thread() {
    let (host, handle) = host([Toy::new("a"), Toy::new("b")]);
    let ask = |seed: u32| {
        let handle = handle.clone();
        std::thread::spawn(move || {
            let name = if seed.is_multiple_of(2) { "a" } else { "b" };
            let ids = block_on(handle.ask(name, request(4, seed, 20)).unwrap().answer()).unwrap().ids;
            assert_eq!(ids, alone(4, seed, 20));
        })
    };
    let threads: Vec<_> = (0..8).map(ask).collect();
    drop(handle);
    block_on(host.run());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn interruptions_and_sinks_that_had_enough_end_one_request() {
    let (mut host, handle) = host([Toy::new("a")]);
    let endless = |seed| Request { ignore_eos: true, ..request(5, seed, 100) };
    let mut interrupted = handle.ask("a", endless(1)).unwrap();
    let left = handle.ask("a", endless(2)).unwrap();
    let other = handle.ask("a", endless(3)).unwrap().answer();
    assert!(matches!(block_on(host.until(interrupted.next())), Some(EventKind::Token { .. })));
    handle.interrupt(interrupted.request());
    drop(left);
    let ended = async {
        loop {
            if let Some(EventKind::Finished { reason, .. }) = interrupted.next().await {
                return reason;
            }
        }
    };
    assert_eq!(block_on(host.until(ended)), FinishReason::Abort);
    assert_eq!(block_on(host.until(other)).unwrap().ids.len(), 100);
    assert!(interrupted.ready().is_none() && host.models[0].engine.idle() && host.models[0].sinks.is_empty());
}

#[test]
fn a_panic_takes_one_model_and_leaves_the_others() {
    let (mut host, handle) = host([Toy { panics_at: Some(9), ..Toy::new("bad") }, Toy::new("good")]);
    let asked = [("bad", 0), ("good", 1), ("bad", 2)].map(|(name, seed)| handle.ask(name, request(6, seed, 40)).unwrap().answer());
    let [bad, good, other] = block_on(host.until(join_all(asked))).try_into().unwrap();
    assert_eq!(good.unwrap().ids, alone(6, 1, 40));
    for error in [bad, other].map(|answer| answer.unwrap_err()) {
        assert_eq!(error.code(), "EngineCrashedError");
        assert!(error.to_string().contains("a bug in bad"), "{error}");
    }
    assert_eq!((handle.models(), handle.memory().len()), (vec!["good".to_owned()], 1));
    assert_eq!(code(handle.ask("bad", request(6, 0, 40))), "ModelNotLoadedError");
    load(&handle, Toy::new("bad"));
    let answer = handle.ask("bad", request(6, 0, 40)).unwrap().answer();
    assert_eq!(block_on(host.until(answer)).unwrap().ids, alone(6, 0, 40));
}

#[test]
fn a_sink_that_panics_ends_its_request_only() {
    let (mut host, handle) = host([Toy::new("a")]);
    handle.submit("a", request(6, 1, 40), Box::new(|_| panic!("a bug in a sink"))).unwrap();
    let other = handle.ask("a", request(6, 2, 40)).unwrap().answer();
    assert_eq!(block_on(host.until(other)).unwrap().ids, alone(6, 2, 40));
    assert!(host.models[0].sinks.is_empty());
}

#[test]
fn a_lost_device_ends_all_requests_and_refuses_later_ones() {
    let mut breaks = Toy::new("a");
    breaks.fake.breaks_after = Some(5);
    let (mut host, handle) = host([breaks, Toy::new("b")]);
    let asked = ["a", "b", "a"].map(|name| handle.ask(name, Request { ignore_eos: true, ..request(6, 1, 90) }).unwrap().answer());
    for answer in block_on(host.until(join_all(asked))) {
        assert_eq!(code(answer), "DeviceLostError");
    }
    for name in ["a", "b"] {
        assert_eq!(code(handle.ask(name, request(6, 1, 90))), "DeviceLostError");
    }
    assert_eq!(code(handle.place("c")), "DeviceLostError");
    block_on(host.until(handle.unload("a").unwrap()));
    assert_eq!(handle.models(), ["b"]);
}

#[test]
fn unloading_fails_what_runs_and_frees_the_name() {
    let (mut host, handle) = host([Toy::new("a"), Toy::new("b")]);
    let asked = ["a", "b"].map(|name| handle.ask(name, request(6, 1, 40)).unwrap());
    assert!(block_on(host.turn()));
    let unloaded = handle.unload("a").unwrap();
    assert_eq!(code(handle.ask("a", request(6, 1, 40))), "ModelNotLoadedError");
    assert_eq!(code(handle.place("a")), "ModelNameTakenError", "until the driver has freed its memory");
    block_on(host.until(unloaded));
    let [a, b] = block_on(host.until(join_all(asked.map(Events::answer)))).try_into().unwrap();
    assert_eq!((code(a), b.unwrap().ids), ("ModelNotLoadedError", alone(6, 1, 40)));
    assert_eq!(handle.memory().len(), 1);
    load(&handle, Toy::new("a"));
    assert_eq!(handle.models(), ["a", "b"]);
}

#[test]
fn a_place_that_is_given_up_can_be_had_again() {
    let (_host, handle) = host([]);
    drop(handle.place("a").unwrap());
    load(&handle, Toy::new("a"));
    assert_eq!(handle.models(), ["a"]);
}

#[test]
fn ended_hosts_tell_everyone() {
    for told in [true, false] {
        let (mut host, handle) = host([Toy::new("a")]);
        let running = handle.ask("a", request(6, 1, 40)).unwrap();
        assert!(block_on(host.turn()));
        let waiting = handle.ask("a", request(6, 2, 40)).unwrap();
        if told {
            handle.shutdown();
            block_on(host.run());
        } else {
            drop(host);
        }
        for events in [running, waiting] {
            assert_eq!(code(block_on(events.answer())), "ModelNotLoadedError");
        }
        assert_eq!(code(handle.ask("a", request(6, 1, 40))), "ModelNotLoadedError");
        assert!(handle.models().is_empty() && handle.memory().is_empty());
        load(&handle, Toy::new("a"));
        assert_eq!(code(handle.ask("a", request(6, 1, 40))), "ModelNotLoadedError", "nobody takes it");
    }
}

#[test]
fn an_idle_host_sleeps_and_wakes_for_messages() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let woken = || count.0.swap(0, Ordering::Relaxed) > 0;
    let (host, handle) = host([Toy::new("a")]);
    let mut run = Box::pin(host.run());
    let mut poll = || run.poll_unpin(&mut Context::from_waker(&waker));
    while poll().is_pending() && woken() {}
    assert!(poll().is_pending() && !woken(), "nothing to do");
    let (sender, tokens) = std::sync::mpsc::channel();
    let sink = move |event: crate::Event| {
        sender.send(matches!(event.kind, EventKind::Token { .. })).map_or(ControlFlow::Break(()), ControlFlow::Continue)
    };
    handle.submit("a", request(6, 1, 3), Box::new(sink)).unwrap();
    assert!(woken(), "a message wakes it");
    let mut polls = 0;
    while poll().is_pending() && woken() {
        polls += 1;
    }
    assert!((3..100).contains(&polls), "it is polled as often as something happens: {polls}");
    assert_eq!(tokens.iter().filter(|is_token| *is_token).count(), alone(6, 1, 3).len());
    drop(handle);
    assert!(woken(), "nobody is left");
    assert_eq!(poll(), Poll::Ready(()));
}
