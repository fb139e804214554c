//! Finds out what a path is: a weight package, a Hugging Face folder, or neither. In the last case it says what to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail};
use tegula_package::mlc::{ChatConfig, TensorCache};

/// What Hugging Face calls a model's config.
const CONFIG: &str = "config.json";

/// What can be read.
const READABLE: &str = "tegula reads weight packages, and folders with config.json and .safetensors files";

/// A folder with a model.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A weight package.
    Package(PathBuf),
    /// A Hugging Face folder.
    Checkpoint(PathBuf),
}

impl Source {
    /// Finds out what `path` is. The error of anything else says what is missing and what to do.
    pub fn find(path: &Path) -> Result<Source> {
        exists(path)?;
        if !path.is_dir() {
            return Err(of_file(path).unwrap_or_else(|| {
                let folder = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
                anyhow!("{} is a file; give the folder of the model, such as {}", path.display(), folder.display())
            }));
        }
        let names = names(path)?;
        let has = |name: &str| names.iter().any(|found| found == name);
        let with_end = |end: &str| names.iter().find(|name| name.ends_with(end));
        let shown = path.display();
        if let Some(manifest) = TensorCache::FILES.into_iter().find(|name| has(name)) {
            if !has(ChatConfig::FILE) {
                let missing = ChatConfig::FILE;
                bail!("{shown} is half a package: it has {manifest} but no {missing}; copy the package again");
            }
            return Ok(Source::Package(path.to_owned()));
        }
        let safetensors = with_end(".safetensors");
        if has(CONFIG) && safetensors.is_some() {
            return Ok(Source::Checkpoint(path.to_owned()));
        }
        if !has(CONFIG)
            && let Some(inner) = inner(path, &names)
        {
            bail!("{shown} is no model, but {} in it is; give that", inner.display());
        }
        let other = [".gguf", ".bin", ".pth", ".pt"].into_iter().find_map(with_end);
        Err(match (has(CONFIG), safetensors, other) {
            _ if names.is_empty() => anyhow!("{shown} is empty; {READABLE}"),
            _ if has(ChatConfig::FILE) => {
                anyhow!("{shown} is half a package: it has {} but no {}; copy the package again", ChatConfig::FILE, TensorCache::FILE)
            }
            _ if has("adapter_config.json") => {
                anyhow!("{shown} is an adapter (LoRA), not a model; merge it into its model and save that as safetensors")
            }
            (_, Some(file), _) => {
                anyhow!("{shown} has {file} but no {CONFIG}, which says what the model is; copy it from where the model came from")
            }
            (has_config, None, Some(file)) => {
                let rest = if has_config { "" } else { &format!(", and there is no {CONFIG}") };
                anyhow!("{shown} has its weights in {file}, which tegula does not read{rest}; {}", advice(file))
            }
            (true, None, None) => {
                anyhow!("{shown} has {CONFIG} but no weights: there is no .safetensors file; download the model again, whole")
            }
            (false, None, None) => anyhow!("{shown} is no model: it has neither {} nor {CONFIG}; {READABLE}", TensorCache::FILE),
        })
    }
}

/// Fails where nothing is at `path`, with what to do: it may be a model of the hub, which is not fetched.
pub fn exists(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let text = path.to_string_lossy();
    match hub_id(&text) {
        Some((owner, name)) => bail!(
            "there is no `{text}` here. tegula fetches nothing: for a model of the Hugging Face hub, run\n  \
             hf download {owner}/{name} --local-dir {name}\nand give ./{name}"
        ),
        None if text.contains("://") => bail!("`{text}` is an address; tegula fetches nothing: download the folder, and give that"),
        None => bail!("there is no `{text}`; {READABLE}"),
    }
}

/// What a file is that is taken for a model often, and what to give instead.
pub fn of_file(path: &Path) -> Option<Error> {
    let shown = path.display();
    match path.extension()?.to_str()? {
        "safetensors" => Some(anyhow!("{shown} is a file of weights; give the folder that has it and {CONFIG}")),
        "wasm" => Some(anyhow!("{shown} is a model library; give the package's folder, and the library with --library")),
        "gguf" | "bin" | "pth" | "pt" => {
            Some(anyhow!("{shown} is in a format that tegula does not read; {}", advice(&path.to_string_lossy())))
        }
        _ => None,
    }
}

/// How to get by without a file of another format.
fn advice(file: &str) -> &'static str {
    if file.ends_with(".gguf") {
        "download the model that it was made from, as a folder with config.json and .safetensors files"
    } else {
        "save the model as safetensors, in Python with `save_pretrained(FOLDER, safe_serialization=True)`"
    }
}

