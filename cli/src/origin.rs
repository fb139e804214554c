//! Which libraries this program compiled: their kernels run without the checks that those of others get.
//!
//! `tegula compile` notes the SHA-256 of each library that it writes, as an empty file in the user's
//! cache. A library that is given with `--library` and was noted is as good as one that is compiled now.
//! Where there is no cache, and for libraries from elsewhere, `--trust-library` says so.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tegula::load::Module;
use tegula_gpu::Origin;

use crate::{library, report};

/// A library in memory, and where it comes from.
pub struct Binary {
    pub bytes: Vec<u8>,
    origin: Origin,
}

impl Binary {
    /// A library that this process compiled, or that it found in its cache, verified.
    pub fn compiled(bytes: Vec<u8>) -> Binary {
        Binary { bytes, origin: compiler() }
    }

    /// A library from a file that the user names.
    pub fn read(file: &Path, trusted: bool) -> anyhow::Result<Binary> {
        let bytes = library::read(file)?;
        if trusted || folder().is_some_and(|folder| folder.join(name(&bytes)).is_file()) {
            return Ok(Binary::compiled(bytes));
        }
        report::say(format_args!(
            "note: {} was not compiled by this user's tegula, so its kernels run with every check and without matrix units; \
             --trust-library runs them as they are",
            file.display()
        ));
        Ok(Binary { bytes, origin: Origin::default() })
    }

    /// What the runtime takes.
    pub fn module(&self) -> Module<'_> {
        Module { origin: self.origin, ..Module::from(&self.bytes) }
    }
}

/// Notes that this program compiled a library. A cache that cannot be written is no reason to fail.
pub fn note(library: &[u8]) {
    let Some(folder) = folder() else { return };
    if let Err(error) = library::store(&folder.join(name(library)), &[]) {
        tracing::warn!(%error, folder = %folder.display(), "it cannot be noted that the library was compiled here");
    }
}

/// The origin of texts that this process or its cache has from the compiler, or that the user vouches for.
#[expect(unsafe_code, reason = "the one place that says which texts are the compiler's")]
pub fn compiler() -> Origin {
    // SAFETY: it is given to what `tegula_compiler` returned to this process, to what lies in the user's own cache with the checksums of its
    // sections, which the library's reader verifies, to what has the SHA-256 of a library that was compiled, and to what the user asks to trust.
    unsafe { Origin::compiler() }
}

fn folder() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("tegula/compiled"))
}

fn name(library: &[u8]) -> String {
    Sha256::digest(library).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Binary, name};

    #[test]
    fn a_library_from_elsewhere_is_not_the_compilers_unless_the_user_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("library.wasm");
        std::fs::write(&file, "not one that anybody compiled").unwrap();
        assert!(!Binary::read(&file, false).unwrap().module().origin.is_compiler());
        assert!(Binary::read(&file, true).unwrap().module().origin.is_compiler());
        assert!(Binary::compiled(Vec::new()).module().origin.is_compiler());
        assert_eq!(name(b"").len(), 64);
    }
}
