//! Model libraries for packages: compiled when needed, and kept for the next time.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{env, fs};

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use tegula_compiler::model::positions;
use tegula_compiler::tune::Records;
use tegula_compiler::{CompileOptions, Compiled, Config};
use tegula_plan::Library;

use crate::args::{Activations, LibraryFlags, Precision};
use crate::{report, source};

/// Where a model's config is: `path` itself if it is a file, else the MLC or Hugging Face config in that folder.
pub fn config_file(path: &Path) -> Result<PathBuf> {
    source::exists(path)?;
    if !path.is_dir() {
        return source::of_file(path).map_or_else(|| Ok(path.to_owned()), Err);
    }
    let names = ["mlc-chat-config.json", "config.json"];
    let found = names.iter().map(|name| path.join(name)).find(|file| file.is_file());
    // What it has instead, or where in it a model is.
    let other = || source::Source::find(path).err();
    found.ok_or_else(|| other().unwrap_or_else(|| anyhow!("{} has neither mlc-chat-config.json nor config.json", path.display())))
}

/// The compiler's options for what the command line says.
pub fn options(quantization: Option<&str>, flags: &LibraryFlags) -> Result<CompileOptions> {
    Ok(CompileOptions {
        quantization: quantization.map(str::to_owned),
        activations: flags.activations.map(Into::into).unwrap_or_default(),
        context_window_size: flags.context_window_size,
        prefill_chunk_size: flags.prefill_chunk_size,
        max_batch_size: flags.max_batch_size,
        sliding_window_size: flags.sliding_window_size,
        records: flags.records.as_deref().map(records).transpose()?,
        ..CompileOptions::default()
    })
}

impl From<Precision> for tegula_plan::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Auto => Self::Auto,
            Precision::F32 => Self::F32,
        }
    }
}

impl From<Activations> for tegula_plan::Activations {
    fn from(activations: Activations) -> Self {
        match activations {
            Activations::Float => Self::Float,
            Activations::Int8 => Self::Int8,
        }
    }
}

/// Reads a library.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Reads a file of records.
pub fn records(file: &Path) -> Result<Records> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Records::parse(&file.display().to_string(), &text)?)
}

/// Options for a library that is to run on this device: by what was measured on it, if anything was. For
/// f32 precision the library is the same for all devices.
pub fn for_device(options: CompileOptions, device: &str) -> Result<CompileOptions> {
    if options.precision == tegula_plan::Precision::F32 {
        return Ok(options);
    }
    let known = options.records()?.knows(device);
    Ok(CompileOptions { device: known.then(|| device.to_owned()), ..options })
}

/// Compiles a config file.
pub fn compile(config: &Path, options: &CompileOptions) -> Result<Compiled> {
    let json = fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let parsed = Config::parse(&json).with_context(|| format!("cannot use {}", config.display()))?;
    if let Some(warning) = beyond(&parsed, options) {
        report::say(warning);
    }
    tegula_compiler::compile(&parsed, options).with_context(|| format!("cannot compile {}", config.display()))
}

/// What to say of a context that is larger than what the model was made for.
fn beyond(config: &Config, options: &CompileOptions) -> Option<String> {
    let (asked, made_for) = (options.context_window_size?, positions(config)?);
    let text = format!(
        "warning: --context-window-size {asked} is beyond the {made_for} tokens that the model was made for; past those its answers may make no sense"
    );
    (asked > made_for).then_some(text)
}

/// The library for a config file and options: the cached one, or compiled and cached.
///
/// A cache that cannot be written is no reason to fail, and neither is a file in it that is damaged.
pub fn cached(config: &Path, options: &CompileOptions) -> Result<Vec<u8>> {
    match dirs::cache_dir() {
        Some(folder) => cached_in(&folder.join("tegula/libraries"), config, options),
        None => Ok(compile(config, options)?.library),
    }
}

fn cached_in(folder: &Path, config: &Path, options: &CompileOptions) -> Result<Vec<u8>> {
    let json = fs::read(config).with_context(|| format!("cannot read {}", config.display()))?;
    let file = folder.join(format!("{}.wasm", key(&json, options)));
    if let Ok(library) = fs::read(&file) {
        match Library::parse(&library) {
            Ok(_) => {
                let parsed = std::str::from_utf8(&json).ok().and_then(|json| Config::parse(json).ok());
                if let Some(warning) = parsed.and_then(|config| beyond(&config, options)) {
                    report::say(warning);
                }
                return Ok(library);
            }
            // It names what to do with a file of the user's own; this one is replaced.
            Err(error) => {
                tracing::debug!(%error, file = %file.display(), "a cached library cannot be used");
                report::say(format!("warning: the cached library {} is damaged; it is compiled again", file.display()));
            }
        }
    }
    let library = compile(config, options)?.library;
    if let Err(error) = store(&file, &library) {
        tracing::warn!(%error, file = %file.display(), "the library cannot be cached");
    }
    Ok(library)
}

