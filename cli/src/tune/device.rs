//! The device that is measured, and candidates that it can run.

use anyhow::Result;
use tegula_compiler::tune::Candidate;
use tegula_gpu::{Gpu, Pipeline, Timer};

/// The device, and what is the same for all specs.
pub struct Bench {
    pub gpu: Gpu,
    pub timer: Timer,
    /// Bytes a second.
    pub stream: f64,
}

/// A candidate that the device takes.
pub struct Compiled {
    pub candidate: Candidate,
    pub pipeline: Pipeline,
}

impl Bench {
    /// Measures how fast the device reads memory: the ceiling that results are held against.
    pub fn new(gpu: Gpu) -> Result<Bench> {
        let stream = pollster::block_on(tegula_gpu::stream_bandwidth(&gpu))?;
        Ok(Bench { timer: gpu.timer()?, gpu, stream })
    }
}
