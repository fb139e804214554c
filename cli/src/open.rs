//! From a package on disk to a model on a device.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use tegula::engine::intake::Intake;
use tegula::host::{Handle, Host, Place};
use tegula::load::folder::{self, Folder};
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::model::step::Model;
use tegula::text::chat::Chat;
use tegula::text::tokenizer::Tokenizer;
use tegula::{ErrorKind, Prompt};
use tegula_compiler::CompileOptions;
use tegula_gpu::{Gpu, Options};
use tegula_package::mlc::ChatConfig;
use tegula_plan::{Library, Model as Facts, Precision};

use crate::args::{self, DeviceFlags};
use crate::kernels::Kept;
use crate::origin::Binary;
use crate::package::Package;
use crate::source::Source;
use crate::{library, report};

/// The name of a model that is alone in its host.
pub const NAME: &str = "model";

/// A model that is ready to run, and what its package says.
pub struct Opened {
    /// The model.
    pub model: Model,
    said: Folder,
    /// Bytes of the shards.
    bytes: u64,
    /// Seconds that opening took.
    seconds: f64,
}

impl Opened {
    /// What was loaded, where, and how fast.
    pub fn summary(&self) -> String {
        let (device, model) = (self.model.gpu().info(), &self.model.plan().model);
        let (variant, size) = (self.model.variant(), report::bytes(self.bytes));
        let (class, activations) = (&variant.name, variant.activations.name());
        let (architecture, quantization) = (&model.architecture, &model.quantization);
        format!("{architecture} {quantization} on {} ({class}, {activations} activations): {size} in {:.1} s", device.name, self.seconds)
    }

    /// Hands the model over to a host.
    pub fn load_into(self, place: Place) {
        place.load(self.model, self.said.package());
    }

    /// A host with this model only, which answers requests.
    pub fn host(self) -> Result<Served> {
        let (host, handle) = Host::new(None);
        self.load_into(handle.place(NAME)?);
        Ok(Served { intake: handle.intake(NAME)?, host, handle })
    }
}

/// A host with one model, driven by whoever waits for an answer.
pub struct Served {
    /// The driver.
    pub host: Host,
    /// What requests are sent through.
    pub handle: Handle,
    /// The model's tokenizer and settings.
    pub intake: Arc<Intake>,
}

/// A model whose weights are not read yet. A prompt can be checked before they are, which takes long.
pub struct Opening {
    gpu: Gpu,
    package: Package,
    said: Folder,
    library: Binary,
    precision: Precision,
    facts: Facts,
}

impl Opening {
    /// Finds a model's package or makes one, opens a device, finds or compiles the library for it.
    ///
    /// What is quick to refuse comes first: a conversion may take minutes.
    pub fn begin(args: &args::Model) -> Result<Opening> {
        Opening::begin_on(args, None)
    }

    /// As [`Opening::begin`], on a device that is open already, if there is one.
    pub fn begin_on(args: &args::Model, shared: Option<&Gpu>) -> Result<Opening> {
        let source = Source::find(&args.package)?;
        let precision = args.precision.unwrap_or_default().into();
        let options = CompileOptions { precision, ..library::options(args.quantization.as_deref(), &args.flags)? };
        let own = args.library.as_deref().map(|file| Binary::read(file, args.trust_library)).transpose()?;
        let gpu = shared.cloned().map_or_else(|| device(&args.device), Ok)?;
        let package = Package::of(source, args.quantization.as_deref())?;
        let said = Folder::read(&package.folder)?;
        let config_file = package.folder.join(ChatConfig::FILE);
        let library = match own {
            Some(library) => library,
            None => Binary::compiled(library::cached(&config_file, &library::for_device(options, &gpu.info().name)?)?),
        };
        let parsed = Library::parse(&library.bytes).map_err(tegula::Error::from);
        let parsed = match &args.library {
            Some(file) => parsed.with_context(|| format!("cannot use {}", file.display()))?,
            None => parsed?,
        };
        let facts = parsed.plan.model;
        Ok(Opening { gpu, package, said, library, precision, facts })
    }

    /// The ids of a prompt, as the engine will have them.
    pub fn tokenize(&self, prompt: &Prompt) -> tegula::Result<Vec<u32>> {
        let Folder { config, tokenizer, template, .. } = &self.said;
        let chat = Chat::new(tokenizer.as_ref().map(Tokenizer::config), template.as_deref(), config);
        prompt.ids(tokenizer.as_ref(), &chat)
    }

    /// Fails for ids that the model does not know, and for more than fit beside `rest` other tokens.
    pub fn check(&self, ids: &[u32], rest: u64) -> tegula::Result<()> {
        let (vocab_size, context) = (self.facts.vocab_size, u64::from(self.facts.context_window_size));
        if let Some(&id) = ids.iter().find(|&&id| id >= vocab_size) {
            return Err(ErrorKind::UnknownToken { id, vocab_size }.into());
        }
        if ids.len() as u64 + rest > context {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: ids.len() as u64, context }.into());
        }
        Ok(())
    }

    /// Reads the weights, with a progress bar.
    pub fn load(self) -> Result<Opened> {
        let started = Instant::now();
        let manifest = folder::manifest(&self.package.folder)?;
        let library = self.library.module().with_precision(self.precision);
        let mut loader = Loader::new(self.gpu, library, Some(&self.said.config_json), &manifest, Budget::default())?;
        let kept = Kept::begin(&mut loader);
        let bytes = upload(&mut loader, &self.package)?;
        let model = kept.finish(loader)?;
        Ok(Opened { model, said: self.said, bytes, seconds: started.elapsed().as_secs_f64() })
    }
}

/// Opens the device that the command line asks for.
pub fn device(flags: &DeviceFlags) -> Result<Gpu> {
    Ok(pollster::block_on(Gpu::new(&Options { baseline: flags.baseline, adapter: flags.device.clone() }))?)
}

/// Uploads all shards and returns their size. A package that this program made and that is damaged now is removed, so that the next run makes
/// it again.
pub fn upload(loader: &mut Loader, package: &Package) -> Result<u64> {
    let uploaded = shards(loader, &package.folder);
    let is_damage = |error: &anyhow::Error| error.downcast_ref::<tegula::Error>().is_some_and(|error| error.code() == "IntegrityError");
    match uploaded {
        Err(error) if is_damage(&error) && package.discard() => {
            Err(error
                .context("the package that was kept of this folder was damaged, and is removed; run the command again to make it anew"))
        }
        uploaded => uploaded,
    }
}

fn shards(loader: &mut Loader, folder: &Path) -> Result<u64> {
    let total = loader.shards().iter().map(|shard| shard.bytes).sum();
    let bar = report::progress(total, "loading");
    folder::upload(loader, folder, |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    Ok(total)
}
