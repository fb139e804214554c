//! The header of a safetensors file. Nothing here does I/O. A caller reads twice: first [`START`] bytes,
//! then the [`range`] that these name. It gives the bytes of that range to [`tensors`].

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use tegula_plan::count;

use crate::{Element, Result, Source, Tensor, file, json};

/// Bytes from the start of a file that show what it is.
pub const START: u64 = 64;

/// The length of the header, which comes before it.
const PREFIX: u64 = 8;

/// No header is longer: a guard against files that are not safetensors.
const MAX_HEADER: u64 = 100_000_000;

/// Where the header is, in a file of `bytes` bytes that begins with `start`.
///
/// # Errors
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) where the file is not safetensors or is cut off.
pub fn range(path: &Path, bytes: u64, start: &[u8]) -> Result<Range<u64>> {
    if let Some(reason) = json::impostor(start) {
        return Err(file::damaged(path, reason));
    }
    let Some(prefix) = start.first_chunk() else {
        let reason = format!("it has {}, fewer than any header", count(bytes, "byte"));
        return Err(file::damaged(path, reason));
    };
    let size = u64::from_le_bytes(*prefix);
    if size > MAX_HEADER || size > bytes.saturating_sub(PREFIX) {
        let reason = format!("its header claims {}, the file has {bytes}", count(size, "byte"));
        return Err(file::damaged(path, reason));
    }
    Ok(PREFIX..PREFIX + size)
}

/// The tensors that a header lists.
///
/// # Errors
/// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) where types, shapes, places and the length
/// of the file do not agree.
pub fn tensors(source: &Arc<dyn Source>, header: &[u8]) -> Result<Vec<Tensor>> {
    // Checks that the tensors lie one after the other and that types, shapes and lengths agree.
    let metadata: Metadata = serde_json::from_slice(header).map_err(|error| file::damaged(source.path(), error))?;
    let (start, found) = (PREFIX + header.len() as u64, source.bytes());
    let expected = start + metadata.data_len() as u64;
    if expected != found {
        let reason = format!("by its header it has {expected} bytes, but it has {found}");
        return Err(file::damaged(source.path(), reason));
    }
    let tensor = |name: String| {
        let info = metadata.info(&name).expect("a name that the header has just listed");
        let element = match info.dtype {
            Dtype::F32 => Element::F32,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::U32 => Element::U32,
            _ => Element::Other,
        };
        let shape = info.shape.iter().map(|&extent| extent as u64).collect();
        let offset = start + info.data_offsets.0 as u64;
        Tensor { name, shape, element, dtype: info.dtype.to_string(), source: source.clone(), offset }
    };
    Ok(metadata.offset_keys().into_iter().map(tensor).collect())
}
