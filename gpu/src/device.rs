//! Finding an adapter and opening a device on it.
//!
//! A device is asked for everything that its adapter offers, since kernels are chosen by what the device has; with [`Options::baseline`] it
//! gets only what every WebGPU device has, which is how tests make sure that the least of devices can run a model.

use crate::info::DeviceInfo;
#[cfg(not(target_arch = "wasm32"))]
use crate::native as host;
use crate::outcome::{Outcome, Scopes, Settled, late};
use crate::staging::Staging;
#[cfg(target_arch = "wasm32")]
use crate::web as host;
use crate::{Error, ErrorKind};
use futures::FutureExt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tegula_plan::Requires;

/// Which device to open, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Ask only for core limits and no features.
    pub baseline: bool,
    /// Part of the adapter's name, in either case. Natively only: browsers choose themselves.
    pub adapter: Option<String>,
}

/// A device and its queue. Cheap to clone: clones are the same device.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: DeviceInfo,
    fault: Arc<Mutex<Option<ErrorKind>>>,
    staging: Mutex<Staging>,
    outcomes: Mutex<Vec<Outcome>>,
    /// Bytes of the largest buffer that there is memory for, where a test says so.
    largest: AtomicU64,
    /// Whether outcomes are known late, where a test says so.
    late: AtomicBool,
}

impl Drop for Inner {
    /// Frees everything now: a browser would wait for its garbage collector, which does not know how large a GPU buffer is.
    #[cfg(target_arch = "wasm32")]
    fn drop(&mut self) {
        self.device.destroy();
    }

    /// Waits for what runs: drivers on the processor would otherwise still compile and run kernels in threads of their own while the process
    /// ends around them.
    #[cfg(not(target_arch = "wasm32"))]
    fn drop(&mut self) {
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
        if let Err(error) = self.device.poll(wait) {
            tracing::warn!(%error, "the GPU does not end what it runs");
        }
    }
}

/// How long to wait for a dropped device to finish its work. A device that hangs should not keep the process.
#[cfg(not(target_arch = "wasm32"))]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The end of what was submitted: see [`Gpu::done`].
pub struct Done {
    told: futures::channel::oneshot::Receiver<()>,
    /// Whether it is to be known late, as a test says.
    late: bool,
}

impl Future for Done {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.late) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // It is cancelled only when the device is gone, and then nothing runs any more.
        self.told.poll_unpin(context).map(|_| ())
    }
}

