//! Reading a checkpoint: one or many safetensors files, of which only headers and the ranges asked for are ever in memory.
//!
//! Files are read, not mapped: pages of a mapping count as the process's own memory, and a file that shrinks meanwhile is an error instead of
//! a crash.

use crate::{Error, ErrorKind};
use half::slice::HalfFloatSliceExt;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tegula_plan::count;

/// The file of a checkpoint that is whole.
const SINGLE: &str = "model.safetensors";

/// The file that says which of several files has which tensor.
const INDEX: &str = "model.safetensors.index.json";

/// No header is longer: a guard against files that are not safetensors.
const MAX_HEADER: u64 = 100_000_000;

/// The tensors of a folder.
pub struct Checkpoint {
    files: Vec<PathBuf>,
    tensors: BTreeMap<String, Tensor>,
}

/// Where a tensor is.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<u64>,
    /// Element type.
    pub element: Element,
    file: PathBuf,
    offset: u64,
}

/// Types of elements that can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// bfloat16.
    Bf16,
    /// Any other, of which only the name is known.
    Other(safetensors::Dtype),
}

impl Element {
    /// Bytes of an element; zero for types that cannot be converted.
    pub fn bytes(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F16 | Element::Bf16 => 2,
            Element::Other(_) => 0,
        }
    }

    /// Reads little-endian elements as single precision, which holds all of them exactly.
    pub fn widen(self, bytes: &[u8], values: &mut [f32]) {
        match self {
            Element::F32 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Element::Bf16 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                }
            }
            Element::F16 => {
                // A piece at a time, for which the crate uses the processor's own instructions where it has them.
                const PIECE: usize = 256;
                let mut halves = [half::f16::ZERO; PIECE];
                for (values, bytes) in values.chunks_mut(PIECE).zip(bytes.chunks(2 * PIECE)) {
                    let halves = &mut halves[..values.len()];
                    for (half, bytes) in halves.iter_mut().zip(bytes.as_chunks().0) {
                        *half = half::f16::from_le_bytes(*bytes);
                    }
                    halves.convert_to_f32_slice(values);
                }
            }
            Element::Other(_) => unreachable!("refused when the tensor was looked up"),
        }
    }
}

impl Checkpoint {
    /// Reads the headers of all files in a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Checkpoint`] with the file that is damaged, or with the folder if it has no safetensors; [`ErrorKind::Io`].
    pub fn open(folder: &Path) -> Result<Checkpoint, Error> {
        let mut checkpoint = Checkpoint { files: Vec::new(), tensors: BTreeMap::new() };
        let index = folder.join(INDEX);
        if folder.join(SINGLE).is_file() {
            // An index beside it is of files that were there before.
            checkpoint.files = vec![folder.join(SINGLE)];
        } else if index.is_file() {
            #[derive(serde::Deserialize)]
            struct Index {
                weight_map: BTreeMap<String, String>,
            }
            let index: Index = super::read_json(&index)?;
            let names: std::collections::BTreeSet<String> = index.weight_map.into_values().collect();
            checkpoint.files = names.iter().map(|name| folder.join(name)).collect();
        } else {
            let reason = format!("there is no {SINGLE} and no {INDEX}; give the folder of a Hugging Face checkpoint saved as safetensors");
            return Err(damaged(folder, reason));
        }
        for file in checkpoint.files.clone() {
            checkpoint.read_header(&file)?;
        }
        Ok(checkpoint)
    }

