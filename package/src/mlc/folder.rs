//! The folder that a package is written to.
//!
//! A package is written to a hidden folder beside its place, `.NAME.partial`, and moved to its place when it is complete. So an interrupted
//! conversion leaves nothing that looks like a package. Only a folder that is wholly a package is replaced; one with anything else in it is
//! refused.

use std::fs::{File, TryLockError};
use std::io::ErrorKind as Failure;
use std::path::{Path, PathBuf};

use super::{ChatConfig, TOKENIZER_FILES, TensorCache};
use crate::file::io;
use crate::{ErrorKind, Result};

/// Names of the files in a package, but for shards and model libraries.
const MEMBERS: [&str; 6] =
    [ChatConfig::FILE, TensorCache::FILE, "tensor-cache-b16.json", "ndarray-cache.json", "ndarray-cache-b16.json", LOCK];

/// A file that is locked while a conversion runs.
const LOCK: &str = ".lock";

/// A package that is being written.
pub struct Partial {
    output: PathBuf,
    path: PathBuf,
    replaced: PathBuf,
    lock: Option<File>,
    moved: bool,
}

impl Partial {
    /// Starts a package that will be at `output`, or where that leads to if it is a link.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignFolder`] if that is a folder with anything that is no part of a package; [`ErrorKind::Busy`];
    /// [`ErrorKind::Io`].
    pub fn create(output: &Path) -> Result<Partial> {
        let output = followed(output)?;
        let (Some(parent), Some(name)) = (output.parent(), output.file_name()) else {
            return Err(io(&output, std::io::Error::new(Failure::InvalidInput, "not the name of a folder")));
        };
        let hidden = |suffix: &str| parent.join(format!(".{}.{suffix}", name.to_string_lossy()));
        let (path, replaced) = (hidden("partial"), hidden("replaced"));
        check(&output)?;
        std::fs::create_dir_all(&path).map_err(|error| io(&path, error))?;
        let lock = File::create(path.join(LOCK)).map_err(|error| io(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ErrorKind::Busy { path: output }.into()),
            Err(TryLockError::Error(error)) => return Err(io(&path, error)),
        }
        let partial = Partial { output, path, replaced, lock: Some(lock), moved: false };
        partial.clear()?;
        Ok(partial)
    }

    /// The folder to write to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the complete package to its place.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; what was there before is there again.
    pub fn commit(mut self) -> Result<()> {
        check(&self.output)?;
        if cfg!(windows) {
            // It does not move a folder with an open file in it. Elsewhere nobody else gets hold of the folder before it is in its place.
            self.lock = None;
        }
        let before = self.output.exists();
        if before {
            std::fs::rename(&self.output, &self.replaced).map_err(|error| io(&self.output, error))?;
        }
        if let Err(error) = std::fs::rename(&self.path, &self.output) {
            if before {
                std::fs::rename(&self.replaced, &self.output).map_err(|error| io(&self.replaced, error))?;
            }
            return Err(io(&self.output, error));
        }
        self.moved = true;
        let lock = self.output.join(LOCK);
        std::fs::remove_file(&lock).map_err(|error| io(&lock, error))?;
        if before {
            std::fs::remove_dir_all(&self.replaced).map_err(|error| io(&self.replaced, error))?;
        }
        Ok(())
    }

