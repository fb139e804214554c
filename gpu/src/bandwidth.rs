//! How fast the device reads its memory: the bound on the speed of decoding.

use crate::clock::milliseconds;
use crate::device::Gpu;
use crate::{BindGroup, Error, Filling, Pipeline, Range, Usage};
use tegula_plan::{Kernel, KernelBinding};

/// Invocations of a workgroup of `stream.wgsl`.
const WORKGROUP: u64 = 256;
/// Vectors of 16 bytes that an invocation reads.
const VECTORS: u64 = 16;
/// Bytes that a workgroup reads.
const SPAN: u64 = WORKGROUP * VECTORS * 16;

/// Bytes a second that a plain kernel reads, with loads of 16 bytes.
///
/// Reads up to 1 GiB at a time, a quarter of the largest buffer where that is less, and 32 MiB on a software renderer. It is the slope
/// between a few dispatches and many, so that latency cancels; the best of three.
///
/// # Errors
/// [`crate::ErrorKind::OutOfMemory`], [`crate::ErrorKind::Lost`].
pub async fn stream_bandwidth(gpu: &Gpu) -> Result<f64, Error> {
    let limits = gpu.info().limits;
    let most = if gpu.info().device_type == "cpu" { 32 << 20 } else { 1 << 30 };
    let grid = u64::from(limits.workgroups_per_dimension) * SPAN;
    let bytes = (limits.max_buffer / 4).min(limits.max_storage_binding).min(grid).min(most).max(SPAN) / SPAN * SPAN;

    let buffer = gpu.buffer("stream", bytes, Usage::Storage)?;
    let output = gpu.buffer("stream result", 16, Usage::Storage)?;
    let uniform = gpu.buffer("stream", 32, Usage::Uniform)?;
    gpu.settled().await?;
    gpu.filler().await?.fill(&buffer, bytes, Filling::Words, 1)?;
    let binding = |name: &str, writes| KernelBinding { name: name.into(), writes };
    let kernel = Kernel {
        name: "stream".into(),
        shader: 0,
        invocations: WORKGROUP as u32,
        workgroup_memory: 0,
        bindings: vec![binding("input", false), binding("output", true)],
    };
    let pipeline = gpu.own_pipeline(include_str!("stream.wgsl"), &kernel).await?;
    let group =
        gpu.bind("stream", &pipeline, Range::whole(&uniform), &[Range { buffer: &buffer, offset: 0, size: bytes }, Range::whole(&output)])?;
    let run = Run { gpu, pipeline: &pipeline, group: &group, groups: (bytes / SPAN) as u32 };

    run.milliseconds(1).await;
    // Enough dispatches that the difference stands out from the clock and from how often a browser looks at the GPU, which is every few
    // milliseconds.
    let (few, mut many) = (2, 10);
    while run.milliseconds(many).await < 60.0 && many < 160 {
        many *= 2;
    }
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let slope = run.milliseconds(many).await - run.milliseconds(few).await;
        if slope > 0.0 {
            best = best.min(slope);
        }
    }
    if best.is_infinite() {
        // The clock is too coarse to see a difference: latency counts, but the figure is finite.
        best = run.milliseconds(many).await.max(1e-3);
    }
    gpu.healthy()?;
    Ok(bytes as f64 * f64::from(many - few) / (best / 1e3))
}

/// A kernel over and over.
struct Run<'a> {
    gpu: &'a Gpu,
    pipeline: &'a Pipeline,
    group: &'a BindGroup,
    groups: u32,
}

impl Run<'_> {
    /// Wall-clock time of so many dispatches, from submission to completion.
    async fn milliseconds(&self, dispatches: u32) -> f64 {
        self.gpu.done().await;
        let start = milliseconds();
        let mut pass = self.gpu.pass();
        for _ in 0..dispatches {
            pass.dispatch(self.pipeline, self.group, [self.groups, 1, 1]);
        }
        pass.submit();
        self.gpu.done().await;
        milliseconds() - start
    }
}
