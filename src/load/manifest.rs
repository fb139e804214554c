//! `tensor-cache.json`: which tensor lies where in which shard.
//!
//! MLC's format, byte for byte; `ndarray-cache.json` is its old name. A shard is the bytes of its records one after another, without padding, so
//! that they may start anywhere. Nothing in the file is trusted: sizes must follow from shapes, records must lie within their shard and not
//! overlap, and nothing is allocated by a number that the file states.

use crate::{ErrorKind, Result};
use serde::Deserialize;
use std::collections::HashSet;

/// The manifest of a package. Read it with [`TensorCache::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorCache {
    /// The shards, in the order of the file.
    pub shards: Vec<Shard>,
}

/// A file of tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name in the package.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The MD5 of its bytes in lower-case hexadecimal, where the manifest has one.
    pub md5: Option<String>,
    /// The tensors in it, by offset.
    pub records: Vec<Record>,
}

/// A tensor in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Its row-major shape.
    pub shape: Vec<u64>,
    /// Its element type, as the manifest spells it.
    pub dtype: String,
    /// How its elements are stored.
    pub stored: Stored,
    /// First byte in the shard.
    pub offset: u64,
    /// Bytes in the shard.
    pub bytes: u64,
}

/// How elements are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// 32-bit words.
    U32,
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// The upper halves of single precision.
    Bf16,
    /// Something that no model library reads.
    Other,
}

/// The file as it is.
#[derive(Deserialize)]
struct File {
    records: Vec<FileShard>,
}

#[derive(Deserialize)]
struct FileShard {
    #[serde(rename = "dataPath")]
    path: String,
    nbytes: u64,
    md5sum: Option<String>,
    records: Vec<FileRecord>,
}

#[derive(Deserialize)]
struct FileRecord {
    name: String,
    shape: Vec<u64>,
    dtype: String,
    #[serde(default)]
    format: String,
    nbytes: u64,
    #[serde(rename = "byteOffset")]
    offset: u64,
}

impl TensorCache {
    /// The file's name in a package.
    pub const FILE: &'static str = "tensor-cache.json";

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] that says which shard or tensor is wrong, and how.
    pub fn parse(json: &str) -> Result<TensorCache> {
        let file: File = serde_json::from_str(json).map_err(|error| unusable(error.to_string()))?;
        let mut names = HashSet::new();
        let shards = file.records.into_iter().map(FileShard::check).collect::<Result<Vec<_>>>()?;
        let mut paths = HashSet::new();
        for shard in &shards {
            if !paths.insert(shard.path.as_str()) {
                return Err(unusable(format!("shard `{}` is listed twice", shard.path)));
            }
            if let Some(twice) = shard.records.iter().find(|record| !names.insert(record.name.as_str())) {
                return Err(unusable(format!("tensor `{}` is listed twice", twice.name)));
            }
        }
        Ok(TensorCache { shards })
    }

    /// Bytes of all shards.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.saturating_add(shard.bytes))
    }
}

impl Record {
    /// Element type and shape, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {:?}", self.dtype, self.shape)
    }
}

impl FileShard {
    fn check(self) -> Result<Shard> {
        let FileShard { path, nbytes: bytes, md5sum, records } = self;
        // Native loaders open the path below the package's folder, browsers below its address.
        let inside = !path.is_empty() && !path.starts_with('/') && !path.contains(['\\', ':']) && path.split('/').all(|part| part != "..");
        if !inside {
            return Err(unusable(format!("`dataPath` is `{path}`, which is not a file of the package")));
        }
        let md5 = md5sum.map(|md5| md5.to_ascii_lowercase());
        if let Some(md5) = md5.as_deref().filter(|md5| md5.len() != 32 || !md5.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(unusable(format!("`md5sum` of shard `{path}` is `{md5}`, which is not an MD5")));
        }
        let mut records = records.into_iter().map(FileRecord::check).collect::<Result<Vec<_>>>()?;
        records.sort_unstable_by_key(|record| (record.offset, record.bytes));
        let mut end = 0;
        for record in &records {
            let Record { name, offset, bytes: length, .. } = record;
            if *offset < end {
                return Err(unusable(format!("tensor `{name}` overlaps the one before it in shard `{path}`")));
            }
            end = offset.checked_add(*length).filter(|end| *end <= bytes).ok_or_else(|| {
                unusable(format!("tensor `{name}` ends after byte {offset} + {length} of shard `{path}`, which has {bytes} bytes"))
            })?;
        }
        Ok(Shard { path, bytes, md5, records })
    }
}

impl FileRecord {
    fn check(self) -> Result<Record> {
        let FileRecord { name, shape, dtype, format, nbytes: bytes, offset } = self;
        // `format` means something for float32 alone: MLC writes `f32-to-bf16` on every record.
        let stored = match (dtype.as_str(), format.as_str()) {
            ("uint32", _) => Stored::U32,
            ("float16", _) => Stored::F16,
            ("bfloat16", _) | ("float32", "f32-to-bf16") => Stored::Bf16,
            ("float32", "raw" | "") => Stored::F32,
            ("float32", other) => return Err(unusable(format!("`format` of tensor `{name}` is `{other}`; known are f32-to-bf16 and raw"))),
            _ => Stored::Other,
        };
        let expected = stored.bytes().map(|size| shape.iter().try_fold(size, |bytes, length| bytes.checked_mul(*length)));
        if expected.is_some_and(|expected| expected != Some(bytes)) {
            return Err(unusable(format!(
                "`nbytes` of tensor `{name}` is {bytes}, which is not what {dtype} {shape:?} takes in this format"
            )));
        }
        Ok(Record { name, shape, dtype, stored, offset, bytes })
    }
}

