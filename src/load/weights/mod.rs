//! Loads a weight package into a model library.
//!
//! Order matters more than speed here. Before a weight is downloaded or memory is allocated, the package is compared with the library and
//! the memory is worked out. Then shards come in slices of any size, and are hashed and uploaded as they come. A shard that does not match
//! its hash is an error that names it; it can be loaded again.

mod random;

use crate::load::fingerprint::Fingerprint;
use crate::load::fit::{check_vectors, choose, extents};
use crate::load::upload::{Extent, Upload};
use crate::load::{Module, compare};
use crate::model::budget::{Budget, Memory, Sizes};
use crate::model::choose::Kernels;
use crate::model::step::Model;
use crate::model::{Buffers, Place, ready};
use crate::model::{Compiling, OnKernels};
use crate::{Error, ErrorKind, Result};
use md5::{Digest, Md5};
use std::fmt::Write;
use std::sync::Arc;
use tegula_gpu::{DeviceInfo, Gpu, Origin};
use tegula_package::mlc::manifest::Shard;
use tegula_package::mlc::{ChatConfig, TensorCache};
use tegula_plan::{Library, Precision};

/// A model on its way to the GPU.
pub struct Loader {
    gpu: Gpu,
    library: Arc<Library>,
    /// The library's bytes: its code is instantiated at the end.
    module: Vec<u8>,
    /// Where it comes from.
    origin: Origin,
    precision: Precision,
    /// What its name will follow from.
    fingerprint: Fingerprint,
    /// Which of the plan's variants.
    variant: usize,
    memory: Memory,
    buffers: Buffers,
    shards: Vec<Shard>,
    /// What is wanted of each shard.
    extents: Vec<Vec<Extent>>,
    /// Which shards are complete.
    loaded: Vec<bool>,
    current: Option<Current>,
    compiling: Option<Compiling>,
    /// Whether the weights are random.
    random: bool,
    unsent: u64,
}

/// The shard that is being pushed.
struct Current {
    index: usize,
    upload: Upload,
    hash: Md5,
}