/// Names a library by all that it follows from: the config, the options and the compiler.
///
/// The compiler is told apart by this program's version, size and date, because builds between two releases have the same version.
fn key(config: &[u8], options: &CompileOptions) -> String {
    let program = env::current_exe().and_then(fs::metadata);
    let built = program.as_ref().ok().and_then(|data| data.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let compiler = format!("{} {:?} {built:?} {options:?}", env!("CARGO_PKG_VERSION"), program.map(|data| data.len()).ok());
    let hash = Sha256::new().chain_update(compiler).chain_update([0]).chain_update(config).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes under another name first, so that nobody reads half a file.
pub fn store(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    let partial = file.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes)?;
    fs::rename(partial, file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{CompileOptions, Config, beyond, cached_in, compile, for_device, key, options};
    use crate::args::{Activations, LibraryFlags};

    #[test]
    fn whatever_shapes_a_library_names_it() {
        let plain = options(None, &LibraryFlags::default()).unwrap();
        let chunked = options(None, &LibraryFlags { prefill_chunk_size: Some(16), ..LibraryFlags::default() }).unwrap();
        assert_eq!(key(b"{}", &plain), key(b"{}", &plain));
        assert_ne!(key(b"{}", &plain), key(b"{ }", &plain));
        let bytes = options(None, &LibraryFlags { activations: Some(Activations::Int8), ..LibraryFlags::default() }).unwrap();
        assert_ne!(key(b"{}", &plain), key(b"{}", &chunked));
        assert_ne!(key(b"{}", &plain), key(b"{}", &bytes));
        assert_ne!(key(b"{}", &plain), key(b"{}", &options(Some("q0f32"), &LibraryFlags::default()).unwrap()));
        assert_ne!(key(b"{}", &plain), key(b"{}", &CompileOptions { device: Some("X".into()), ..plain.clone() }));
        let precise = CompileOptions { precision: tegula_plan::Precision::F32, ..plain.clone() };
        assert_ne!(key(b"{}", &plain), key(b"{}", &precise));
        let devices = plain.records().unwrap().devices();
        assert_ne!(for_device(plain.clone(), devices[0]).unwrap(), plain);
        assert_eq!(for_device(precise.clone(), devices[0]).unwrap(), precise);
        assert_eq!(for_device(plain.clone(), "a device that nobody has").unwrap(), plain);
    }

    #[test]
    fn a_cached_library_is_used_and_a_damaged_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.json");
        let json = r#"{"model_type": "llama", "vocab_size": 64, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu"}"#;
        fs::write(&config, json).unwrap();
        let options = CompileOptions { quantization: Some("q0f32".into()), ..CompileOptions::default() };
        let libraries = folder.path().join("libraries");
        let cached = || cached_in(&libraries, &config, &options).unwrap();
        let whole = cached();
        let file = fs::read_dir(&libraries).unwrap().next().unwrap().unwrap().path();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for damaged in [&flipped[..], &whole[..whole.len() - 9], b"", b"<!doctype html>"] {
            fs::write(&file, damaged).unwrap();
            assert!(cached() == whole);
            assert!(fs::read(&file).unwrap() == whole, "it was not replaced");
        }
        // What is whole is taken as it is: nothing is compiled.
        let other = compile(&config, &CompileOptions { prefill_chunk_size: Some(16), ..options.clone() }).unwrap().library;
        fs::write(&file, &other).unwrap();
        assert!(other != whole && cached() == other);
    }

    #[test]
    fn a_context_beyond_the_models_is_warned_of_with_both() {
        let config = Config::parse(r#"{"model_type": "llama", "max_position_embeddings": 256}"#).unwrap();
        let of = |context_window_size| beyond(&config, &CompileOptions { context_window_size, ..CompileOptions::default() });
        assert_eq!((of(None), of(Some(256))), (None, None));
        let warning = of(Some(512)).unwrap();
        assert!(warning.starts_with("warning: ") && warning.contains("512") && warning.contains("256"), "{warning}");
    }
}