impl Stored {
    /// Bytes of an element, if known.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Stored::U32 | Stored::F32 => Some(4),
            Stored::F16 | Stored::Bf16 => Some(2),
            Stored::Other => None,
        }
    }
}

fn unusable(reason: String) -> crate::Error {
    ErrorKind::Manifest { file: TensorCache::FILE.into(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::{Stored, TensorCache};
    use std::path::Path;

    /// A manifest of one shard `a.bin` of `bytes` bytes.
    fn manifest(bytes: u64, records: &str) -> String {
        let md5 = "0".repeat(32);
        format!(r#"{{"records": [{{"dataPath": "a.bin", "nbytes": {bytes}, "md5sum": "{md5}", "records": [{records}]}}]}}"#)
    }

    fn record(name: &str, shape: &str, dtype: &str, format: &str, bytes: u64, offset: u64) -> String {
        format!(
            r#"{{"name": "{name}", "shape": {shape}, "dtype": "{dtype}", "format": "{format}", "nbytes": {bytes}, "byteOffset": {offset}}}"#
        )
    }

    fn reason(json: &str) -> String {
        TensorCache::parse(json).unwrap_err().to_string()
    }

    #[test]
    fn formats_are_told_apart() {
        let records = [
            record("b", "[3]", "float32", "f32-to-bf16", 6, 9),
            record("a", "[3, 1]", "float16", "f32-to-bf16", 6, 0),
            record("c", "[2]", "float32", "raw", 8, 15),
            record("d", "[2]", "uint32", "f32-to-bf16", 8, 23),
            record("e", "[]", "bfloat16", "raw", 2, 31),
            record("f", "[5]", "float8_e4m3", "raw", 5, 33),
            record("g", "[0]", "uint32", "raw", 0, 38),
        ];
        let cache = TensorCache::parse(&manifest(40, &records.join(","))).unwrap();
        let found: Vec<_> = cache.shards[0].records.iter().map(|record| (record.name.as_str(), record.stored)).collect();
        let expected = [
            ("a", Stored::F16),
            ("b", Stored::Bf16),
            ("c", Stored::F32),
            ("d", Stored::U32),
            ("e", Stored::Bf16),
            ("f", Stored::Other),
            ("g", Stored::U32),
        ];
        assert_eq!(found, expected, "sorted by offset");
        assert_eq!(cache.bytes(), 40);
    }

    #[test]
    fn nonsense_is_refused() {
        let one = |bytes, record: String| reason(&manifest(bytes, &record));
        assert!(one(8, record("a", "[2]", "float32", "raw", 4, 0)).contains("`nbytes` of tensor `a` is 4"));
        assert!(one(8, record("a", "[2]", "float32", "gzip", 8, 0)).contains("gzip"));
        let huge = "[4294967296, 4294967296, 4294967296]";
        assert!(one(8, record("a", huge, "uint32", "raw", 0, 0)).contains("`nbytes`"), "an overflow is no size");
        assert!(one(8, record("a", "[2]", "uint32", "raw", 8, 1)).contains("which has 8 bytes"));
        assert!(one(8, record("a", "[2]", "uint32", "raw", 8, u64::MAX)).contains("which has 8 bytes"));
        assert!(one(8, record("a", "[-2]", "uint32", "raw", 8, 0)).contains("line 1"));
        let two = |a: &str, b: &str, at| {
            let records = [record(a, "[1]", "uint32", "raw", 4, 0), record(b, "[1]", "uint32", "raw", 4, at)];
            reason(&manifest(8, &records.join(",")))
        };
        assert!(two("a", "b", 3).contains("`b` overlaps"));
        assert!(two("a", "a", 4).contains("`a` is listed twice"));
        for path in ["../x", "/x", "a/../../x", "", "c:\\\\x", "https://elsewhere/x"] {
            assert!(reason(&manifest(0, "").replace("a.bin", path)).contains("not a file of the package"), "{path}");
        }
        assert!(reason(&manifest(0, "").replace("0000", "zzzz")).contains("is not an MD5"));
        assert!(reason("[]").contains("tensor-cache.json"));
    }

    #[test]
    fn real_manifests_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mlc-examples");
        let Ok(packages) = folder.read_dir() else {
            eprintln!("skipped: ../shared/data is absent");
            return;
        };
        let mut read = 0;
        for package in packages {
            let json = std::fs::read_to_string(package.unwrap().path().join(TensorCache::FILE)).unwrap();
            let cache = TensorCache::parse(&json).unwrap();
            assert!(cache.shards.iter().all(|shard| shard.md5.is_some() && !shard.records.is_empty()));
            read += cache.shards.len();
        }
        assert!(read > 20, "{read}");
    }
}