impl Loader {
    /// Holds a package's manifest against a library, works out the memory, then allocates it. `config_json` is the package's
    /// `mlc-chat-config.json`, where there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Library`], [`ErrorKind::Package`], [`ErrorKind::MissingParam`], [`ErrorKind::ParamMismatch`],
    /// [`ErrorKind::ModelMismatch`], [`ErrorKind::Budget`], [`ErrorKind::Precision`], and [`ErrorKind::Gpu`] when no variant fits the device or
    /// there is no memory.
    pub fn new<'a>(
        gpu: Gpu,
        library: impl Into<Module<'a>>,
        config_json: Option<&str>,
        manifest_json: &str,
        budget: Budget,
    ) -> Result<Loader> {
        let module = library.into();
        let fingerprint = Fingerprint::new(module.bytes, manifest_json, config_json);
        let library = Library::parse(module.bytes)?;
        let manifest = TensorCache::parse(manifest_json)?;
        let config = config_json.map(ChatConfig::parse).transpose()?;
        compare::tensors(&library.plan, &manifest)?;
        config.map_or(Ok(()), |config| compare::model(&library.plan, &config))?;
        let extents = manifest.shards.iter().map(|shard| extents(&library.plan, shard)).collect();
        Loader::allocate(gpu, library, module, manifest.shards, extents, &budget, fingerprint)
    }

    /// A loader without a package, for [`Loader::random`].
    ///
    /// # Errors
    /// Those of [`Loader::new`] that are not about a package.
    pub fn without_package<'a>(gpu: Gpu, library: impl Into<Module<'a>>, budget: Budget) -> Result<Loader> {
        let module = library.into();
        let fingerprint = Fingerprint::new(module.bytes, "", None);
        let library = Library::parse(module.bytes)?;
        Loader::allocate(gpu, library, module, Vec::new(), Vec::new(), &budget, fingerprint)
    }

    fn allocate(
        gpu: Gpu,
        library: Library,
        module: Module<'_>,
        shards: Vec<Shard>,
        mut extents: Vec<Vec<Extent>>,
        budget: &Budget,
        fingerprint: Fingerprint,
    ) -> Result<Loader> {
        let plan = &library.plan;
        check_vectors(plan)?;
        let Module { bytes, origin, precision } = module;
        let variant = choose(plan, &gpu, origin, precision)?;
        let memory = Memory::plan(plan, &plan.variants[variant], gpu.info(), budget)?;
        let sizes = Sizes::of(plan, &plan.variants[variant]);
        // Parameters that only other variants bind have no buffer.
        for extent in extents.iter_mut().flatten() {
            extent.targets.retain(|target| match target.place {
                Place::Weight(param) => sizes.weights.contains_key(&param),
                Place::Vectors => true,
            });
        }
        extents.iter_mut().for_each(|extents| extents.retain(|extent| !extent.targets.is_empty()));
        let pages = memory.initial_pages();
        let buffers = Buffers::allocate(&gpu, plan, &sizes, &pages)?;
        let loaded = vec![false; shards.len()];
        let (library, current, compiling) = (Arc::new(library), None, None);
        let (module, random, unsent) = (bytes.to_vec(), false, 0);
        Ok(Loader {
            gpu,
            library,
            module,
            origin,
            precision,
            fingerprint,
            variant,
            memory,
            buffers,
            shards,
            extents,
            loaded,
            current,
            compiling,
            random,
            unsent,
        })
    }

    /// The files to load, in any order.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// What the model will take.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Says what compiles the kernels where the device does not: in a page, the browser and its version.
    pub fn set_environment(&mut self, environment: &str) {
        self.fingerprint.environment = environment.into();
    }

    /// Waits until the device has said whether there is memory. Natively that is known already; in a browser it saves a download in vain.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`] when there is none.
    pub async fn allocated(&self) -> Result<()> {
        Ok(self.gpu.settled().await?)
    }

    /// Begins a shard, or begins it again.
    ///
    /// # Errors
    /// [`ErrorKind::LoadOrder`] when there is no such shard or another one has not ended.
    pub fn begin(&mut self, index: usize) -> Result<()> {
        if self.random || index >= self.shards.len() {
            return Err(order(format!("there is no shard {index} to load")));
        }
        if let Some(current) = self.current.as_ref().filter(|current| current.index != index) {
            return Err(order(format!("shard `{}` has not ended", self.shards[current.index].path)));
        }
        self.loaded[index] = false;
        self.current = Some(Current { index, upload: Upload::new(self.extents[index].clone()), hash: Md5::new() });
        Ok(())
    }

    /// Takes the next bytes of the shard, any number of them.
    ///
    /// # Errors
    /// [`ErrorKind::ShardLength`] when there are more than the manifest says, [`ErrorKind::LoadOrder`] when no shard has begun.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(current) = &mut self.current else { return Err(order("bytes arrived before a shard began".into())) };
        current.hash.update(bytes);
        current.upload.push(bytes, &mut self.buffers.sink(&self.gpu, &mut self.unsent));
        if current.upload.position() > self.shards[current.index].bytes { self.end() } else { Ok(()) }
    }

    /// Ends the shard.
    ///
    /// # Errors
    /// [`ErrorKind::ShardLength`] or [`ErrorKind::CorruptShard`] when its bytes are not those that the manifest describes: nothing of it
    /// should be kept. [`ErrorKind::LoadOrder`] when no shard has begun.
    pub fn end(&mut self) -> Result<()> {
        let Some(Current { index, upload, hash }) = self.current.take() else { return Err(order("no shard has begun".into())) };
        let Shard { path, bytes, md5, .. } = &self.shards[index];
        let found_md5 = hexadecimal(&hash.finalize());
        if upload.position() != *bytes {
            let expected_md5 = md5.clone().unwrap_or_else(|| "unknown".into());
            let (shard, expected, found) = (path.clone(), *bytes, upload.position());
            return Err(ErrorKind::ShardLength { shard, expected, found, expected_md5, found_md5 }.into());
        }
        match md5 {
            Some(expected) if *expected != found_md5 => {
                return Err(ErrorKind::CorruptShard { shard: path.clone(), expected: expected.clone(), found: found_md5 }.into());
            }
            Some(_) => {}
            None => tracing::warn!(shard = path, "the manifest has no MD5, so the shard is not verified"),
        }
        self.loaded[index] = true;
        Ok(())
    }

    /// Names what a choice among kernels holds for, so that it can be kept: the library, the device and its driver. Nothing where there is no
    /// choice.
    #[must_use]
    pub fn choice_key(&self) -> Option<String> {
        let variant = &self.library.plan.variants[self.variant];
        if variant.choices.is_empty() || self.precision == Precision::F32 {
            return None;
        }
        let DeviceInfo { name, vendor, backend, driver, .. } = self.gpu.info();
        let device = [name, vendor, backend, driver, &variant.name].map(String::as_str).join("\n");
        Some(hexadecimal(&Md5::new().chain_update(device).chain_update([0]).chain_update(&self.module).finalize()))
    }

    /// Begins to compile the kernels, where `kernels` says how choices among them are made. The sooner it is called, the more of it is done when
    /// the weights are there. Without this call they are compiled at the end, as [`Kernels::Default`] says.
    pub fn compile(&mut self, kernels: Kernels) {
        self.compile_telling(kernels, Box::new(|_, _| {}));
    }

    /// [`Loader::compile`], which tells how far it has come.
    pub fn compile_telling(&mut self, kernels: Kernels, on_kernels: OnKernels) {
        // The kernels of f32 precision are the same everywhere.
        let kernels = if self.precision == Precision::F32 { Kernels::Default } else { kernels };
        self.compiling = Some(Compiling::begin(&self.gpu, &self.library, self.origin, self.variant, kernels, on_kernels));
    }

    /// Makes the model ready to run, and chooses among kernels where the library leaves that to the device.
    ///
    /// # Errors
    /// [`ErrorKind::LoadOrder`] when weights are missing, [`ErrorKind::Launch`], and [`ErrorKind::Gpu`] when a kernel does not compile or there
    /// was no memory.
    pub async fn finish(mut self) -> Result<Model> {
        let wanted = |index: usize| !self.extents[index].is_empty();
        if let Some(missing) = (0..self.shards.len()).find(|&index| !self.random && wanted(index) && !self.loaded[index]) {
            return Err(order(format!("shard `{}` has not been loaded", self.shards[missing].path)));
        }
        if self.shards.is_empty() && !self.random {
            return Err(order("there are no weights: no package was given, and they were not filled at random".into()));
        }
        self.gpu.settled().await?;
        self.gpu.flush();
        if self.compiling.is_none() {
            self.compile(Kernels::Default);
        }
        let compiling = self.compiling.take().expect("compiling has begun");
        let (precision, fingerprint) = (self.precision, self.fingerprint);
        let mut model = ready(self.gpu, self.library, &self.module, self.variant, self.memory, self.buffers, compiling).await?;
        let fingerprint = fingerprint.finish(precision, model.variant(), &model.chosen(), model.gpu().info());
        model.set_fingerprint(fingerprint);
        Ok(model)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings take everything");
        text
    })
}

fn order(reason: String) -> Error {
    ErrorKind::LoadOrder { reason }.into()
}
