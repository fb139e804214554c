//! Models by name on one device: one driver that owns their engines, one mailbox, one ledger of memory.
//!
//! A [`Handle`] sends: requests, interruptions, models to load and to unload. Natively it can do so
//! from any thread. The [`Host`] takes these messages between steps and is the only caller of
//! `Engine::step`. Events of a request go to its [`Sink`]. The [`Ledger`] says what each model holds
//! and shares what is left among their caches.
//!
//! A request is checked, and its prompt made into tokens, by whoever submits it ([`Handle::submit`]):
//! a refusal is an error there and then, and the driver does nothing but run steps.
//!
//! The driver is a future. A page spawns it, a native program gives it a thread of its own
//! (`Host::spawn`) or drives it while it waits for something ([`Host::until`]). It sleeps while there
//! is nothing to do.
//!
//! What goes wrong with a request fails that request. A panic while a model is run unloads that model,
//! natively. The loss of the device ends all requests, and later ones are refused with the same error.

mod driver;
mod events;
mod handle;
mod ledger;
mod mailbox;
mod resident;
mod turn;

pub use driver::Host;
pub use events::{Answers, Events, Sink, Submitted};
pub use handle::{Handle, Package, Place};
pub use ledger::{Holding, Ledger};
pub use resident::{Movable, Resident};

#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;
