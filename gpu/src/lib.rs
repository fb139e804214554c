//! The GPU as Tegula sees it: buffers of bytes, pipelines made from kernel texts, and passes of dispatches.
//!
//! This is the one crate that names wgpu. So the rest of the project is the same natively (Vulkan, Metal, Direct3D 12) and in a browser
//! (WebGPU), and the schedule search measures with the dispatch code that ships. The crate knows nothing of models: what to run comes as
//! [`tegula_plan::Kernel`]s and ranges of buffers.
//!
//! A step creates nothing but the command encoder. Pipelines and bind groups are made once, and staging buffers for what is read back come
//! from a pool. A step is one pass, one submit and one map ([`Pass::submit_reading`]).

mod bandwidth;
mod buffer;
mod clock;
mod device;
#[cfg(any(target_arch = "wasm32", test))]
mod dialect;
mod error;
mod fill;
mod info;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod origin;
mod outcome;
#[cfg(any(target_arch = "wasm32", test))]
mod packed;
mod pass;
mod pipeline;
mod readback;
mod staging;
mod timer;
#[cfg(target_arch = "wasm32")]
mod web;

pub use bandwidth::stream_bandwidth;
pub use buffer::{Buffer, Range, Usage};
pub use device::{Done, Gpu, Options};
pub use error::{Error, ErrorKind};
pub use fill::{Filler, Filling};
pub use info::{DeviceInfo, Limits};
pub use origin::Origin;
pub use outcome::Settled;
pub use pass::Pass;
pub use pipeline::{BindGroup, OnKernel, Pipeline, Source};
pub use readback::Readback;
pub use timer::{Sample, Timed, Timer};
