//! Bytes that can be read by range, wherever they are.
//!
//! Files are read, not mapped: pages of a mapping count as the process's own memory, and a file that
//! shrinks meanwhile is an error instead of a crash. A page that reads a URL or a Blob does not
//! implement [`Source`], which waits: it awaits the same ranges and hands their bytes to the same code.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::file;

/// Bytes that can be read by range.
pub trait Source: Send + Sync {
    /// What errors call it: the path of a file, or another name.
    fn path(&self) -> &Path;

    /// How many bytes there are.
    fn bytes(&self) -> u64;

    /// Reads ranges one after another into `into`, which is as long as all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), also for a range beyond the end.
    fn read(&self, ranges: &[Range<u64>], into: &mut [u8]) -> Result<()>;
}

/// A file on disk. It is open only while it is read: a checkpoint may have more files than a process
/// may have open.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    bytes: u64,
}

impl FileSource {
    /// Finds a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if there is none.
    pub fn open(path: &Path) -> Result<FileSource> {
        let metadata = File::open(path).and_then(|file| file.metadata());
        let bytes = metadata.map_err(|error| file::io(path, error))?.len();
        Ok(FileSource { path: path.into(), bytes })
    }
}

impl Source for FileSource {
    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, ranges: &[Range<u64>], into: &mut [u8]) -> Result<()> {
        let read = |mut into: &mut [u8]| {
            let mut file = File::open(&self.path)?;
            for range in ranges {
                let (part, rest) = into.split_at_mut(length(range));
                file.seek(SeekFrom::Start(range.start))?;
                file.read_exact(part)?;
                into = rest;
            }
            Ok(())
        };
        read(into).map_err(|error| file::io(&self.path, error))
    }
}

/// Bytes in memory.
#[derive(Debug)]
pub struct MemorySource {
    name: PathBuf,
    bytes: Vec<u8>,
}

impl MemorySource {
    /// Bytes that errors call `name`.
    #[must_use]
    pub fn new(name: &str, bytes: Vec<u8>) -> MemorySource {
        MemorySource { name: name.into(), bytes }
    }
}

impl Source for MemorySource {
    fn path(&self) -> &Path {
        &self.name
    }

    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, ranges: &[Range<u64>], mut into: &mut [u8]) -> Result<()> {
        for range in ranges {
            let (part, rest) = into.split_at_mut(length(range));
            let found = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let found = found.and_then(|(start, end)| self.bytes.get(start..end));
            let missing = || file::io(&self.name, io::ErrorKind::UnexpectedEof.into());
            part.copy_from_slice(found.ok_or_else(missing)?);
            into = rest;
        }
        Ok(())
    }
}

fn length(range: &Range<u64>) -> usize {
    (range.end - range.start) as usize
}

#[cfg(test)]
mod tests {
    use super::{FileSource, MemorySource, Source};
    use crate::ErrorKind;

    #[test]
    fn ranges_come_in_the_order_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = FileSource::open(&path).unwrap();
        let memory = MemorySource::new("b.bin", b"0123456789".to_vec());
        for source in [&file as &dyn Source, &memory] {
            assert_eq!(source.bytes(), 10);
            let mut bytes = [0; 6];
            source.read(&[7..10, 0..2, 5..5, 4..5], &mut bytes).unwrap();
            assert_eq!(&bytes, b"789014");
            let error = source.read(&[0..1, 9..11], &mut bytes[..3]).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Io { path, .. } if path == source.path()), "{error}");
        }
        assert!(FileSource::open(&folder.path().join("c.bin")).is_err());
        // A file that shrinks is an error, and not what happened to be in the buffer.
        std::fs::write(&path, b"01234").unwrap();
        assert!(file.read(&[4..5, 5..6], &mut [0; 2]).is_err());
    }
}