    fn read_header(&mut self, path: &Path) -> Result<(), Error> {
        let mut file = File::open(path).map_err(|error| super::io(path, error))?;
        let length = file.metadata().map_err(|error| super::io(path, error))?.len();
        let mut size = [0; 8];
        let mut start = Vec::new();
        (&mut file).take(64).read_to_end(&mut start).map_err(|error| super::io(path, error))?;
        if let Some(reason) = crate::config::json::impostor(&start) {
            return Err(damaged(path, reason));
        }
        if length < 8 {
            return Err(damaged(path, format!("it has {}, fewer than any header", count(length, "byte"))));
        }
        let read = file.rewind().and_then(|()| file.read_exact(&mut size));
        read.map_err(|error| super::io(path, error))?;
        let size = u64::from_le_bytes(size);
        if size > MAX_HEADER || size > length - 8 {
            return Err(damaged(path, format!("its header claims {}, the file has {length}", count(size, "byte"))));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(|error| super::io(path, error))?;
        // Checks that the tensors lie one after the other and that types, shapes and lengths agree.
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| damaged(path, error))?;
        let expected = 8 + size + metadata.data_len() as u64;
        if expected != length {
            return Err(damaged(path, format!("by its header it has {expected} bytes, but it has {length}")));
        }
        for name in metadata.offset_keys() {
            let info = metadata.info(&name).expect("a name that the header has just listed");
            let element = match info.dtype {
                safetensors::Dtype::F32 => Element::F32,
                safetensors::Dtype::F16 => Element::F16,
                safetensors::Dtype::BF16 => Element::Bf16,
                other => Element::Other(other),
            };
            let shape = info.shape.iter().map(|&extent| extent as u64).collect();
            let offset = 8 + size + info.data_offsets.0 as u64;
            let tensor = Tensor { name: name.clone(), shape, element, file: path.into(), offset };
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(damaged(path, format!("tensor `{name}` is in another file too")));
            }
        }
        Ok(())
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensor of this name, whatever it is.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Finds a tensor of a given shape whose elements can be converted.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTensor`] with the files searched, [`ErrorKind::TensorShape`] with both shapes,
    /// [`ErrorKind::TensorType`].
    pub fn tensor(&self, name: &str, shape: &[u64]) -> Result<&Tensor, Error> {
        let Some(tensor) = self.tensors.get(name) else {
            let names = self.files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy());
            return Err(ErrorKind::MissingTensor {
                name: name.into(),
                expected: shape.into(),
                searched: names.collect::<Vec<_>>().join(", "),
            }
            .into());
        };
        if tensor.shape != shape {
            return Err(ErrorKind::TensorShape { name: name.into(), expected: shape.into(), found: tensor.shape.clone() }.into());
        }
        if let Element::Other(element) = tensor.element {
            return Err(ErrorKind::TensorType { name: name.into(), found: element.to_string() }.into());
        }
        Ok(tensor)
    }
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.elements() * self.element.bytes() as u64
    }

    /// Whether it is equal to another, of whatever types the two are.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn equals(&self, other: &Tensor) -> Result<bool, Error> {
        const PIECE: usize = 1 << 18;
        if self.shape != other.shape || [self, other].iter().any(|tensor| matches!(tensor.element, Element::Other(_))) {
            return Ok(false);
        }
        let mut readers = [self.read()?, other.read()?];
        let (mut bytes, mut values) = (Vec::new(), [Vec::new(), Vec::new()]);
        let mut left = self.elements();
        while left > 0 {
            let elements = left.min(PIECE as u64) as usize;
            for (reader, values) in readers.iter_mut().zip(&mut values) {
                bytes.resize(elements * reader.tensor.element.bytes(), 0);
                reader.fill(&mut bytes)?;
                values.resize(elements, 0.0);
                reader.tensor.element.widen(&bytes, values);
            }
            if values[0].iter().zip(&values[1]).any(|(one, two): (&f32, &f32)| one.to_bits() != two.to_bits()) {
                return Ok(false);
            }
            left -= elements as u64;
        }
        Ok(true)
    }

    /// Starts to read it from its first element on.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn read(&self) -> Result<Reader<'_>, Error> {
        let mut file = File::open(&self.file).map_err(|error| super::io(&self.file, error))?;
        file.seek(SeekFrom::Start(self.offset)).map_err(|error| super::io(&self.file, error))?;
        Ok(Reader { tensor: self, file })
    }
}

/// A tensor that is being read.
pub struct Reader<'a> {
    tensor: &'a Tensor,
    file: File,
}

impl Reader<'_> {
    /// Fills `bytes` with the next elements.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.file.read_exact(bytes).map_err(|error| super::io(&self.tensor.file, error))
    }
}

fn damaged(path: &Path, reason: impl ToString) -> Error {
    ErrorKind::Checkpoint { path: path.into(), reason: reason.to_string() }.into()
}
