//! A package as a checkpoint: its tensors by name, over its shards, so that a recipe can make another
//! package of them.

use std::path::Path;
use std::sync::Arc;

use super::TensorCache;
use crate::file::{damaged, read_text};
use crate::{Checkpoint, FileSource, Result, Source, Tensor};

/// Reads the manifest of a folder.
///
/// # Errors
/// [`ErrorKind::Manifest`](crate::ErrorKind::Manifest) where that makes no sense,
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) where there is none or a shard has another
/// length, [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn open(folder: &Path) -> Result<Checkpoint> {
    let manifest = TensorCache::FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let missing = || damaged(folder, format!("there is no {}; give the folder of a weight package", TensorCache::FILE));
    let cache = TensorCache::parse(&read_text(&manifest.ok_or_else(missing)?)?)?;
    let mut checkpoint = Checkpoint::default();
    for shard in cache.shards {
        let source: Arc<dyn Source> = Arc::new(FileSource::open(&folder.join(&shard.path))?);
        if source.bytes() != shard.bytes {
            let reason = format!("it has {} bytes, the manifest says {}; download or convert it again", source.bytes(), shard.bytes);
            return Err(damaged(source.path(), reason));
        }
        let tensors = shard.records.into_iter().map(|record| Tensor {
            element: record.element(),
            name: record.name,
            shape: record.shape,
            dtype: record.dtype,
            source: source.clone(),
            offset: record.offset,
        });
        checkpoint.add(source.clone(), tensors)?;
    }
    Ok(checkpoint)
}
