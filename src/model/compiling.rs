//! Kernels that are being compiled. They compile while weights are on their way, since neither needs the other.

use crate::Result;
use crate::model::choose::{self, Kernels};
use crate::model::program::runs;
use futures::channel::oneshot;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tegula_gpu::{Gpu, Origin, Pipeline, Source};
use tegula_plan::{Kernel, Library, Variant};

/// Hears how many kernels of how many are compiled, natively from threads of its own: 0 first, then each one more.
#[cfg(not(target_arch = "wasm32"))]
pub type OnKernels = Box<dyn Fn(usize, usize) + Send + Sync>;
/// Hears how many kernels of how many are compiled: 0 first, then each one more.
#[cfg(target_arch = "wasm32")]
pub type OnKernels = Box<dyn Fn(usize, usize)>;

/// By kernel of a variant; none for those that nothing runs.
pub(crate) type Pipelines = Vec<Option<Pipeline>>;

/// The kernels of a variant that are to run, or may have to.
pub(crate) struct Compiling {
    /// How its choices are to be made.
    pub kernels: Kernels,
    /// The choices, where they are made already.
    pub chosen: Option<Vec<u32>>,
    made: oneshot::Receiver<Result<Pipelines>>,
    /// Ends the work when this is dropped.
    work: Work,
}

/// The work that compiles kernels. Dropping it gives the work up: natively its thread has ended then, so that none is left in the driver when
/// the process ends after an error.
struct Work {
    given_up: Arc<AtomicBool>,
    #[cfg(not(target_arch = "wasm32"))]
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(thread) = self.thread.take() {
            // A panic of its own was told already.
            let _ = thread.join();
        }
    }
}

impl Compiling {
    /// Begins.
    pub fn begin(gpu: &Gpu, library: &Arc<Library>, origin: Origin, variant: usize, kernels: Kernels, on_kernels: OnKernels) -> Compiling {
        let chosen = choose::known(&library.plan.variants[variant].choices, &kernels);
        let (sender, made) = oneshot::channel();
        let (gpu, library, wanted) = (gpu.clone(), Arc::clone(library), chosen.clone());
        let given_up = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&given_up);
        let work = aside(given_up, async move {
            // Whoever has lost interest does not take what comes.
            let _ = sender.send(compile(&gpu, &library, origin, variant, wanted.as_deref(), &on_kernels, &stop).await);
        });
        Compiling { kernels, chosen, made, work }
    }

    /// Waits for what has been begun.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gpu`] when a kernel does not compile.
    pub async fn finish(self) -> Result<(Pipelines, Kernels, Option<Vec<u32>>)> {
        let Compiling { kernels, chosen, made, work } = self;
        let made = made.await.expect("compiling answers, and does not panic");
        drop(work);
        Ok((made?, kernels, chosen))
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn aside(given_up: Arc<AtomicBool>, work: impl Future<Output = ()> + Send + 'static) -> Work {
    let thread = std::thread::spawn(move || futures::executor::block_on(work));
    Work { given_up, thread: Some(thread) }
}

#[cfg(target_arch = "wasm32")]
fn aside(given_up: Arc<AtomicBool>, work: impl Future<Output = ()> + 'static) -> Work {
    js_sys::futures::spawn_local(work);
    Work { given_up }
}

/// By kernel: whether something runs it.
pub(crate) fn needed(variant: &Variant, chosen: Option<&[u32]>) -> Vec<bool> {
    let mut needed = vec![false; variant.kernels.len()];
    for dispatch in variant.entries.iter().flat_map(|entry| &entry.dispatches).filter(|dispatch| runs(dispatch, chosen)) {
        needed[dispatch.kernel as usize] = true;
    }
    needed
}

/// Compiles what runs. Where nothing is chosen yet, kernels that a driver refuses are left out if others can take their place.
async fn compile(
    gpu: &Gpu,
    library: &Library,
    origin: Origin,
    variant: usize,
    chosen: Option<&[u32]>,
    on_kernels: &OnKernels,
    given_up: &AtomicBool,
) -> Result<Pipelines> {
    let variant = &library.plan.variants[variant];
    let first = vec![0; variant.choices.len()];
    let (needed, indispensable) = (needed(variant, chosen), needed(variant, chosen.or(Some(&first))));
    let source = |kernel| {
        let &Kernel { ref name, shader, .. } = kernel;
        Source { label: name, wgsl: &library.shaders[shader as usize], requires: &variant.requires, kernel, origin }
    };
    let places: Vec<usize> = (0..needed.len()).filter(|place| needed[*place]).collect();
    let sources: Vec<_> = places.iter().map(|place| source(&variant.kernels[*place])).collect();
    let mut pipelines = vec![None; variant.kernels.len()];
    on_kernels(0, places.len());
    // Whoever counts also tells, so that no count is heard before a smaller one.
    let count = Mutex::new(0);
    let on_kernel = || {
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        on_kernels(*count, sources.len());
        if given_up.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    for (place, made) in places.into_iter().zip(gpu.each_pipeline(&sources, &on_kernel).await) {
        match made {
            Ok(pipeline) => pipelines[place] = Some(pipeline),
            Err(error) if indispensable[place] => return Err(error.into()),
            Err(error) => tracing::warn!(%error, "a kernel does not compile on this device; another takes its place"),
        }
    }
    Ok(pipelines)
}
