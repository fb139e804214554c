//! Pipelines and bind groups.
//!
//! A kernel says what it binds ([`Kernel::bindings`]), so layouts are explicit: bind groups can be made without asking the driver for a
//! reflected layout, and a text that disagrees with its plan is refused here and not at the first dispatch.

use crate::device::Gpu;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::{begin_pipeline, spelled};
use crate::outcome::Scopes;
#[cfg(target_arch = "wasm32")]
use crate::web::{begin_pipeline, spelled};
use crate::{Error, ErrorKind, Origin, Range};
use std::future::Future;
use std::ops::ControlFlow;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::atomic::{AtomicBool, Ordering};
use tegula_plan::{Kernel, Requires};

/// A compiled kernel. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub(crate) raw: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    bindings: usize,
}

/// What a dispatch reads and writes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BindGroup {
    pub(crate) raw: wgpu::BindGroup,
}

/// Hears of each kernel that is compiled or refused, natively from several threads. On [`ControlFlow::Break`] no other kernel is begun.
#[cfg(not(target_arch = "wasm32"))]
pub type OnKernel<'a> = dyn Fn() -> ControlFlow<()> + Sync + 'a;
/// Hears of each kernel that is compiled or refused. All were begun before, so that [`ControlFlow::Break`] means nothing.
#[cfg(target_arch = "wasm32")]
pub type OnKernel<'a> = dyn Fn() -> ControlFlow<()> + 'a;

/// What a pipeline is made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// For people.
    pub label: &'a str,
    /// The kernel's text in naga's dialect, without `enable` directives: which are needed, and how matrix units are spelled, depends on the
    /// target.
    pub wgsl: &'a str,
    /// What the text needs.
    pub requires: &'a Requires,
    /// What it binds, and its size.
    pub kernel: &'a Kernel,
    /// Where the text comes from.
    pub origin: Origin,
}

impl Gpu {
    /// Whether a kernel keeps within the device's limits.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`].
    pub fn fits(&self, kernel: &Kernel) -> Result<(), Error> {
        let limits = &self.info().limits;
        let bindings = kernel.bindings.len() as u64;
        let needs = [
            ("maxComputeInvocationsPerWorkgroup", u64::from(kernel.invocations), u64::from(limits.workgroup_invocations)),
            ("maxComputeWorkgroupStorageSize", u64::from(kernel.workgroup_memory), u64::from(limits.workgroup_memory)),
            ("maxStorageBuffersPerShaderStage", bindings, u64::from(limits.storage_buffers_per_stage)),
        ];
        match needs.into_iter().find(|(_, needed, available)| needed > available) {
            None => Ok(()),
            Some((limit, needed, available)) => {
                Err(ErrorKind::Limit { limit, what: format!("kernel `{}`", kernel.name), needed, available }.into())
            }
        }
    }

    /// Compiles a kernel that may come from anybody.
    ///
    /// # Errors
    /// Those of [`Gpu::pipeline_of`].
    pub async fn pipeline(&self, label: &str, wgsl: &str, requires: &Requires, kernel: &Kernel) -> Result<Pipeline, Error> {
        self.pipeline_of(&Source { label, wgsl, requires, kernel, origin: Origin::default() }).await
    }

    /// Compiles a kernel.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`], [`ErrorKind::Feature`], and [`ErrorKind::Shader`] when the text is wrong or disagrees with its kernel.
    pub async fn pipeline_of(&self, source: &Source<'_>) -> Result<Pipeline, Error> {
        self.start_pipeline(source)?.await
    }

    /// Compiles a kernel of this crate.
    #[expect(unsafe_code, reason = "the origin is this crate")]
    pub(crate) async fn own_pipeline(&self, wgsl: &str, kernel: &Kernel) -> Result<Pipeline, Error> {
        // SAFETY: texts of this crate count their loops, as those of the compiler do, and use no matrix units.
        let origin = unsafe { Origin::compiler() };
        self.pipeline_of(&Source { label: &kernel.name, wgsl, requires: &Requires::default(), kernel, origin }).await
    }

