//! Weight packages in folders of the file system, for native programs. A page fetches the same files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tegula_gpu::Gpu;
use tegula_package::ErrorKind as Package;
use tegula_package::mlc::{ChatConfig, TensorCache};

use super::Module;
use super::weights::Loader;
use crate::host::{self, Handle};
use crate::model::budget::Budget;
use crate::model::choose::{Kernels, SECONDS};
use crate::text::tokenizer::{Tokenizer, TokenizerConfig};
use crate::{Error, Result};

/// How much of a shard is in memory at a time.
const SLICE: usize = 4 << 20;

/// What a package's small files say.
pub struct Folder {
    path: PathBuf,
    /// The text of mlc-chat-config.json.
    pub config_json: String,
    /// What it says.
    pub config: ChatConfig,
    /// The tokenizer, if there is one.
    pub tokenizer: Option<Tokenizer>,
    /// The text of chat_template.jinja, if there is one.
    pub template: Option<String>,
}

impl Folder {
    /// The library that `tegula compile` puts beside the weights.
    pub const LIBRARY: &str = "library.wasm";

    /// Reads the small files.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`] names the file that is missing or wrong. [`crate::ErrorKind::Tokenizer`] says what is wrong with the
    /// tokenizer.
    pub fn read(path: &Path) -> Result<Folder> {
        let config_json = read(&path.join(ChatConfig::FILE))?;
        let config = ChatConfig::parse(&config_json)?;
        let template = optional(&path.join("chat_template.jinja"))?;
        Ok(Folder { path: path.to_owned(), config_json, config, tokenizer: tokenizer(path)?, template })
    }

    /// What requests are checked against.
    #[must_use]
    pub fn package(self) -> host::Package {
        let Folder { config, tokenizer, template, .. } = self;
        host::Package { tokenizer, config, template, run_ahead: None }
    }

    /// Loads the package with the library that lies in it, and lets a host answer requests to it under this name.
    ///
    /// # Errors
    /// Those of the steps above, of [`Loader::new`] and [`Loader::finish`], [`crate::HostError::ModelExists`].
    pub async fn serve(self, handle: &Handle, gpu: Gpu, name: &str) -> Result<()> {
        let place = handle.place(name)?;
        let file = self.path.join(Folder::LIBRARY);
        let library = fs::read(&file).map_err(|source| io_error(&file, source))?;
        let manifest = manifest(&self.path)?;
        let mut loader = Loader::new(gpu, Module::from(&library[..]), Some(&self.config_json), &manifest, Budget::default())?;
        loader.compile(Kernels::Measure { seconds: SECONDS });
        upload(&mut loader, &self.path, |_| {})?;
        place.load(loader.finish().await?, self.package());
        Ok(())
    }
}

/// Reads the tokenizer of a package or of a Hugging Face folder, if it has one.
///
/// # Errors
/// [`crate::ErrorKind::Package`] where a file cannot be read, and those of [`Tokenizer::new`].
pub fn tokenizer(folder: &Path) -> Result<Option<Tokenizer>> {
    let file = folder.join(Tokenizer::FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let json = fs::read(&file).map_err(|source| io_error(&file, source))?;
    let settings = optional(&folder.join(TokenizerConfig::FILE))?;
    Ok(Some(Tokenizer::new(&json, settings.as_deref())?))
}

/// The list of tensors of a package, under its present or its old name.
///
/// # Errors
/// [`crate::ErrorKind::Package`]: there is no list, or it cannot be read.
pub fn manifest(folder: &Path) -> Result<String> {
    let files = TensorCache::FILES.map(|name| folder.join(name));
    match files.iter().find(|file| file.is_file()) {
        Some(file) => read(file),
        None => {
            let reason = "it has no tensor-cache.json, so it is no weight package; make one with `tegula convert`".to_owned();
            Err(Package::Checkpoint { path: folder.to_owned(), reason }.into())
        }
    }
}

/// Uploads all shards of a package. Calls `uploaded` with the bytes of each slice.
///
/// # Errors
/// [`crate::ErrorKind::Package`] where a file cannot be read, and those of [`Loader::push`] and [`Loader::end`].
pub fn upload(loader: &mut Loader, folder: &Path, mut uploaded: impl FnMut(u64)) -> Result<()> {
    let mut slice = vec![0; SLICE];
    for (index, shard) in loader.shards().to_vec().iter().enumerate() {
        let path = folder.join(&shard.path);
        let failed = |source| io_error(&path, source);
        let mut file = File::open(&path).map_err(failed)?;
        loader.begin(index)?;
        loop {
            let length = file.read(&mut slice).map_err(failed)?;
            if length == 0 {
                break;
            }
            loader.push(&slice[..length])?;
            uploaded(length as u64);
        }
        loader.end()?;
    }
    Ok(())
}

fn optional(file: &Path) -> Result<Option<String>> {
    if file.is_file() { read(file).map(Some) } else { Ok(None) }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|source| io_error(file, source))
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Package::Io { path: path.to_owned(), source }.into()
}
