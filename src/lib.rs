//! The runtime of Tegula: it takes a model library and a weight package, and answers OpenAI-style requests on a WebGPU device.
//!
//! The life of a request: [`openai`] reads and checks it, [`chat`] renders the messages as the model was trained to see them, [`tokenizer`]
//! turns text into ids, [`engine`] cuts the prompt into chunks and schedules steps of all running sequences, [`step`] runs a step on the GPU
//! over the paged cache of [`kv`], [`sampler`] picks ids where the GPU did not, and the tokenizer's detokenizer streams text back.
//!
//! Before that, [`budget`] works out what fits, and [`weights`] checks the package against the library and uploads it. The same code runs
//! natively and in a browser; only [`clock`], [`launch`] and `web` know where they are.

pub mod bench;
pub mod budget;
mod buffers;
pub mod chat;
pub mod choose;
pub mod clock;
mod compiling;
pub mod config;
pub mod conversation;
pub mod detokenizer;
pub mod engine;
mod error;
pub mod forward;
pub mod kv;
pub mod launch;
pub mod manifest;
pub mod openai;
mod program;
pub mod reply;
pub mod request;
pub mod sampler;
mod sequence;
pub mod step;
pub mod stop;
pub mod template;
pub mod tokenizer;
mod upload;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod weights;

pub use compiling::OnKernels;
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use request::{Event, EventKind, Prompt, Request, RequestId};
