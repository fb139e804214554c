//! Checkpoints of Hugging Face: one or many safetensors files, of which only the headers and the
//! ranges asked for are ever in memory.
//!
//! [`header`] reads the start of a file, and [`quantized`] tells checkpoints that cannot be converted.

pub mod header;
pub mod quantized;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::{Checkpoint, FileSource, Result, Source, file};

/// The file of a checkpoint that is whole.
const SINGLE: &str = "model.safetensors";

/// The file that says which of several files has which tensor.
const INDEX: &str = "model.safetensors.index.json";

/// Reads the headers of all files in a folder.
///
/// # Errors
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) with the file that is damaged, or with the
/// folder if it has no safetensors; [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn open(folder: &Path) -> Result<Checkpoint> {
    let index = folder.join(INDEX);
    // An index beside a whole file is of files that were there before.
    let names = if folder.join(SINGLE).is_file() {
        BTreeSet::from([SINGLE.to_owned()])
    } else if index.is_file() {
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        file::read_json::<Index>(&index)?.weight_map.into_values().collect()
    } else {
        let reason = format!("there is no {SINGLE} and no {INDEX}; give the folder of a Hugging Face checkpoint saved as safetensors");
        return Err(file::damaged(folder, reason));
    };
    let mut checkpoint = Checkpoint::default();
    for name in names {
        add(&mut checkpoint, Arc::new(FileSource::open(&folder.join(name))?))?;
    }
    Ok(checkpoint)
}

/// Reads the header of a file and adds the tensors that it lists.
///
/// # Errors
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) if it is damaged or has a tensor that is
/// in another file too; [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn add(checkpoint: &mut Checkpoint, source: Arc<dyn Source>) -> Result<()> {
    let mut start = vec![0; source.bytes().min(header::START) as usize];
    source.read(std::slice::from_ref(&(0..start.len() as u64)), &mut start)?;
    let range = header::range(source.path(), source.bytes(), &start)?;
    let mut bytes = vec![0; (range.end - range.start) as usize];
    source.read(std::slice::from_ref(&range), &mut bytes)?;
    let tensors = header::tensors(&source, &bytes)?;
    checkpoint.add(source, tensors)
}
