//! The runtime of Tegula: it takes a model library and a weight package, and answers OpenAI-style requests on a WebGPU device.
//!
//! Modules, from the top down: [`api`] reads and checks requests and builds responses, [`host`] holds models by
//! name and drives their engines, [`engine`] schedules steps of all running sequences,
//! [`text`] turns messages into tokens and tokens into text, [`load`] checks a package against a library and uploads it, and [`model`] runs a
//! step on the GPU. [`sampler`] picks ids where the GPU did not, and [`bench`] measures.
//!
//! The same code runs natively and in a browser; only [`clock`], [`model::launch`] and `web` know where they are.

pub mod api;
pub mod bench;
pub mod clock;
pub mod engine;
mod error;
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
