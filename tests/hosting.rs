//! Several models on one device: they answer at once what they answer alone, and share its memory.

use std::path::Path;
use std::sync::Arc;

use tegula::host::{Handle, Host};
use tegula::load::needs::needs;
use tegula::model::step::Model;
use tegula::{ErrorKind, HostError, Prompt, Request, Result};
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::{Gpu, Options};

use crate::adapter;
use crate::models::{prompt, random};
use crate::package::{Package, engine, load_within, own, texts};

fn options() -> CompileOptions {
    CompileOptions { prefill_chunk_size: Some(32), ..CompileOptions::default() }
}

fn library(package: &Path) -> Vec<u8> {
    let config = std::fs::read_to_string(package.join("mlc-chat-config.json")).expect("a config");
    compile(&Config::parse(&config).expect("a config"), &options()).expect("a library").library
}

/// Loads a package into a host as a server would: the memory first, then the weights. Without a `host` a thread drives it.
fn load(gpu: &Gpu, host: Option<&mut Host>, handle: &Handle, name: &str, package: &Package) -> Result<()> {
    let library = library(&package.path());
    let place = handle.place(name)?;
    let budget = place.budget(needs(gpu, own(&library), None)?);
    let budget = match host {
        Some(host) => pollster::block_on(host.until(budget)),
        None => pollster::block_on(budget),
    };
    let model: Model = pollster::block_on(load_within(gpu, &package.path(), own(&library), budget?).finish())?;
    place.load(model, texts(&package.path()));
    Ok(())
}

fn request(seed: u32, most: u32) -> Request {
    let ids = prompt(40 + seed, 259);
    Request { max_tokens: Some(most), ignore_eos: true, ..Request::greedy(Prompt::Ids(ids)) }
}

#[test]
fn models_of_one_device_answer_at_once_and_share_its_memory() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let packages = ["llama", "qwen3", "mistral"].map(|architecture| random(architecture, "q0f32").0);
    let alone = |package: &Package| {
        let mut solo = engine(&gpu, &package.path(), &options());
        [1, 2].map(|seed| solo.complete(request(seed, 60)).expect("an answer").ids)
    };
    let expected = [alone(&packages[0]), alone(&packages[1])];
    assert_ne!(expected[0], expected[1]);

    // Room for two, with caches of which each could use more.
    let needed = packages.each_ref().map(|package| needs(&gpu, own(&library(&package.path())), None).expect("a plan"));
    let fixed = |index: usize| needed[index].weights + needed[index].activations;
    let cache = |index: usize, tokens: u64| needed[index].cache_per_token * tokens;
    let total = fixed(0) + fixed(1) + cache(0, 640) + cache(1, 640);
    let (mut host, handle) = Host::new(Some(total));
    let load_into = |host: &mut Host, name: &str, package: &Package| load(&gpu, Some(host), &handle, name, package);
    load_into(&mut host, "first", &packages[0]).expect("there is room");
    // Its cache takes all that it may, and is filled: what it gives up later is memory that it had.
    let long = Request { max_tokens: Some(300), ..request(0, 300) };
    let answer = handle.ask("first", long).expect("it is loaded").answer();
    pollster::block_on(host.until(answer)).expect("an answer");
    let before = handle.memory()[0].cache_limit;
    load_into(&mut host, "second", &packages[1]).expect("there is room");
    let memory = handle.memory();
    let limits = [&memory[0], &memory[1]].map(|holding| holding.cache_limit);
    assert!(limits[0] < before && memory.iter().all(|holding| holding.cache <= holding.cache_limit), "{memory:?}");
    let promised: u64 = memory.iter().map(|holding| holding.weights + holding.activations + holding.cache_limit).sum();
    assert!(promised <= total && handle.free() == Some(total - promised), "{promised} of {total}");

    let asked = [("first", 1), ("second", 1), ("first", 2), ("second", 2)];
    let asked = asked.map(|(name, seed)| handle.ask(name, request(seed, 60)).expect("it is loaded").answer());
    let answers = pollster::block_on(host.until(futures::future::join_all(asked)));
    let [a, b, c, d] = answers.try_into().expect("four answers");
    let ids = |answer: Result<tegula::engine::request::Answer>| answer.expect("an answer").ids;
    assert_eq!([[ids(a), ids(c)], [ids(b), ids(d)]], expected, "on {}", gpu.info().name);

    let error = load_into(&mut host, "third", &packages[2]).expect_err("there is no room");
    let ErrorKind::Host(HostError::NoRoom { name, models, available, needed: least, .. }) = error.kind() else { panic!("{error}") };
    assert!(name == "third" && models.len() == 2 && available < least, "{error}");
    assert!(models.iter().zip(&memory).all(|((name, bytes), holding)| *name == holding.model && *bytes > holding.weights));
    pollster::block_on(host.until(handle.unload("first").expect("it is loaded")));
    load_into(&mut host, "third", &packages[2]).expect("there is room now");
    assert_eq!(handle.models(), ["second", "third"]);
    let answer = handle.ask("second", request(1, 60)).expect("it is loaded").answer();
    assert_eq!(ids(pollster::block_on(host.until(answer))), expected[1][0]);
}

#[test]
fn a_host_on_a_thread_of_its_own_answers_whoever_asks() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let package = random("llama", "q0f32").0;
    let expected = Arc::new([1, 2, 3].map(|seed| {
        let mut solo = engine(&gpu, &package.path(), &options());
        solo.complete(request(seed, 30)).expect("an answer").ids
    }));
    let (handle, thread) = Host::spawn(None).expect("a thread");
    load(&gpu, None, &handle, "model", &package).expect("a model");
    let asking: Vec<_> = (0..3)
        .map(|index| {
            let (handle, expected) = (handle.clone(), Arc::clone(&expected));
            std::thread::spawn(move || {
                let answer = handle.ask("model", request(index + 1, 30)).expect("it is loaded").answer();
                assert_eq!(pollster::block_on(answer).expect("an answer").ids, expected[index as usize]);
            })
        })
        .collect();
    asking.into_iter().for_each(|asking| asking.join().expect("the right answer"));
    // A request that runs does not keep a host that is told to end.
    let endless = handle.ask("model", request(1, 1000)).expect("it is loaded");
    handle.shutdown();
    thread.join().expect("the host ends");
    assert_eq!(pollster::block_on(endless.answer()).expect_err("it was ended").code(), "ModelNotLoadedError");
}
