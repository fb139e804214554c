//! Writing shards and their manifest: `params_shard_N.bin` and `tensor-cache.json`.
//!
//! Records follow each other in a shard without padding. A shard is closed before it would reach
//! 32 MiB; a tensor of half that or more that does not fit the open shard gets one of its own, of any
//! size. Shards are numbered as they are closed. Everything is written as it comes, so that no shard is
//! ever in memory.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use tegula_plan::{Dtype, Param};

use super::manifest::{F32_TO_BF16, Metadata, RAW, Record, Shard, TensorCache};
use crate::file::{self, io};
use crate::{Element, Result, Sink};

/// Shards stay below this many bytes, unless they hold a single tensor.
const CAP: u64 = 32 << 20;

/// The name of a shard that has no number yet.
const OPEN: &str = "params_shard_open.bin";

/// The name of a tensor's own shard while it is written.
const OWN: &str = "params_shard_own.bin";

/// Writes tensors into the shards of a folder.
pub struct ShardWriter {
    folder: PathBuf,
    shards: Vec<Shard>,
    open: Option<OpenShard>,
    own: Option<OpenShard>,
    tensors: usize,
    /// Bytes of all tensors as the GPU holds them.
    param_bytes: u64,
}

/// A shard that is being written.
struct OpenShard {
    path: PathBuf,
    file: File,
    hash: Md5,
    nbytes: u64,
    records: Vec<Record>,
}

impl OpenShard {
    fn create(path: PathBuf) -> Result<OpenShard> {
        let file = File::create(&path).map_err(|error| io(&path, error))?;
        Ok(OpenShard { path, file, hash: Md5::new(), nbytes: 0, records: Vec::new() })
    }
}

impl ShardWriter {
    /// Writes into `folder`, which exists.
    pub fn new(folder: &Path) -> ShardWriter {
        ShardWriter { folder: folder.into(), shards: Vec::new(), open: None, own: None, tensors: 0, param_bytes: 0 }
    }

    /// Closes the last shards and writes the manifest of a model that had `parameters` numbers before it was quantized. Gives the bytes of
    /// all shards and their number.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn finish(mut self, parameters: u64) -> Result<(u64, usize)> {
        self.close_own()?;
        self.close_open()?;
        let metadata = Metadata {
            param_size: self.tensors as u64,
            param_bytes: self.param_bytes as f64,
            bits_per_param: self.param_bytes as f64 * 8.0 / parameters as f64,
        };
        let cache = TensorCache { metadata: Some(metadata), shards: self.shards };
        file::write_json(&self.folder.join(TensorCache::FILE), &cache, b"    ")?;
        Ok((cache.bytes(), cache.shards.len()))
    }

    fn close_own(&mut self) -> Result<()> {
        self.own.take().map_or(Ok(()), |shard| self.close(shard))
    }

    fn close_open(&mut self) -> Result<()> {
        self.open.take().map_or(Ok(()), |shard| self.close(shard))
    }

    /// Gives a shard its number.
    fn close(&mut self, shard: OpenShard) -> Result<()> {
        let stored: u64 = shard.records.iter().map(|record| record.bytes).sum();
        assert_eq!(stored, shard.nbytes, "every tensor was written whole");
        let path = format!("params_shard_{}.bin", self.shards.len());
        drop(shard.file);
        std::fs::rename(&shard.path, self.folder.join(&path)).map_err(|error| io(&shard.path, error))?;
        let md5 = shard.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let OpenShard { nbytes: bytes, records, .. } = shard;
        self.shards.push(Shard { path, format: "raw-shard".into(), bytes, records, md5: Some(md5) });
        Ok(())
    }
}

impl Sink for ShardWriter {
    fn begin(&mut self, param: &Param, stored: Element) -> Result<()> {
        self.close_own()?;
        let rounded = param.dtype == Dtype::F32 && stored == Element::Bf16;
        // As MLC writes it: the format says something of single precision only.
        let format = if stored == Element::F32 { RAW } else { F32_TO_BF16 };
        let nbytes = if rounded { param.bytes() / 2 } else { param.bytes() };
        self.tensors += 1;
        self.param_bytes += param.bytes();
        let full = self.open.as_ref().map_or(0, |open| open.nbytes) + nbytes >= CAP;
        let shard = if full && 2 * nbytes >= CAP {
            self.own.insert(OpenShard::create(self.folder.join(OWN))?)
        } else {
            if full {
                self.close_open()?;
            }
            match &mut self.open {
                Some(open) => open,
                none => none.insert(OpenShard::create(self.folder.join(OPEN))?),
            }
        };
        shard.records.push(Record {
            name: param.name.clone(),
            shape: param.shape.clone(),
            dtype: param.dtype.name().into(),
            format: format.into(),
            bytes: nbytes,
            offset: shard.nbytes,
        });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let shard = self.own.as_mut().or(self.open.as_mut()).expect("a tensor has been started");
        shard.file.write_all(bytes).map_err(|error| io(&shard.path, error))?;
        shard.hash.update(bytes);
        shard.nbytes += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules as a real package shows them: a large tensor that does not fit gets its own shard at once, and the open one goes on.
    #[test]
    fn shards_are_cut_as_in_real_packages() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ShardWriter::new(folder.path());
        let mebibytes = [1, 15, 20, 15, 1, 40, 12, 5];
        for (index, size) in mebibytes.into_iter().enumerate() {
            let param = Param::whole(format!("t{index}"), vec![size << 19], Dtype::F16);
            writer.begin(&param, Element::F16).unwrap();
            for _ in 0..size {
                writer.write(&vec![index as u8; 1 << 20]).unwrap();
            }
        }
        assert_eq!(writer.finish(1 << 26).unwrap(), (109 << 20, 4));
        let manifest: serde_json::Value = file::read_json(&folder.path().join(TensorCache::FILE)).unwrap();
        let names = |shard: &serde_json::Value| -> Vec<String> {
            shard["records"].as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap().into()).collect()
        };
        let shards: Vec<_> = manifest["records"].as_array().unwrap().iter().map(names).collect();
        // 1 + 15 + 20 is over the cap, and 20 is over half of it; 1 + 15 + 15 fits, 1 more reaches the cap exactly and is small.
        assert_eq!(shards, [vec!["t2"], vec!["t0", "t1", "t3"], vec!["t5"], vec!["t4", "t6", "t7"]]);
        assert_eq!(manifest["records"][1]["records"][2]["byteOffset"], 16 << 20);
        for shard in manifest["records"].as_array().unwrap() {
            let bytes = std::fs::read(folder.path().join(shard["dataPath"].as_str().unwrap())).unwrap();
            assert_eq!(shard["nbytes"], bytes.len());
            let sum: String = Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shard["md5sum"], sum);
        }
    }
}
