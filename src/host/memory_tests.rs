//! The ledger: who fits beside whom, whose cache gives way, and what comes back.

use futures::executor::block_on;
use futures::future::join;

use super::toy::{self, Toy, code, load, request};
use super::{Handle, Host, Package};
use crate::Request;
use crate::model::budget::Budget;

/// Asks for memory for a model, and loads it with the limit that its cache got.
fn admit(host: &mut Host, handle: &Handle, name: &'static str) -> crate::Result<Budget> {
    let place = handle.place(name)?;
    let mut toy = Toy::new(name);
    let budget = block_on(host.until(place.budget(toy.memory.clone())))?;
    toy.memory.capacity = budget.tokens.unwrap();
    toy.cached = toy.memory.capacity.min(toy.cached);
    place.load(toy, Package::default());
    Ok(budget)
}

fn limits(handle: &Handle) -> Vec<(String, u64)> {
    handle.memory().into_iter().map(|holding| (holding.model, holding.cache_limit)).collect()
}

fn named(limits: &[(&str, u64)]) -> Vec<(String, u64)> {
    limits.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect()
}

#[test]
fn caches_share_what_is_left_and_get_it_back() {
    // Each takes 1,024 bytes beside its cache, which can use 1,024 more.
    let (mut host, handle) = Host::new(Some(4000));
    let budget = admit(&mut host, &handle, "a").unwrap();
    assert_eq!((budget.memory, budget.tokens), (Some(2048), Some(1024)), "as much as it can use");
    assert_eq!(handle.free(), Some(1952));
    let budget = admit(&mut host, &handle, "b").unwrap();
    assert_eq!(budget.tokens, Some(976), "half of what is left, in whole pages");
    assert_eq!(limits(&handle), named(&[("a", 976), ("b", 976)]));
    assert!(block_on(host.turn()));
    // 4,000 - 3 * 1,024 = 928 are left for three.
    admit(&mut host, &handle, "c").unwrap();
    assert_eq!(limits(&handle), named(&[("a", 304), ("b", 304), ("c", 304)]));
    assert_eq!(handle.memory()[0].cache, 304, "what it had is given back");
    assert_eq!(handle.intake("a").unwrap().capacity(), 160);
    block_on(host.until(handle.unload("c").unwrap()));
    assert_eq!(limits(&handle), named(&[("a", 976), ("b", 976)]));
    block_on(host.until(handle.unload("b").unwrap()));
    assert_eq!((limits(&handle), handle.free()), (named(&[("a", 1024)]), Some(1952)));
}

#[test]
fn who_does_not_fit_is_told_what_the_others_hold() {
    let (mut host, handle) = Host::new(Some(3000));
    admit(&mut host, &handle, "a").unwrap();
    admit(&mut host, &handle, "b").unwrap();
    let before = limits(&handle);
    let error = admit(&mut host, &handle, "c").unwrap_err();
    assert_eq!(error.code(), "MemoryBudgetError");
    let text = "the model `c` needs 1280 bytes at least, and 440 of the 3000 that models may have can be given to it \
                (`a` holds 1280, `b` holds 1280); unload a model, choose a smaller one, or allow more memory";
    assert_eq!(error.to_string(), text);
    assert_eq!(limits(&handle), before);
    block_on(host.until(handle.unload("a").unwrap()));
    admit(&mut host, &handle, "c").unwrap();
    assert_eq!(handle.models(), ["b", "c"]);
    // Larger than all the memory there is.
    let place = handle.place("d").unwrap();
    let large = toy::memory(1 << 40, 0);
    assert_eq!(code(block_on(host.until(place.budget(large)))), "MemoryBudgetError");
}

#[test]
fn a_model_that_answers_keeps_its_cache() {
    let (mut host, handle) = Host::new(Some(3600));
    admit(&mut host, &handle, "a").unwrap();
    let endless = handle.ask("a", Request { ignore_eos: true, ..request(6, 1, 100) }).unwrap();
    assert!(block_on(host.turn()));
    let budget = admit(&mut host, &handle, "b").unwrap();
    assert_eq!(budget.tokens, Some(528), "what is left beside what `a` was promised");
    let busy = admit(&mut host, &handle, "c").unwrap_err();
    assert!(busy.to_string().contains("`a` holds 2048"), "{busy}");
    let answer = block_on(host.until(endless.answer())).unwrap();
    assert_eq!(answer.ids.len(), 100);
    assert_eq!(limits(&handle), named(&[("a", 1024), ("b", 528)]));
    // Idle now, it gives way: 3,600 - 3 * 1,024 = 528 are too little for three caches of 256, but not for two models.
    block_on(host.until(handle.unload("b").unwrap()));
    assert_eq!(admit(&mut host, &handle, "b").unwrap().tokens, Some(768));
    assert_eq!(limits(&handle), named(&[("a", 768), ("b", 768)]));
}

#[test]
fn a_place_that_is_given_up_gives_its_memory_back() {
    let (mut host, handle) = Host::new(Some(4000));
    admit(&mut host, &handle, "a").unwrap();
    let place = handle.place("b").unwrap();
    block_on(host.until(place.budget(Toy::new("b").memory))).unwrap();
    assert_eq!(limits(&handle), named(&[("a", 976), ("b", 976)]));
    // While it loads, nobody takes its share.
    let other = handle.place("c").unwrap();
    let budget = block_on(host.until(other.budget(Toy::new("c").memory)));
    assert!(budget.is_err(), "976 bytes are promised to `b`: {budget:?}");
    drop((place, other));
    assert!(block_on(host.turn()));
    assert_eq!(limits(&handle), named(&[("a", 1024)]));
    admit(&mut host, &handle, "b").unwrap();
}

#[test]
fn two_that_ask_at_once_do_not_get_the_same_memory() {
    let (mut host, handle) = Host::new(Some(2400));
    let places = ["a", "b"].map(|name| handle.place(name).unwrap());
    let memory = Toy::new("a").memory;
    let both = join(places[0].budget(memory.clone()), places[1].budget(memory));
    let (a, b) = block_on(host.until(both));
    assert_eq!(a.unwrap().memory, Some(2048));
    assert_eq!(code(b), "MemoryBudgetError");
}

#[test]
fn without_a_bound_everyone_gets_what_it_can_use() {
    let (mut host, handle) = Host::new(None);
    for name in ["a", "b", "c"] {
        assert_eq!(admit(&mut host, &handle, name).unwrap(), Budget { memory: None, tokens: Some(1024) });
    }
    assert_eq!((handle.free(), handle.memory().len()), (None, 3));
    load(&handle, Toy::new("d"));
    assert_eq!(handle.memory()[3].weights, 1000);
}