/// Owner and name of a model on the hub, if that is what a text says.
fn hub_id(text: &str) -> Option<(&str, &str)> {
    let rest = ["https://huggingface.co/", "http://huggingface.co/", "https://hf.co/", "hf://"]
        .into_iter()
        .find_map(|start| text.strip_prefix(start));
    let mut parts = rest.unwrap_or(text).split('/');
    let (owner, name) = (parts.next()?, parts.next()?);
    // Addresses go on, ids do not.
    let ends = rest.is_some() || parts.next().is_none();
    let fits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    (ends && fits(owner) && fits(name)).then_some((owner, name))
}

/// The first folder in a folder that is a model: what was unpacked, or the hub's own cache.
fn inner(path: &Path, all: &[String]) -> Option<PathBuf> {
    let folders =
        |path: &Path, all: &[String]| -> Vec<PathBuf> { all.iter().map(|name| path.join(name)).filter(|path| path.is_dir()).collect() };
    let mut found = folders(path, all);
    let snapshots = path.join("snapshots");
    found.extend(folders(&snapshots, &names(&snapshots).unwrap_or_default()));
    found.into_iter().find(|folder| folder.join(CONFIG).is_file() || folder.join(ChatConfig::FILE).is_file())
}

/// Names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{Source, hub_id, of_file};
    use std::fs;
    use std::path::Path;

    /// What a folder with these files is.
    fn found(files: &[&str]) -> Result<bool, String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "{}").unwrap();
        }
        match Source::find(folder.path()) {
            Ok(Source::Package(_)) => Ok(true),
            Ok(Source::Checkpoint(_)) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn packages_and_checkpoints_are_told_apart() {
        assert_eq!(found(&["tensor-cache.json", "mlc-chat-config.json"]), Ok(true));
        assert_eq!(found(&["ndarray-cache.json", "mlc-chat-config.json", "config.json"]), Ok(true));
        assert_eq!(found(&["config.json", "model.safetensors"]), Ok(false));
        assert_eq!(found(&["config.json", "model-00001-of-00002.safetensors", "pytorch_model.bin"]), Ok(false));
    }

    #[test]
    fn anything_else_is_named_with_what_to_do() {
        for (files, words) in [
            (&[][..], &["empty", "config.json"][..]),
            (&["config.json"], &["no .safetensors", "download"]),
            (&["config.json", "pytorch_model.bin"], &["pytorch_model.bin", "save_pretrained"]),
            (&["model-q4.gguf"], &["model-q4.gguf", "no config.json", "made from"]),
            (&["model.safetensors"], &["no config.json"]),
            (&["adapter_config.json", "adapter_model.safetensors"], &["LoRA", "merge"]),
            (&["tensor-cache.json", "params_shard_0.bin"], &["half a package", "mlc-chat-config.json"]),
            (&["mlc-chat-config.json", "params_shard_0.bin"], &["half a package", "tensor-cache.json"]),
            (&["notes.txt"], &["tensor-cache.json", "config.json"]),
            (&["qwen/config.json", "qwen/model.safetensors"], &["qwen in it"]),
            (&["refs/main", "snapshots/c1899de/config.json"], &["c1899de in it"]),
            (&["model-q4.gguf", "hf/config.json"], &["hf in it"]),
        ] {
            let error = found(files).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{files:?}: {error}");
        }
    }

    #[test]
    fn what_is_not_there_may_be_a_model_of_the_hub() {
        let id = Some(("Qwen", "Qwen3-0.6B"));
        for text in ["Qwen/Qwen3-0.6B", "https://huggingface.co/Qwen/Qwen3-0.6B/tree/main", "hf://Qwen/Qwen3-0.6B"] {
            assert_eq!(hub_id(text), id, "{text}");
        }
        for text in ["Qwen3-0.6B", "./models/qwen", "a/b/c", "/models/qwen", "https://example.com/a/b", "../a", "a/", "a b/c"] {
            assert_eq!(hub_id(text), None, "{text}");
        }
        let error = |text: &str| Source::find(Path::new(text)).unwrap_err().to_string();
        assert!(error("no/such-model").contains("hf download no/such-model --local-dir such-model"));
        assert!(error("https://example.com/a").contains("address"));
        assert!(error("./nowhere").contains("there is no `./nowhere`"));
    }

    #[test]
    fn files_are_named_for_what_they_are() {
        for (file, word) in [("m.gguf", "config.json"), ("m.bin", "save_pretrained"), ("m.safetensors", "folder"), ("l.wasm", "--library")]
        {
            let error = of_file(Path::new(file)).unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(of_file(Path::new("config.json")).is_none());
    }
}