impl Gpu {
    /// Opens a device: on the adapter that is named, else on the most capable one.
    ///
    /// # Errors
    /// [`ErrorKind::NoAdapter`] with the reason; [`ErrorKind::DeviceRequest`].
    pub async fn new(options: &Options) -> Result<Gpu, Error> {
        let (adapter, mut info) = host::find(options.adapter.as_deref()).await?;
        let wanted = wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16 | wgpu::Features::TIMESTAMP_QUERY;
        let wanted = if info.matrix { wanted | wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX } else { wanted };
        let features = if options.baseline { wgpu::Features::empty() } else { adapter.features() & wanted };
        let limits = if options.baseline { wgpu::Limits::default() } else { adapter.limits() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("tegula"),
            required_features: features,
            required_limits: limits,
            experimental_features: host::experimental(&features),
            ..wgpu::DeviceDescriptor::default()
        };
        let refused = |error: wgpu::RequestDeviceError| ErrorKind::DeviceRequest { adapter: info.name.clone(), reason: error.to_string() };
        let (device, queue) = host::open(&adapter, &info, &descriptor, options.baseline).await.map_err(refused)?;

        let DeviceInfo { timestamps, limits, .. } = DeviceInfo::of(&adapter.get_info(), device.features(), &device.limits());
        let Requires { subgroups, f16, matrix } = host::granted(&device).await;
        info = DeviceInfo { subgroups, f16, matrix, timestamps, limits, ..info };
        tracing::debug!(?info, "device opened");

        let fault = Arc::new(Mutex::new(None));
        let note = fault.clone();
        device.set_device_lost_callback(move |reason, message| {
            tracing::debug!(?reason, message, "device lost");
            let reason = if message.is_empty() { format!("{reason:?}") } else { message };
            *lock(&note) = Some(ErrorKind::Lost { reason });
        });
        let note = fault.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            tracing::error!(%error, "uncaptured GPU error");
            lock(&note).get_or_insert_with(|| Error::creating("while running", error).into_kind());
        }));
        let inner = Inner {
            device,
            queue,
            info,
            fault,
            staging: Mutex::default(),
            outcomes: Mutex::default(),
            largest: AtomicU64::new(u64::MAX),
            late: AtomicBool::new(false),
        };
        #[cfg_attr(target_arch = "wasm32", expect(clippy::arc_with_non_send_sync, reason = "browsers have one thread for each device"))]
        Ok(Gpu { inner: Arc::new(inner) })
    }

    /// What there is to choose from: natively all adapters, the preferred first; in a browser the one it would give.
    pub async fn adapters() -> Vec<DeviceInfo> {
        host::adapters().await.into_iter().map(|(_, info)| info).collect()
    }

    /// The device.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.inner.info
    }

    /// Whether it has the features that a variant needs.
    #[must_use]
    pub fn meets(&self, requires: &Requires) -> bool {
        self.missing(requires).is_none()
    }

    /// The first feature of `requires` that the device does not have.
    pub(crate) fn missing(&self, requires: &Requires) -> Option<&'static str> {
        let DeviceInfo { subgroups, f16, matrix, .. } = *self.info();
        let small = requires.subgroup_size() > self.info().least_subgroup();
        requires.beyond(&Requires { subgroups, f16, matrix }).or(small.then_some("large subgroups"))
    }

    /// Why the device is lost, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        match &*lock(&self.inner.fault) {
            Some(ErrorKind::Lost { reason }) => Some(reason.clone()),
            _ => None,
        }
    }

    /// The outcome of everything that was created and that nobody has asked about yet. Natively all is known at once; browsers report lack
    /// of memory late.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`] and whatever else creations raised.
    pub fn settled(&self) -> Settled {
        let outcomes = std::mem::take(&mut *lock(&self.inner.outcomes));
        Settled(futures::future::join_all(outcomes))
    }

    /// From now on outcomes are known late, as in a browser: for tests of what waits for them.
    #[doc(hidden)]
    pub fn tell_late(&self) {
        self.inner.late.store(true, Ordering::Relaxed);
    }

    /// From now on there is no memory for buffers of more than so many bytes: for tests of what becomes of that.
    #[doc(hidden)]
    pub fn refuse_buffers_beyond(&self, bytes: u64) {
        self.inner.largest.store(bytes, Ordering::Relaxed);
    }

    /// Whether a test says that there is no memory for a buffer.
    pub(crate) fn refuses(&self, bytes: u64) -> bool {
        bytes > self.inner.largest.load(Ordering::Relaxed)
    }

    /// Tells when all has run that was submitted before.
    pub fn done(&self) -> Done {
        let (sender, receiver) = futures::channel::oneshot::channel();
        self.queue().on_submitted_work_done(move || {
            let _ = sender.send(());
        });
        #[cfg(not(target_arch = "wasm32"))]
        if let Err(error) = self.device().poll(wgpu::PollType::wait_indefinitely()) {
            tracing::warn!(%error, "waiting for the GPU");
        }
        Done { told: receiver, late: self.inner.late.load(Ordering::Relaxed) }
    }

    /// Fails if the device is lost or refused a command. Natively a refusal is told once, right behind the command: several models share a
    /// device, and only one of them is to blame. A browser tells of it later, when nobody knows whose command it was.
    pub(crate) fn healthy(&self) -> Result<(), Error> {
        let mut fault = lock(&self.inner.fault);
        let told = fault.clone();
        if cfg!(not(target_arch = "wasm32")) && !matches!(told, Some(ErrorKind::Lost { .. })) {
            *fault = None;
        }
        told.map_or(Ok(()), |kind| Err(kind.into()))
    }

    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    pub(crate) fn staging(&self) -> MutexGuard<'_, Staging> {
        lock(&self.inner.staging)
    }

    /// Waits for a submission natively; browsers cannot block.
    pub(crate) fn wait(&self, submission: wgpu::SubmissionIndex) {
        #[cfg(not(target_arch = "wasm32"))]
        if let Err(error) = self.device().poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: None }) {
            tracing::warn!(%error, "waiting for the GPU");
        }
        #[cfg(target_arch = "wasm32")]
        let _ = submission;
    }

    /// Runs `create`; what it raises is returned if known at once, else kept for [`Gpu::settled`].
    pub(crate) fn scoped<T>(&self, what: impl FnOnce() -> String, create: impl FnOnce(&wgpu::Device) -> T) -> Result<T, Error> {
        let scopes = Scopes::open(self.device());
        let made = create(self.device());
        let mut error = Box::pin(scopes.close());
        match (&mut error).now_or_never() {
            Some(None) if self.inner.late.load(Ordering::Relaxed) => lock(&self.inner.outcomes).push(Box::pin(late())),
            Some(None) => {}
            Some(Some(error)) => return Err(Error::creating(&what(), error)),
            None => {
                let what = what();
                let outcome = error.map(move |error| error.map_or(Ok(()), |error| Err(Error::creating(&what, error))));
                lock(&self.inner.outcomes).push(Box::pin(outcome));
            }
        }
        Ok(made)
    }
}

/// A panic while holding one of these locks leaves nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