    /// Compiles kernels side by side: on several threads natively, in the browser's own way there.
    ///
    /// # Errors
    /// The first of those that [`Gpu::pipeline_of`] gives.
    pub async fn pipelines(&self, sources: &[Source<'_>]) -> Result<Vec<Pipeline>, Error> {
        self.each_pipeline(sources, &|| ControlFlow::Continue(())).await.into_iter().collect()
    }

    /// [`Gpu::pipelines`] where some may fail and others serve: an error each of those that [`Gpu::pipeline_of`] gives.
    pub async fn each_pipeline(&self, sources: &[Source<'_>], on_kernel: &OnKernel<'_>) -> Vec<Result<Pipeline, Error>> {
        #[cfg(not(target_arch = "wasm32"))]
        {
            let given_up = AtomicBool::new(false);
            let make = |source: &Source<'_>| {
                if given_up.load(Ordering::Relaxed) {
                    return Err(ErrorKind::GivenUp { label: source.label.into() }.into());
                }
                let made = self.start_pipeline(source).and_then(futures::executor::block_on);
                if on_kernel().is_break() {
                    given_up.store(true, Ordering::Relaxed);
                }
                made
            };
            let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
            let compile = |part: &[Source<'_>]| -> Vec<_> { part.iter().map(make).collect() };
            std::thread::scope(|scope| {
                let parts: Vec<_> =
                    sources.chunks(sources.len().div_ceil(threads).max(1)).map(|part| scope.spawn(move || compile(part))).collect();
                parts.into_iter().flat_map(|part| part.join().expect("compiling a kernel does not panic")).collect()
            })
        }
        #[cfg(target_arch = "wasm32")]
        {
            // All are begun before any is awaited.
            let begun: Vec<_> = sources.iter().map(|source| self.start_pipeline(source)).collect();
            let each = begun.into_iter().map(async |pipeline| {
                let made = match pipeline {
                    Ok(pipeline) => pipeline.await,
                    Err(error) => Err(error),
                };
                let _ = on_kernel();
                made
            });
            futures::future::join_all(each).await
        }
    }

    /// Hands a kernel to the driver or browser; the future gives its verdict.
    fn start_pipeline(&self, source: &Source<'_>) -> Result<impl Future<Output = Result<Pipeline, Error>> + use<>, Error> {
        let Source { label, wgsl, requires, kernel, origin } = *source;
        self.fits(kernel)?;
        let refused = (requires.matrix && !origin.may_use_matrix_units()).then_some("matrix units for kernels of unknown origin");
        if let Some(feature) = self.missing(requires).or(refused) {
            return Err(ErrorKind::Feature { label: label.into(), feature }.into());
        }
        let text = spelled(requires, wgsl).map_err(|error| ErrorKind::Shader { label: label.into(), message: error.to_string() })?;
        let device = self.device();
        let scopes = Scopes::open(device);
        let module = compile(device, label, text, origin);
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries(kernel) });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(label),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let (device, label, bindings) = (device.clone(), label.to_owned(), kernel.bindings.len());
        let name = label.clone();
        let begun = begin_pipeline(move || {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&name),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                // The compiler's kernels write workgroup memory before they read it.
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: !origin.is_compiler() && cfg!(not(target_arch = "wasm32")),
                    ..Default::default()
                },
                cache: None,
            })
        });
        let error = scopes.close();
        Ok(async move {
            match error.await {
                None => match begun.await {
                    Ok(raw) => Ok(Pipeline { raw, layout, bindings }),
                    Err(message) => Err(ErrorKind::Shader { label, message }.into()),
                },
                Some(wgpu::Error::OutOfMemory { .. }) => Err(ErrorKind::OutOfMemory { what: format!("kernel `{label}`") }.into()),
                Some(error) => Err(ErrorKind::Shader { label, message: error.to_string() }.into()),
            }
        })
    }

    /// Binds ranges to a kernel: `uniform` at 0, `storage` from 1 on in the order of [`Kernel::bindings`].
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] when a range is larger than the device can bind; [`ErrorKind::Binding`] when ranges do not fit the kernel or
    /// their buffers.
    pub fn bind(&self, label: &str, pipeline: &Pipeline, uniform: Range<'_>, storage: &[Range<'_>]) -> Result<BindGroup, Error> {
        let misfit = |reason: String| Error::from(ErrorKind::Binding { label: label.into(), reason });
        if storage.len() != pipeline.bindings {
            return Err(misfit(format!("{} ranges for {} bindings", storage.len(), pipeline.bindings)));
        }
        let limits = self.info().limits;
        let mut entries = Vec::with_capacity(1 + storage.len());
        for (binding, range) in (0..).zip([uniform].iter().chain(storage)) {
            let Range { buffer, offset, size } = *range;
            let bytes = range.bytes().ok_or_else(|| misfit(format!("bytes {offset}+{size} of a buffer of {}", buffer.bytes())))?;
            let available = limits.max_storage_binding;
            if binding > 0 && bytes > available {
                let what = format!("binding {binding} of `{label}`");
                return Err(ErrorKind::Limit { limit: "maxStorageBufferBindingSize", what, needed: bytes, available }.into());
            }
            let resource =
                wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &buffer.raw, offset, size: wgpu::BufferSize::new(bytes) });
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
        let descriptor = wgpu::BindGroupDescriptor { label: Some(label), layout: &pipeline.layout, entries: &entries };
        let raw = self.scoped(|| format!("bind group `{label}`"), |device| device.create_bind_group(&descriptor))?;
        Ok(BindGroup { raw })
    }
}

fn entries(kernel: &Kernel) -> Vec<wgpu::BindGroupLayoutEntry> {
    let storage = kernel.bindings.iter().map(|binding| wgpu::BufferBindingType::Storage { read_only: !binding.writes });
    std::iter::once(wgpu::BufferBindingType::Uniform)
        .chain(storage)
        .zip(0..)
        .map(|(ty, binding)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        })
        .collect()
}

/// Makes a module. Natively, loops of texts that Tegula's compiler wrote go without the guard that wgpu puts into each, which keeps drivers
/// from unrolling. Bounds of buffers are checked all the same.
#[cfg_attr(not(target_arch = "wasm32"), expect(unsafe_code, reason = "the only way to leave loops as they are written"))]
fn compile(device: &wgpu::Device, label: &str, wgsl: String, origin: Origin) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(label), source: wgpu::ShaderSource::Wgsl(wgsl.into()) };
    #[cfg(not(target_arch = "wasm32"))]
    if origin.is_compiler() {
        let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
        // SAFETY: whoever made the origin vouches for the text: see `Origin::compiler`. Every other check stays on.
        return unsafe { device.create_shader_module_trusted(descriptor, checks) };
    }
    // A browser guards loops as it does those of any page.
    let _ = origin;
    device.create_shader_module(descriptor)
}
