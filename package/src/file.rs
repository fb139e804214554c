//! Small files of checkpoints and packages, read and written whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result, json};

/// The error for a file that cannot be read or written.
#[must_use]
pub fn io(path: &Path, source: std::io::Error) -> Error {
    ErrorKind::Io { path: path.into(), source }.into()
}

/// The error for a file that is damaged.
pub fn damaged(path: &Path, reason: impl ToString) -> Error {
    ErrorKind::Checkpoint { path: path.into(), reason: reason.to_string() }.into()
}

/// Reads a text.
///
/// # Errors
/// [`ErrorKind::Checkpoint`] if it is not text, or if a download brought something else; [`ErrorKind::Io`].
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| io(path, error))?;
    if let Some(reason) = json::impostor(&bytes) {
        return Err(damaged(path, reason));
    }
    String::from_utf8(bytes).map_err(|_| damaged(path, "it is not text (UTF-8); download it again"))
}

/// Reads JSON as people have it: see [`json::parse`].
///
/// # Errors
/// Those of [`read_text`], and [`ErrorKind::Checkpoint`] where it is not JSON of this form.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    json::parse(&read_text(path)?).map_err(|error| damaged(path, error))
}

/// Writes a value as JSON. Lines are indented by `indent`: MLC's files differ in it.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn write_json(path: &Path, value: &impl Serialize, indent: &[u8]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).map_err(|error| io(path, error))?);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut file, formatter));
    written.map_err(std::io::Error::from).and_then(|()| file.flush()).map_err(|error| io(path, error))
}
