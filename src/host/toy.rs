//! A model that is a hash, as a host holds it, and requests to it.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tegula_plan::Row;

use super::{Handle, Package, Resident};
use crate::Result;
use crate::engine::fake::Fake;
use crate::engine::request::{Prompt, Request};
use crate::model::GroupMemory;
use crate::model::budget::Memory;
use crate::model::forward::{Drawing, Entry, Forward, Read};
use crate::model::pools::{Block, Room};
use crate::model::step::Pending;
use tegula_package::mlc::ChatConfig;

/// A model that is a hash, with a name to be logged, a size, and a step at which it panics.
pub(super) struct Toy {
    pub(super) fake: Fake,
    pub(super) name: &'static str,
    pub(super) log: Arc<Mutex<Vec<&'static str>>>,
    pub(super) panics_at: Option<usize>,
    pub(super) memory: Memory,
    pub(super) cached: u32,
    pub(super) steps: usize,
}

impl Toy {
    pub(super) fn new(name: &'static str) -> Toy {
        let memory = memory(1000, 24);
        Toy { fake: Fake::new(160, 1024, None), name, log: Arc::default(), panics_at: None, memory, cached: 512, steps: 0 }
    }
}

/// What a model takes whose cache has a byte a token.
pub(super) fn memory(weights: u64, activations: u64) -> Memory {
    let group = GroupMemory { layers: 1, window: None, bytes_per_token: 1, capacity: 1024 };
    Memory { weights, activations, cache_per_token: 1, capacity: 1024, groups: vec![group] }
}

impl Resident for Toy {
    fn memory(&self) -> Memory {
        self.memory.clone()
    }

    fn fingerprint(&self) -> String {
        self.name.into()
    }

    fn cached_tokens(&self) -> u32 {
        self.cached
    }

    fn limit_cache(&mut self, tokens: u32) -> Result<()> {
        self.memory.capacity = tokens;
        self.cached = self.cached.min(tokens);
        Ok(())
    }
}

impl Forward for Toy {
    type Pending = Pending;

    fn facts(&self) -> &tegula_plan::Model {
        self.fake.facts()
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        self.fake.max_rows(entry)
    }

    fn capacity(&self) -> u32 {
        self.fake.capacity().min(self.memory.capacity)
    }

    fn mixes(&self) -> bool {
        self.fake.mixes()
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        self.fake.reserve(sequence, next, tokens)
    }

    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>> {
        self.fake.grow()
    }

    fn forget(&mut self, sequence: u32, position: u32) {
        self.fake.forget(sequence, position);
    }

    fn release(&mut self, sequence: u32) {
        self.fake.release(sequence);
    }

    fn keep(&mut self, sequence: u32, index: usize) -> Block {
        self.fake.keep(sequence, index)
    }

    fn free(&mut self, block: &[Option<u32>]) {
        self.fake.free(block);
    }

    fn adopt(&mut self, sequence: u32, blocks: &[Block]) {
        self.fake.adopt(sequence, blocks);
    }

    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>) {
        self.fake.draw(sequence, drawing);
    }

    fn stretch(&mut self, sequence: u32, stretched: bool) {
        self.fake.stretch(sequence, stretched);
    }

    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Pending> {
        self.steps += 1;
        assert!(self.panics_at.is_none_or(|step| self.steps < step), "a bug in {}", self.name);
        self.log.lock().unwrap().push(self.name);
        Ok(self.fake.submit(entry, rows, read)?.boxed_local())
    }
}

pub(super) fn load(handle: &Handle, toy: Toy) {
    let config = ChatConfig::parse(r#"{"eos_token_id": 2, "active_vocab_size": 264}"#).unwrap();
    handle.place(toy.name).unwrap().load(toy, Package { config, ..Package::default() });
}

/// A prompt of so many tokens.
pub(super) fn prompt(tokens: u32, seed: u32) -> Vec<u32> {
    (0..tokens).map(|token| 3 + (token * 37 + seed * 101) % 190).collect()
}

pub(super) fn request(tokens: u32, seed: u32, most: u32) -> Request {
    Request { max_tokens: Some(most), ..Request::greedy(Prompt::Ids(prompt(tokens, seed))) }
}

pub(super) fn code<T>(result: Result<T>) -> &'static str {
    result.err().expect("an error").code()
}
