//! How long dispatches take.
//!
//! With the feature `timestamp-query` the GPU notes the time at the borders of a compute pass. Without it the wall clock serves: the time
//! is the slope between few and many dispatches, so that the latency of a submission cancels. Either way a figure is the mean over many
//! repeats. Each repeat may bind other buffers, since memory that was just read is still in a cache and would make every kernel look better
//! than it is.
//!
//! A sample is begun and finished apart, so that the next can be submitted before the last is read back: a GPU that waits for its processor
//! between samples lowers its clocks.

use crate::clock::milliseconds;
use crate::device::Gpu;
use crate::readback::Readback;
use crate::{BindGroup, Error, ErrorKind, Pipeline};

/// Bytes of the two timestamps of a pass.
const STAMPS: u64 = 16;

/// A dispatch to be timed.
#[derive(Clone, Copy, Debug)]
pub struct Timed<'a> {
    /// The kernel.
    pub pipeline: &'a Pipeline,
    /// What it binds: repeats take turns. At least one.
    pub groups: &'a [BindGroup],
    /// Workgroups, none of the three zero.
    pub grid: [u32; 3],
}

/// A sample that was begun: [`Timer::finish`] gives its time. Dropping it gives it up.
pub struct Sample<'a> {
    work: Timed<'a>,
    repeats: u32,
    /// The GPU's two timestamps on their way, where it has a clock.
    stamps: Option<Readback>,
}

/// What measures on one device. It remembers whose turn it is, so that samples go on where the last ended.
pub struct Timer {
    gpu: Gpu,
    queries: Option<Queries>,
    /// Whether the GPU's clock stood still when it was last looked at.
    still: bool,
    turn: usize,
}

/// Where the GPU writes its timestamps.
struct Queries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// Nanoseconds of a tick.
    period: f64,
}

impl Gpu {
    /// Makes a timer.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`].
    pub fn timer(&self) -> Result<Timer, Error> {
        let make = |device: &wgpu::Device| Queries {
            set: device.create_query_set(&wgpu::QuerySetDescriptor { label: Some("timer"), ty: wgpu::QueryType::Timestamp, count: 2 }),
            resolved: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timer"),
                size: STAMPS,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            period: f64::from(self.queue().get_timestamp_period()),
        };
        let queries = self.info().timestamps.then(|| self.scoped(|| "timer".into(), make)).transpose()?;
        Ok(Timer { gpu: self.clone(), queries, still: false, turn: 0 })
    }
}

impl Timer {
    /// Whether the GPU itself tells the time.
    #[must_use]
    pub fn uses_timestamps(&self) -> bool {
        self.queries.is_some()
    }

    /// Whether the last figure is from the GPU's clock: one that ticks too slowly for what was timed, or not at all, gives way to the wall clock.
    /// True before the first, where there is such a clock.
    #[must_use]
    pub fn told_by_gpu(&self) -> bool {
        self.uses_timestamps() && !self.still
    }

    /// Seconds that one dispatch takes, the mean over `repeats` of them in a row, with the gap between dispatches that depend on each other.
    /// Finite and positive, if the clock can tell.
    ///
    /// # Errors
    /// Those of [`Timer::begin`] and [`Timer::finish`].
    pub async fn seconds(&mut self, work: &Timed<'_>, repeats: u32) -> Result<f64, Error> {
        let sample = self.begin(*work, repeats)?;
        self.finish(sample).await
    }

