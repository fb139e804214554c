//! The package of a model: the folder itself, or the package that a Hugging Face folder was converted to, once, in the user's cache.
//!
//! A kept package lies at `tegula/packages/NAME-QUANTIZATION-PATH/STATE`. PATH stands for where the folder is. STATE stands for its files
//! and for the version of the converter. A package is there whole or not at all. If the folder has changed, the next conversion replaces
//! it.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tegula_compiler::Config;
use tegula_compiler::convert::{self, ConvertOptions, Warning};
use tegula_compiler::quant::Quantization;
use tegula_package::ErrorKind;
use tegula_package::mlc::TensorCache;
use tegula_package::mlc::manifest::Shard;

use crate::report;
use crate::source::Source;

/// What the lists of a package may take beside its tensors and the files that are copied.
const BESIDE: u64 = 1 << 20;

/// Ends of the names of files that a conversion reads.
const READ: [&str; 5] = [WEIGHTS, "json", "jinja", "model", "txt"];
const WEIGHTS: &str = "safetensors";

/// How often to look whether another conversion has ended.
const WAIT: Duration = Duration::from_millis(300);

/// A package.
pub struct Package {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it is one that this program made and keeps.
    kept: bool,
}

impl Package {
    /// The package of a model, which is converted now if it has none.
    pub fn of(source: Source, quantization: Option<&str>) -> Result<Package> {
        let folder = match source {
            Source::Package(folder) => return Ok(Package { folder, kept: false }),
            Source::Checkpoint(folder) => folder,
        };
        let quantization = quantization.map_or(Ok(Quantization::Q4F16_1), Quantization::parse)?;
        let failed = || {
            format!(
                "cannot convert {0} on the way; to convert it to a folder of your choice: tegula convert {1} -o PKG --quantization {quantization}",
                folder.display(),
                shell(&folder),
            )
        };
        let folder = kept(&folder, quantization).with_context(failed)?;
        Ok(Package { folder, kept: true })
    }

    /// Removes a kept package that turned out to be damaged, so that it is converted again. Says whether it was one.
    pub fn discard(&self) -> bool {
        self.kept && fs::remove_dir_all(&self.folder).is_ok()
    }
}

/// The kept package of a Hugging Face folder, made where there is none.
fn kept(source: &Path, quantization: Quantization) -> Result<PathBuf> {
    let cache = dirs::cache_dir().context("there is no cache folder for this user: neither XDG_CACHE_HOME nor HOME is set")?;
    let output = place(&cache.join("tegula/packages"), source, quantization)?;
    if is_whole(&output) {
        return Ok(output);
    }
    check_room(source, quantization, &cache)?;
    // It may have been finished by another since.
    if output.exists() && !is_whole(&output) {
        fs::remove_dir_all(&output).with_context(|| format!("cannot remove what is left of {}", output.display()))?;
    }
    report::say(format_args!("{} is no package yet: it is converted to {quantization} once and kept", source.display()));
    let started = Instant::now();
    let options = ConvertOptions { quantization, ..ConvertOptions::default() };
    let mut waiting = false;
    let made = loop {
        match crate::convert::with_bar(source, &output, &options) {
            Err(error) if is_busy(&error) => {
                if !waiting {
                    report::say("another tegula is converting it; waiting for that");
                    waiting = true;
                }
                thread::sleep(WAIT);
                if is_whole(&output) {
                    return Ok(output);
                }
            }
            Ok(made) => break made,
            Err(error) => {
                // It goes only if nothing else is in it.
                let _ = output.parent().map(fs::remove_dir);
                return Err(error);
            }
        }
    };
    for warning in &made.warnings {
        // How WebLLM would chat is nothing to somebody who runs the model here.
        if *warning != Warning::NoConversation {
            report::say(format_args!("warning: {warning}"));
        }
    }
    remove_older(&output);
    let (bytes, shards) = (report::bytes(made.bytes), report::count(made.shards, "shard"));
    report::say(format_args!(
        "kept in {}: {bytes} in {shards}, {:.1} s; `tegula convert` writes it to a folder of your choice",
        output.display(),
        started.elapsed().as_secs_f64()
    ));
    Ok(output)
}

/// Where the package of a folder is kept: by where the folder is, what its files look like, and who converts it how.
fn place(packages: &Path, source: &Path, quantization: Quantization) -> Result<PathBuf> {
    let unreadable = || format!("cannot read {}", source.display());
    let path = source.canonicalize().with_context(unreadable)?;
    let mut files = Vec::new();
    let more = fs::read_dir(path.join(convert::TEMPLATES)).into_iter().flatten();
    for entry in fs::read_dir(&path).with_context(unreadable)?.chain(more) {
        let file = entry.with_context(unreadable)?.path();
        if !file.extension().is_some_and(|found| READ.iter().any(|end| found == *end)) {
            continue;
        }
        // Links are followed: the hub's own cache is made of them.
        let data = fs::metadata(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        files.push(format!("{:?} {} {changed:?}", file.strip_prefix(&path).unwrap_or(&file), data.len()));
    }
    files.sort();
    let state = digest(&format!("{}\n{}", convert::VERSION, files.join("\n")));
    let name = path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches('.');
    let folder = format!("{}-{quantization}-{}", &name[..name.len().min(80)], digest(&path.display().to_string()));
    Ok(packages.join(folder).join(state))
}

/// The first 16 digits of a text's SHA-256.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Whether a package has all its shards, in full: whoever clears caches may have taken some.
fn is_whole(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join(TensorCache::FILE)).ok().and_then(|json| TensorCache::parse(&json).ok());
    let is_there = |shard: &Shard| fs::metadata(folder.join(&shard.path)).is_ok_and(|data| data.len() == shard.bytes);
    manifest.is_some_and(|manifest| manifest.shards.iter().all(is_there))
}