    /// Removes what an interrupted conversion left.
    fn clear(&self) -> Result<()> {
        if self.replaced.exists() {
            if self.output.exists() {
                std::fs::remove_dir_all(&self.replaced)
            } else {
                // It was interrupted between the two moves.
                std::fs::rename(&self.replaced, &self.output)
            }
            .map_err(|error| io(&self.replaced, error))?;
        }
        for name in entries(&self.path)?.into_iter().filter(|name| name != LOCK) {
            let stale = self.path.join(name);
            std::fs::remove_file(&stale).map_err(|error| io(&stale, error))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.moved {
            // Nobody is left to tell of a failure, and the next conversion clears up.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// What a link leads to, by whatever way, whether anything is there or not; any other path itself.
fn followed(output: &Path) -> Result<PathBuf> {
    const MAX_LINKS: usize = 40;
    // Without what a path may end with: systems follow the link in `link/`.
    let mut path: PathBuf = std::path::absolute(output).map_err(|error| io(output, error))?.components().collect();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        if let Ok(found) = path.canonicalize() {
            return Ok(found);
        }
        let target = std::fs::read_link(&path).map_err(|error| io(&path, error))?;
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(io(output, std::io::Error::new(Failure::InvalidInput, "a link that leads to itself")))
}

/// Finds whether a package may take the place of `folder`.
fn check(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let names = entries(folder)?;
    let is_package = names.iter().any(|name| name == TensorCache::FILE || name == "ndarray-cache.json");
    match names.into_iter().find(|name| !is_package || !is_member(name)) {
        Some(entry) => Err(ErrorKind::ForeignFolder { path: folder.into(), entry }.into()),
        None => Ok(()),
    }
}

/// Whether a file of this name is part of a package.
fn is_member(name: &str) -> bool {
    let is_shard = name.starts_with("params_shard_") && name.ends_with(".bin");
    is_shard || name.ends_with(".wasm") || MEMBERS.contains(&name) || TOKENIZER_FILES.contains(&name)
}

/// Names in a folder, in order.
fn entries(folder: &Path) -> Result<Vec<String>> {
    let read = || std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names: Vec<String> = std::io::Result::map_err(read(), |error| io(folder, error))?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), name).unwrap();
    }

    #[test]
    fn a_package_is_replaced_and_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("package");
        for name in ["tensor-cache.json", "params_shard_0.bin", "tokenizer.json", "model.wasm"] {
            write(&output, name);
        }
        let partial = Partial::create(&output).unwrap();
        write(partial.path(), "tensor-cache.json");
        assert!(output.join("params_shard_0.bin").exists());
        partial.commit().unwrap();
        assert_eq!(entries(&output).unwrap(), ["tensor-cache.json"]);
        assert_eq!(entries(root.path()).unwrap(), ["package"]);

        write(&output, "thesis.tex");
        let error = Partial::create(&output).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ForeignFolder { entry, .. } if entry == "thesis.tex"), "{error}");
        let plain = root.path().join("plain");
        write(&plain, "tokenizer.json");
        assert!(Partial::create(&plain).is_err(), "a tokenizer alone is no package");
        write(root.path(), "file");
        assert!(Partial::create(&root.path().join("file")).is_err(), "a file is no folder");
        assert!(output.join("thesis.tex").exists() && plain.join("tokenizer.json").exists());
    }

    /// A link stays a link, and the folder that it leads to is replaced whole.
    #[test]
    #[cfg(unix)]
    fn a_link_is_followed() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let (disk, here) = (root.path().join("disk"), root.path().join("here"));
        for folder in [&disk, &here] {
            std::fs::create_dir(folder).unwrap();
        }
        for (name, target) in [("to", "../disk/to"), ("absent", "../disk/absent"), ("twice", "absent"), ("self", "self")] {
            symlink(target, here.join(name)).unwrap();
        }
        symlink(disk.join("to"), here.join("absolute")).unwrap();
        write(&disk.join("to"), "tensor-cache.json");
        write(&disk.join("to"), "params_shard_0.bin");
        for (link, target) in [("to", "to"), ("to/", "to"), ("absolute", "to"), ("twice", "absent"), ("absent", "absent")] {
            let before = entries(&disk).unwrap();
            drop(Partial::create(&here.join(link)).unwrap());
            assert_eq!(entries(&disk).unwrap(), before, "{link}");
            let partial = Partial::create(&here.join(link)).unwrap();
            write(partial.path(), "tensor-cache.json");
            partial.commit().unwrap();
            assert!(here.join(link.trim_end_matches('/')).is_symlink(), "{link}");
            assert_eq!(entries(&disk.join(target)).unwrap(), ["tensor-cache.json"], "{link}");
        }
        assert_eq!(entries(&disk).unwrap(), ["absent", "to"]);
        assert_eq!(entries(&here).unwrap(), ["absent", "absolute", "self", "to", "twice"]);
        write(&disk.join("to"), "thesis.tex");
        for link in ["to", "self"] {
            assert!(Partial::create(&here.join(link)).is_err(), "{link}");
        }
        assert!(disk.join("to/thesis.tex").exists());
    }

    #[test]
    fn leftovers_are_cleared_and_two_writers_do_not_meet() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("package");
        write(&root.path().join(".package.partial"), "params_shard_0.bin");
        write(&root.path().join(".package.replaced"), "tensor-cache.json");
        let partial = Partial::create(&output).unwrap();
        assert_eq!(entries(partial.path()).unwrap(), [LOCK]);
        assert_eq!(entries(&output).unwrap(), ["tensor-cache.json"], "the package that was being replaced is back");
        let error = Partial::create(&output).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}");
        drop(partial);
        assert_eq!(entries(root.path()).unwrap(), ["package"]);
    }
}