    /// Submits `repeats` dispatches, where the GPU itself tells the time: they run behind all that was begun before. Otherwise nothing is
    /// under way before [`Timer::finish`], since the wall clock cannot tell one submission from another.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] without bind groups or with an empty grid; [`ErrorKind::OutOfMemory`].
    pub fn begin<'a>(&mut self, work: Timed<'a>, repeats: u32) -> Result<Sample<'a>, Error> {
        if work.groups.is_empty() || work.grid.contains(&0) {
            let reason = "there is nothing to time".into();
            return Err(ErrorKind::Binding { label: "timer".into(), reason }.into());
        }
        let repeats = repeats.max(1);
        let stamps = if self.uses_timestamps() { self.stamped(&work, repeats)? } else { None };
        Ok(Sample { work, repeats, stamps })
    }

    /// The time of a sample, as [`Timer::seconds`] tells it.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`], [`ErrorKind::Refused`].
    pub async fn finish(&mut self, sample: Sample<'_>) -> Result<f64, Error> {
        let Sample { work, repeats, stamps } = sample;
        let ticks = match stamps {
            None => 0,
            Some(stamps) => {
                let bytes = stamps.bytes().await?;
                let [begin, end] = [0, 8].map(|at| bytemuck::pod_read_unaligned::<u64>(&bytes[at..at + 8]));
                end.saturating_sub(begin)
            }
        };
        let period = self.queries.as_ref().map_or(0.0, |queries| queries.period);
        let stamped = ticks as f64 * period / 1e9 / f64::from(repeats);
        // A driver that offers timestamps may still write zeros.
        self.still = stamped <= 0.0;
        let seconds = if stamped > 0.0 { stamped } else { self.slope(&work, repeats).await };
        self.gpu.healthy()?;
        Ok(seconds)
    }

    /// Submits dispatches between timestamps, which samples share: each is copied before the next is written.
    fn stamped(&mut self, work: &Timed<'_>, repeats: u32) -> Result<Option<Readback>, Error> {
        let mut encoder = self.encode(work, repeats, true);
        let Some(Queries { set, resolved, .. }) = &self.queries else { return Ok(None) };
        let staging = self.gpu.claim_staging(STAMPS)?;
        encoder.resolve_query_set(set, 0..2, resolved, 0);
        encoder.copy_buffer_to_buffer(resolved, 0, &staging, 0, STAMPS);
        let submission = self.gpu.queue().submit([encoder.finish()]);
        Ok(Some(Readback::begin(self.gpu.clone(), staging, STAMPS, submission)))
    }

    /// By the wall clock.
    async fn slope(&mut self, work: &Timed<'_>, repeats: u32) -> f64 {
        let few = (repeats / 8).max(1);
        let short = self.wall(work, few).await;
        let long = self.wall(work, few + repeats).await;
        // Where the clock is too coarse to see a difference, latency counts, but the figure is finite.
        let slope = if long > short { (long - short) / f64::from(repeats) } else { long.max(1e-6) / f64::from(few + repeats) };
        slope / 1e3
    }

    /// Milliseconds from submission to completion.
    async fn wall(&mut self, work: &Timed<'_>, repeats: u32) -> f64 {
        self.gpu.done().await;
        let start = milliseconds();
        let encoder = self.encode(work, repeats, false);
        self.gpu.queue().submit([encoder.finish()]);
        self.gpu.done().await;
        milliseconds() - start
    }

    fn encode(&mut self, work: &Timed<'_>, repeats: u32, stamps: bool) -> wgpu::CommandEncoder {
        let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let timestamp_writes = self.queries.as_ref().filter(|_| stamps).map(|queries| wgpu::ComputePassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("timer"), timestamp_writes });
        pass.set_pipeline(&work.pipeline.raw);
        for _ in 0..repeats {
            self.turn = (self.turn + 1) % work.groups.len();
            pass.set_bind_group(0, &work.groups[self.turn].raw, &[]);
            pass.dispatch_workgroups(work.grid[0], work.grid[1], work.grid[2]);
        }
        drop(pass);
        encoder
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use crate::{Error, ErrorKind, Gpu, Options, Range, Timed, Usage};
    use futures::executor::block_on;
    use tegula_plan::{Kernel, KernelBinding};

    const TEXT: &str = "@group(0) @binding(0) var<uniform> unused: vec4u;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) { output[id.x] = output[id.x] * 3u + unused.x; }
";

    async fn measure(options: &Options) -> Result<(), Error> {
        let gpu = match Gpu::new(options).await {
            Err(error) if matches!(error.kind(), ErrorKind::NoAdapter { .. }) => {
                eprintln!("skipped: {error}");
                return Ok(());
            }
            gpu => gpu?,
        };
        let bindings = vec![KernelBinding { name: "output".into(), writes: true }];
        let kernel = Kernel { name: "count".into(), shader: 0, invocations: 64, workgroup_memory: 0, bindings };
        let pipeline = gpu.own_pipeline(TEXT, &kernel).await?;
        let uniform = gpu.buffer("uniform", 32, Usage::Uniform)?;
        let buffers = [gpu.buffer("one", 4096, Usage::Storage)?, gpu.buffer("two", 4096, Usage::Storage)?];
        let bind = |buffer| gpu.bind("count", &pipeline, Range::whole(&uniform), &[Range::whole(buffer)]);
        let groups = [bind(&buffers[0])?, bind(&buffers[1])?];
        let mut timer = gpu.timer()?;
        assert_eq!(timer.uses_timestamps(), gpu.info().timestamps);
        for repeats in [0, 1, 40] {
            let seconds = timer.seconds(&Timed { pipeline: &pipeline, groups: &groups, grid: [16, 1, 1] }, repeats).await?;
            assert!(seconds.is_finite() && seconds > 0.0, "{seconds}");
        }
        // Several under way at once, of which one is given up.
        let work = Timed { pipeline: &pipeline, groups: &groups, grid: [16, 1, 1] };
        let (first, second, last) = (timer.begin(work, 3)?, timer.begin(work, 5)?, timer.begin(work, 7)?);
        drop(second);
        for sample in [first, last] {
            let seconds = timer.finish(sample).await?;
            assert!(seconds.is_finite() && seconds > 0.0, "{seconds}");
        }
        for (groups, grid) in [(&groups[..0], [1, 1, 1]), (&groups[..], [1, 0, 1])] {
            assert!(timer.seconds(&Timed { pipeline: &pipeline, groups, grid }, 1).await.is_err());
        }
        Ok(())
    }

    #[test]
    fn times_are_finite_and_positive_with_and_without_timestamps() {
        for baseline in [false, true] {
            block_on(measure(&Options { baseline, ..Options::default() })).unwrap();
        }
    }
}