/// Fails where the disk has too little room for a package.
fn check_room(source: &Path, quantization: Quantization, cache: &Path) -> Result<()> {
    let file = source.join("config.json");
    let json = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let needed = convert::tensor_bytes(&Config::parse(&json)?, quantization)? + copied(source) + BESIDE;
    // The cache may still have to be made.
    let Some(there) = cache.ancestors().find(|folder| folder.is_dir()) else { return Ok(()) };
    match fs4::available_space(there) {
        Ok(free) if free < needed => bail!("{}", no_room(needed, free, cache)),
        // Where a system does not tell, the conversion will.
        _ => Ok(()),
    }
}

/// Bytes of the files in a folder that a package may copy: the tokenizer's, which are all but the weights.
fn copied(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let small = files.filter(|file| READ.iter().any(|end| *end != WEIGHTS && file.extension().is_some_and(|found| found == *end)));
    small.filter_map(|file| fs::metadata(file).ok()).map(|data| data.len()).sum()
}

fn no_room(needed: u64, free: u64, cache: &Path) -> String {
    let (needed, free) = (report::bytes(needed), report::bytes(free));
    format!("the package takes {needed}, and {} has room for {free}", cache.display())
}

/// Removes what was kept of the same folder before it changed, and what conversions of it left that were cut short.
fn remove_older(output: &Path) {
    let Some(entries) = output.parent().and_then(|parent| fs::read_dir(parent).ok()) else { return };
    for entry in entries.flatten().map(|entry| entry.path()).filter(|entry| entry != output) {
        // Whoever still writes there holds the lock.
        let is_free = match File::open(entry.join(".lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_free && let Err(error) = fs::remove_dir_all(&entry) {
            tracing::warn!(%error, folder = %entry.display(), "an older package cannot be removed");
        }
    }
}

fn is_busy(error: &anyhow::Error) -> bool {
    error.downcast_ref::<tegula_compiler::Error>().is_some_and(|error| matches!(error.package(), Some(ErrorKind::Busy { .. })))
}

/// A path as a shell takes it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::{Quantization, is_whole, no_room, place, remove_older, shell};
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_place_follows_from_folder_files_and_quantization() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = root.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("config.json"), "{}").unwrap();
            fs::write(folder.join("model.safetensors"), "weights").unwrap();
            folder
        };
        let (one, other) = (folder("Qwen 3"), folder("other/Qwen 3"));
        let of = |source: &Path| place(Path::new("packages"), source, Quantization::Q4F16_1).unwrap();
        let first = of(&one);
        assert!(first.to_string_lossy().starts_with("packages/Qwen-3-q4f16_1-"), "{first:?}");
        assert_eq!(first, of(&one.join("../Qwen 3")));
        assert_ne!(first.parent(), of(&other).parent());
        assert_ne!(first.parent(), place(Path::new("packages"), &one, Quantization::parse("q0f16").unwrap()).unwrap().parent());
        // What the converter does not read changes nothing; a file that changes, its date or its size, and a new one do.
        fs::write(one.join("README.md"), "read me").unwrap();
        assert_eq!(first, of(&one));
        let file = fs::File::options().write(true).open(one.join("model.safetensors")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
        let dated = of(&one);
        fs::write(one.join("tokenizer.json"), "{}").unwrap();
        let grown = of(&one);
        fs::create_dir(one.join("additional_chat_templates")).unwrap();
        fs::write(one.join("additional_chat_templates/tool_use.jinja"), "{}").unwrap();
        assert_ne!(of(&one), grown);
        assert!(first != dated && dated != grown && grown != first);
        assert_eq!(first.parent(), grown.parent(), "the same model, so that older ones can be found");
    }

    #[test]
    fn a_package_without_a_shard_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_whole(folder.path()));
        let manifest = r#"{"metadata": {}, "records": [{"dataPath": "params_shard_0.bin", "nbytes": 3, "records": []}]}"#;
        fs::write(folder.path().join("tensor-cache.json"), manifest).unwrap();
        assert!(!is_whole(folder.path()));
        fs::write(folder.path().join("params_shard_0.bin"), "12").unwrap();
        assert!(!is_whole(folder.path()));
        fs::write(folder.path().join("params_shard_0.bin"), "123").unwrap();
        assert!(is_whole(folder.path()));
    }

    #[test]
    fn older_packages_go_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new", "old", ".cut.partial", ".busy.partial"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(".lock"), "").unwrap();
        }
        fs::remove_file(folder.path().join("old/.lock")).unwrap();
        let busy = fs::File::open(folder.path().join(".busy.partial/.lock")).unwrap();
        busy.try_lock().unwrap();
        remove_older(&folder.path().join("new"));
        let left = ["new", "old", ".cut.partial", ".busy.partial"].map(|name| folder.path().join(name).exists());
        assert_eq!(left, [true, false, false, true]);
    }

    #[test]
    fn no_room_is_said_in_numbers() {
        let text = no_room(3 << 30, 1 << 30, Path::new("cache"));
        assert_eq!(text, "the package takes 3.0 GiB, and cache has room for 1.0 GiB");
    }

    #[test]
    fn paths_are_quoted_for_shells() {
        assert_eq!(shell(Path::new("./Qwen3-0.6B")), "./Qwen3-0.6B");
        assert_eq!(shell(Path::new("my model's")), r"'my model'\''s'");
    }
}
