//! The runtime of Tegula: it takes a model library and a weight package, and answers OpenAI-style requests on a WebGPU device.
//!
//! ```no_run
//! use futures::executor::block_on;
//! use tegula::load::folder::Folder;
//! use tegula::text::message::Message;
//! use tegula::{Host, Request};
//! use tegula_gpu::{Gpu, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A host runs models on a thread of its own. The folder is a weight package with its `library.wasm`.
//! let (host, _thread) = Host::spawn(None)?;
//! let gpu = block_on(Gpu::new(&Options::default()))?;
//! block_on(Folder::read("llama-1b".as_ref())?.serve(&host, gpu, "llama"))?;
//!
//! let request = Request::chat(vec![Message::new("user", "Name a colour.")]);
//! let answer = block_on(host.ask("llama", request)?.answer())?;
//! println!("{}", answer.text);
//! # Ok(())
//! # }
//! ```
//!
//! `ask` gives a stream of events, too: `examples/chat.rs` is a conversation whose answers show as they come.
//!
//! Modules, from the top down:
//! - `web` is the runtime as JavaScript sees it.
//! - [`bench`] measures speed.
//! - [`host`] holds models by name and drives their engines.
//! - [`api`] reads and checks requests and builds responses.
//! - [`load`] compares a package with a library and uploads the weights.
//! - [`engine`] schedules the steps of all running sequences.
//! - [`text`] turns messages into tokens and tokens into text.
//! - [`model`] runs a step on the GPU.
//! - [`grammar`] says what an answer may be.
//! - [`sampler`] picks ids on the CPU, where the GPU has not picked one.
//! - [`clock`] tells the time.
//!
//! The same code runs natively and in a browser. What differs is the clock, threads, and the engine that runs launch code: look for
//! `target_arch`.

pub mod api;
pub mod bench;
pub mod clock;
pub mod engine;
mod error;
pub mod grammar;
pub mod host;
pub mod load;
pub mod model;
pub mod sampler;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use engine::request::{Event, EventKind, Prompt, Request, RequestId};
pub use error::{Class, Error, ErrorKind, Facts, HostError, Result};
pub use host::{Handle, Host};
pub use model::OnKernels;
