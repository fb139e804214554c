//! `tensor-cache.json`: which tensor lies where in which shard.
//!
//! MLC's format, byte for byte; `ndarray-cache.json` is its old name. A shard is the bytes of its
//! records one after another, without padding, so that they may start anywhere. Nothing in the file is
//! trusted: sizes must follow from shapes, records must lie within their shard and not overlap, and
//! nothing is allocated by a number that the file states.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

#[cfg(feature = "make")]
use super::lenient;
use crate::{Element, ErrorKind, Result};

/// The manifest of a package. Read it with [`TensorCache::parse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorCache {
    /// What the tensors take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub metadata: Option<Metadata>,
    /// The shards, in the order of the file.
    #[serde(rename = "records")]
    pub shards: Vec<Shard>,
}

/// What the tensors take on the GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// How many tensors.
    pub param_size: u64,
    /// Their bytes.
    pub param_bytes: f64,
    /// The bits of a number of the model.
    pub bits_per_param: f64,
}

/// A file of tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its name in the package.
    #[serde(rename = "dataPath")]
    pub path: String,
    /// `raw-shard`.
    #[serde(default)]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub format: String,
    /// Its size.
    #[serde(rename = "nbytes")]
    pub bytes: u64,
    /// The tensors in it, by offset.
    pub records: Vec<Record>,
    /// The MD5 of its bytes in lower-case hexadecimal, where the manifest has one.
    #[serde(rename = "md5sum", skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

/// A tensor in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Its row-major shape.
    pub shape: Vec<u64>,
    /// Its element type, as MLC spells it.
    pub dtype: String,
    /// How single precision is stored: [`F32_TO_BF16`] or [`RAW`]. MLC writes the former on every
    /// record, where it means nothing for other types.
    #[serde(default)]
    pub format: String,
    /// Bytes in the shard.
    #[serde(rename = "nbytes")]
    pub bytes: u64,
    /// First byte in the shard.
    #[serde(rename = "byteOffset")]
    pub offset: u64,
}

/// Format of a record: single precision is rounded to bfloat16.
pub const F32_TO_BF16: &str = "f32-to-bf16";

/// Format of a record: single precision is stored as it is.
pub const RAW: &str = "raw";

impl TensorCache {
    /// The file's name in a package.
    pub const FILE: &'static str = "tensor-cache.json";

    /// Names that the file has in packages of any age, the newest first.
    pub const FILES: [&'static str; 2] = [Self::FILE, "ndarray-cache.json"];

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] that says which shard or tensor is wrong, and how.
    pub fn parse(json: &str) -> Result<TensorCache> {
        let mut cache: TensorCache = serde_json::from_slice(json.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        cache.shards.iter_mut().try_for_each(Shard::check)?;
        let mut names = HashSet::new();
        let mut paths = HashSet::new();
        for shard in &cache.shards {
            if !paths.insert(shard.path.as_str()) {
                return Err(unusable(format!("shard `{}` is listed twice", shard.path)));
            }
            if let Some(twice) = shard.records.iter().find(|record| !names.insert(record.name.as_str())) {
                return Err(unusable(format!("tensor `{}` is listed twice", twice.name)));
            }
        }
        Ok(cache)
    }

    /// Bytes of all shards.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.saturating_add(shard.bytes))
    }
}

impl Shard {
    /// Checks what the file says, and sorts the records.
    fn check(&mut self) -> Result<()> {
        let Shard { path, bytes, md5, records, .. } = self;
        // Native loaders open the path below the package's folder, browsers below its address.
        let inside = !path.is_empty() && !path.starts_with('/') && !path.contains(['\\', ':']) && path.split('/').all(|part| part != "..");
        if !inside {
            return Err(unusable(format!("`dataPath` is `{path}`, which is not a file of the package")));
        }
        *md5 = md5.take().map(|md5| md5.to_ascii_lowercase());
        if let Some(md5) = md5.as_deref().filter(|md5| md5.len() != 32 || !md5.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(unusable(format!("`md5sum` of shard `{path}` is `{md5}`, which is not an MD5")));
        }
        records.iter().try_for_each(Record::check)?;
        records.sort_unstable_by_key(|record| (record.offset, record.bytes));
        let mut end = 0;
        for Record { name, offset, bytes: length, .. } in records.iter() {
            if *offset < end {
                return Err(unusable(format!("tensor `{name}` overlaps the one before it in shard `{path}`")));
            }
            end = offset.checked_add(*length).filter(|end| *end <= *bytes).ok_or_else(|| {
                unusable(format!("tensor `{name}` ends after byte {offset} + {length} of shard `{path}`, which has {bytes} bytes"))
            })?;
        }
        Ok(())
    }
}

impl Record {
    /// How its elements are stored, unless its format is unknown.
    fn stored(&self) -> Option<Element> {
        Some(match (self.dtype.as_str(), self.format.as_str()) {
            ("uint32", _) => Element::U32,
            ("float16", _) => Element::F16,
            ("bfloat16", _) | ("float32", F32_TO_BF16) => Element::Bf16,
            ("float32", RAW | "") => Element::F32,
            ("float32", _) => return None,
            _ => Element::Other,
        })
    }

    /// How its elements are stored.
    #[must_use]
    pub fn element(&self) -> Element {
        self.stored().unwrap_or(Element::Other)
    }

    /// Element type and shape, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {:?}", self.dtype, self.shape)
    }

    fn check(&self) -> Result<()> {
        let Record { name, shape, dtype, format, bytes, .. } = self;
        let Some(element) = self.stored() else {
            return Err(unusable(format!("`format` of tensor `{name}` is `{format}`; known are f32-to-bf16 and raw")));
        };
        let expected = element.bytes().map(|size| shape.iter().try_fold(size, |bytes, length| bytes.checked_mul(*length)));
        if expected.is_some_and(|expected| expected != Some(*bytes)) {
            return Err(unusable(format!(
                "`nbytes` of tensor `{name}` is {bytes}, which is not what {dtype} {shape:?} takes in this format"
            )));
        }
        Ok(())
    }
}

fn unusable(reason: String) -> crate::Error {
    ErrorKind::Manifest { file: TensorCache::FILE.into(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::TensorCache;
    use crate::Element;
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
        let found: Vec<_> = cache.shards[0].records.iter().map(|record| (record.name.as_str(), record.element())).collect();
        let expected = [
            ("a", Element::F16),
            ("b", Element::Bf16),
            ("c", Element::F32),
            ("d", Element::U32),
            ("e", Element::Bf16),
            ("f", Element::Other),
            ("g", Element::U32),
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
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mlc-examples");
        let Ok(packages) = folder.read_dir() else {
            eprintln!("skipped: ../shared/data is absent");
            return;
        };
        let mut read = 0;
        for package in packages {
            let json = std::fs::read_to_string(package.unwrap().path().join(TensorCache::FILE)).unwrap();
            let cache = TensorCache::parse(&json).unwrap();
            #[cfg(feature = "make")]
            {
                let again = serde_json::to_value(&cache).unwrap();
                assert_eq!(again, serde_json::from_str::<serde_json::Value>(&json).unwrap(), "what is read is written again");
            }
            assert!(cache.shards.iter().all(|shard| shard.md5.is_some() && !shard.records.is_empty()));
            read += cache.shards.len();
        }
        assert!(read > 20, "{read}");
    }
}
