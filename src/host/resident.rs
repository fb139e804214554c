//! What a host needs of a model.
//!
//! Models are boxed: a measured model and a plain one then share one engine, which a page would
//! otherwise download twice.

use futures::future::LocalBoxFuture;
use tegula_plan::Row;

use crate::Result;
use crate::model::budget::Memory;
use crate::model::forward::{Drawing, Entry, Forward, Read};
use crate::model::pools::{Block, Room};
use crate::model::step::{Model, Pending};

/// Natively models are sent to the driver's thread. A page has one thread.
#[cfg(not(target_arch = "wasm32"))]
pub trait Movable: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> Movable for T {}
/// Natively models are sent to the driver's thread. A page has one thread.
#[cfg(target_arch = "wasm32")]
pub trait Movable {}
#[cfg(target_arch = "wasm32")]
impl<T> Movable for T {}

/// A model of a host.
pub trait Resident: Forward<Pending = Pending> + Movable {
    /// What it takes, with the limit of its cache as it is.
    fn memory(&self) -> Memory;

    /// Names what may change its answers: see [`Model::fingerprint`].
    fn fingerprint(&self) -> String;

    /// Tokens that its cache has room for now.
    fn cached_tokens(&self) -> u32;

    /// Changes what its cache may grow to. Less than it has room for is asked only while no sequence
    /// holds any of it.
    ///
    /// # Errors
    /// Those of the device.
    fn limit_cache(&mut self, tokens: u32) -> Result<()>;
}

impl Resident for Model {
    fn memory(&self) -> Memory {
        Model::memory(self).clone()
    }

    fn fingerprint(&self) -> String {
        Model::fingerprint(self).to_owned()
    }

    fn cached_tokens(&self) -> u32 {
        Model::cached_tokens(self)
    }

    fn limit_cache(&mut self, tokens: u32) -> Result<()> {
        Model::limit_cache(self, tokens)
    }
}

impl Forward for Box<dyn Resident> {
    type Pending = Pending;

    fn facts(&self) -> &tegula_plan::Model {
        (**self).facts()
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        (**self).max_rows(entry)
    }

    fn capacity(&self) -> u32 {
        (**self).capacity()
    }

    fn mixes(&self) -> bool {
        (**self).mixes()
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        (**self).reserve(sequence, next, tokens)
    }

    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>> {
        (**self).grow()
    }

    fn forget(&mut self, sequence: u32, first: u32) {
        (**self).forget(sequence, first);
    }

    fn release(&mut self, sequence: u32) {
        (**self).release(sequence);
    }

    fn keep(&mut self, sequence: u32, index: usize) -> Block {
        (**self).keep(sequence, index)
    }

    fn free(&mut self, block: &[Option<u32>]) {
        (**self).free(block);
    }

    fn adopt(&mut self, sequence: u32, blocks: &[Block]) {
        (**self).adopt(sequence, blocks);
    }

    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>) {
        (**self).draw(sequence, drawing);
    }

    fn stretch(&mut self, sequence: u32, stretched: bool) {
        (**self).stretch(sequence, stretched);
    }

    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Pending> {
        (**self).submit(entry, rows, read)
    }
}
