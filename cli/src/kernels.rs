//! Choices among kernels, kept for the next time. They are measured at the first load of a library on a device that nobody had measured.
//!
//! There is a file for each library and device, named by [`Loader::choice_key`]. It holds the indices as JSON. A file that cannot be read
//! or does not fit is ignored. A cache that cannot be written is no reason to fail.

use std::fs;
use std::path::{Path, PathBuf};

use tegula::Result;
use tegula::load::weights::Loader;
use tegula::model::choose::{Kernels, SECONDS};
use tegula::model::step::Model;

use crate::library;

/// What was chosen before, and where it is kept.
pub struct Kept {
    file: Option<PathBuf>,
    remembered: Option<Vec<u32>>,
}

impl Kept {
    /// Begins to compile the kernels that were chosen before, or those to choose among.
    pub fn begin(loader: &mut Loader) -> Kept {
        let file = loader.choice_key().and_then(|key| file(&key));
        let remembered = file.as_deref().and_then(read);
        loader.compile(match remembered.clone() {
            Some(chosen) => Kernels::Remembered(chosen),
            None => Kernels::Measure { seconds: SECONDS },
        });
        Kept { file, remembered }
    }

    /// Finishes the load, and keeps what was chosen.
    pub fn finish(self, loader: Loader) -> Result<Model> {
        let model = pollster::block_on(loader.finish())?;
        if let Some(file) = self.file.filter(|_| self.remembered != Some(model.chosen())) {
            write(&file, &model.chosen());
        }
        Ok(model)
    }
}

fn file(key: &str) -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("tegula/kernels").join(format!("{key}.json")))
}

fn read(file: &Path) -> Option<Vec<u32>> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn write(file: &Path, chosen: &[u32]) {
    let json = serde_json::to_vec(chosen).unwrap_or_default();
    if let Err(error) = library::store(file, &json) {
        tracing::warn!(%error, file = %file.display(), "the choice of kernels cannot be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn what_is_kept_is_read_back_and_what_is_damaged_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernels/a.json");
        assert_eq!(read(&file), None);
        write(&file, &[1, 0, 2]);
        assert_eq!(read(&file), Some(vec![1, 0, 2]));
        for damaged in ["", "[1, 0", "{}", "[-1]", "[\"1\"]"] {
            std::fs::write(&file, damaged).unwrap();
            assert_eq!(read(&file), None, "{damaged}");
        }
    }
}
