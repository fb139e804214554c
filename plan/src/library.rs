//! The model library: a WebAssembly module without imports.
//!
//! Its code exports `memory` and, for each variant and entry, a function `VARIANT.ENTRY(...) -> address`. The function takes the members of
//! [`StepSize`](crate::StepSize) in order and fills a launch table: rows of [`TABLE_WORDS`](crate::TABLE_WORDS) words, grid first. A
//! dispatch finds its row by [`Entry::launch_rows`](crate::Entry::launch_rows).
//!
//! Three custom sections hold the rest: `tegula.version` (four bytes, little-endian), `tegula.plan` and `tegula.wgsl` (JSON, deflated). A
//! fourth, `tegula.md5`, comes last and holds the MD5 of all bytes before it: it finds damage, not malice. The reader below walks sections
//! only, so that the runtime needs no WebAssembly parser of its own. WebAssembly engines validate the code.

use md5::{Digest, Md5};

use crate::{Alternative, Error, ErrorKind, Plan, Variant};

/// The version of the container and of the plan in it. Raised by every change that an older runtime would misread.
pub const FORMAT_VERSION: u32 = 7;

/// Names of the custom sections.
pub mod section {
    /// The format version.
    pub const VERSION: &str = "tegula.version";
    /// The plan.
    pub const PLAN: &str = "tegula.plan";
    /// The shader bundle.
    pub const WGSL: &str = "tegula.wgsl";
    /// The checksum of all bytes before this section, which is the last one.
    pub const CHECKSUM: &str = "tegula.md5";
}

/// No section of a library unpacks to more: a guard against damaged or hostile files.
const MAX_UNPACKED: usize = 64 << 20;

/// A model library that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// The plan.
    pub plan: Plan,
    /// Kernel texts, without `enable` or `requires` directives: those depend on where the kernel runs.
    pub shaders: Vec<String>,
}

impl Library {
    /// Reads a module.
    ///
    /// # Errors
    /// [`ErrorKind::NotALibrary`], [`ErrorKind::UnknownVersion`] (before anything else is read), [`ErrorKind::Checksum`] where a byte of
    /// the module has changed, [`ErrorKind::Damaged`].
    pub fn parse(module: &[u8]) -> Result<Library, Error> {
        let sections = Sections { rest: module.strip_prefix(b"\0asm\x01\0\0\0").ok_or_else(|| foreign("no WebAssembly header"))? };
        let (mut version, mut plan, mut wgsl) = (None, None, None);
        for item in sections {
            match item? {
                (section::VERSION, body) => version = Some(body),
                (section::PLAN, body) => plan = Some(body),
                (section::WGSL, body) => wgsl = Some(body),
                _ => {}
            }
        }
        let version = version.ok_or_else(|| foreign("no section `tegula.version`"))?;
        let version = version.try_into().map(u32::from_le_bytes).map_err(|_| foreign("the version is not four bytes"))?;
        if version != FORMAT_VERSION {
            return Err(ErrorKind::UnknownVersion { found: version, supported: FORMAT_VERSION }.into());
        }
        let sealed = module.split_last_chunk().is_some_and(|(rest, seal)| *seal == seal_of(rest));
        if !sealed {
            return Err(ErrorKind::Checksum.into());
        }
        let library = Library { plan: unpack(section::PLAN, plan)?, shaders: unpack(section::WGSL, wgsl)? };
        library.check().map_err(|reason| ErrorKind::Damaged { section: section::PLAN, reason })?;
        Ok(library)
    }

    /// Packs a value as the body of a custom section.
    #[must_use]
    pub fn pack<T: serde::Serialize>(value: &T) -> Vec<u8> {
        let json = serde_json::to_vec(value).expect("plans and texts have no map keys or failing serializers");
        miniz_oxide::deflate::compress_to_vec(&json, 9)
    }

    /// Ends a module with its checksum. Nothing may follow.
    #[must_use]
    pub fn seal(mut module: Vec<u8>) -> Vec<u8> {
        let seal = seal_of(&module);
        module.extend(seal);
        module
    }

    /// Every index in the plan points at something, so that the runtime may follow them without checks.
    fn check(&self) -> Result<(), String> {
        let Plan { params, vectors, buffers, variants, model } = &self.plan;
        let within = |what: &str, index: u32, length: usize| {
            if (index as usize) < length { Ok(()) } else { Err(format!("{what} {index} of {length}")) }
        };
        for vector in vectors {
            if let crate::VectorSource::Param(param) = vector.source {
                within("parameter", param, params.len())?;
            }
        }
        for buffer in buffers {
            match buffer {
                crate::Buffer::Weight(param) => within("parameter", *param, params.len())?,
                crate::Buffer::Cache(layer) => within("layer", *layer, model.layers as usize)?,
                _ => {}
            }
        }
        if !variants.last().is_some_and(|last| last.requires == crate::Requires::default()) {
            return Err("no variant for every device".into());
        }
        for variant in variants {
            for kernel in &variant.kernels {
                within("shader", kernel.shader, self.shaders.len())?;
            }
            for dispatch in variant.entries.iter().flat_map(|entry| &entry.dispatches) {
                within("kernel", dispatch.kernel, variant.kernels.len())?;
                let kernel = &variant.kernels[dispatch.kernel as usize];
                if dispatch.bindings.len() != kernel.bindings.len() {
                    return Err(format!("`{}` binds {} of {}", dispatch.label, dispatch.bindings.len(), kernel.bindings.len()));
                }
                for binding in &dispatch.bindings {
                    within("buffer", binding.buffer, buffers.len())?;
                }
            }
            check_choices(variant)?;
        }
        Ok(())
    }
}

/// Every choice has at least two alternatives, and every dispatch that makes a choice has all of them: whichever is taken, the step is whole.
fn check_choices(variant: &Variant) -> Result<(), String> {
    if let Some(choice) = variant.choices.iter().find(|choice| choice.alternatives.len() < 2) {
        return Err(format!("`{}` leaves no choice", choice.name));
    }
    for entry in &variant.entries {
        let mut dispatches = entry.dispatches.iter();
        while let Some(dispatch) = dispatches.next() {
            let Some(first) = dispatch.alternative else { continue };
            let choice = variant.choices.get(first.choice as usize);
            let choice = choice.ok_or_else(|| format!("choice {} of {}", first.choice, variant.choices.len()))?;
            let others = dispatches.by_ref().take(choice.alternatives.len() - 1);
            let found: Vec<_> = std::iter::once(dispatch).chain(others).map(|dispatch| dispatch.alternative).collect();
            let whole = (0..choice.alternatives.len() as u32).map(|index| Some(Alternative { index, ..first }));
            if !whole.eq(found) {
                return Err(format!("`{}` lacks some of its {} alternatives", dispatch.label, choice.alternatives.len()));
            }
        }
    }
    Ok(())
}

/// Bytes of the last section: its id, its size, the size of its name, the name, the checksum.
const SEAL: usize = 3 + section::CHECKSUM.len() + 16;

/// The last section of a module that begins with `bytes`.
fn seal_of(bytes: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    // Both sizes are below 128, and so one byte of LEB128 each.
    seal[1] = (SEAL - 2) as u8;
    seal[2] = section::CHECKSUM.len() as u8;
    seal[3..SEAL - 16].copy_from_slice(section::CHECKSUM.as_bytes());
    seal[SEAL - 16..].copy_from_slice(&Md5::digest(bytes));
    seal
}

fn foreign(reason: &str) -> Error {
    ErrorKind::NotALibrary(reason.into()).into()
}

fn unpack<T: serde::de::DeserializeOwned>(section: &'static str, body: Option<&[u8]>) -> Result<T, Error> {
    let damaged = |reason: String| Error::from(ErrorKind::Damaged { section, reason });
    let body = body.ok_or_else(|| damaged("it is missing".into()))?;
    let json = miniz_oxide::inflate::decompress_to_vec_with_limit(body, MAX_UNPACKED).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))
}

/// The custom sections of a module, by name.
struct Sections<'a> {
    rest: &'a [u8],
}

impl<'a> Sections<'a> {
    fn section(&mut self) -> Option<(u8, &'a [u8])> {
        let (&id, rest) = self.rest.split_first()?;
        self.rest = rest;
        let size = leb128(&mut self.rest)?;
        let (body, rest) = self.rest.split_at_checked(size as usize)?;
        self.rest = rest;
        Some((id, body))
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<(&'a str, &'a [u8]), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let Some((id, mut body)) = self.section() else { return Some(Err(foreign("it is cut off"))) };
            if id != 0 {
                continue;
            }
            let name = leb128(&mut body).and_then(|size| body.split_at_checked(size as usize));
            let Some((name, body)) = name else { return Some(Err(foreign("a custom section has no name"))) };
            return Some(Ok((std::str::from_utf8(name).unwrap_or_default(), body)));
        }
        None
    }
}

/// Reads an unsigned LEB128 number of at most 32 bits.
fn leb128(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activations, Choice, Dispatch, Dtype, Entry, Fingerprint, Kernel, Model, Paged, Requires, Size, State, Variant, When};

    fn library() -> Library {
        let model = Model {
            architecture: "llama".into(),
            quantization: "q0f32".into(),
            vocab_size: 8,
            hidden_size: 8,
            layers: 1,
            query_heads: 1,
            context_window_size: 64,
            state: vec![State::Paged(Paged { layers: vec![0], kv_heads: 1, head_dim: 8, format: Dtype::F32, window: None })],
            prefill_chunk_size: 16,
            max_batch_size: 1,
            activations: Activations::Float,
            fingerprint: Fingerprint::default(),
        };
        let baseline = Variant {
            name: "baseline".into(),
            requires: Requires::default(),
            activations: Activations::Float,
            kernels: Vec::new(),
            choices: Vec::new(),
            entries: Vec::new(),
        };
        let plan = Plan { model, params: Vec::new(), vectors: Vec::new(), buffers: Vec::new(), variants: vec![baseline] };
        Library { plan, shaders: vec!["fn main() {}".into()] }
    }

    /// A sealed module of custom sections; bodies and names here are shorter than 128 bytes or their lengths take two LEB128 bytes.
    fn module(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let length = |value: usize| vec![0x80 | (value & 0x7f) as u8, (value >> 7) as u8];
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (name, body) in sections {
            bytes.push(0);
            bytes.extend(length(2 + name.len() + body.len()));
            bytes.extend(length(name.len()));
            bytes.extend(name.as_bytes());
            bytes.extend(body);
        }
        Library::seal(bytes)
    }

    fn sections(version: u32, library: &Library) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            (section::VERSION, version.to_le_bytes().to_vec()),
            (section::PLAN, Library::pack(&library.plan)),
            (section::WGSL, Library::pack(&library.shaders)),
        ]
    }

    #[test]
    fn what_is_packed_is_read_back() {
        assert_eq!(Library::parse(&module(&sections(FORMAT_VERSION, &library()))).unwrap(), library());
    }

    #[test]
    fn another_version_is_told_before_anything_else_is_read() {
        let mut sections = sections(FORMAT_VERSION + 1, &library());
        sections[1].1 = b"a plan of the future".to_vec();
        let error = Library::parse(&module(&sections)).unwrap_err();
        let later = ErrorKind::UnknownVersion { found: FORMAT_VERSION + 1, supported: FORMAT_VERSION };
        assert_eq!(format!("{:?}", error.kind()), format!("{later:?}"));
    }

    #[test]
    fn foreign_and_damaged_files_are_told_apart() {
        for bytes in [&b"GGUF"[..], b"\0asm\x01\0\0\0", b"\0asm\x01\0\0\0\0\xff\xff\xff\xff\x7f"] {
            assert!(matches!(Library::parse(bytes).unwrap_err().kind(), ErrorKind::NotALibrary(_)));
        }
        let whole = sections(FORMAT_VERSION, &library());
        for (damage, name) in [(1, section::PLAN), (2, section::WGSL)] {
            let mut sections = whole.clone();
            sections[damage].1.truncate(3);
            let error = Library::parse(&module(&sections)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Damaged { section, .. } if *section == name), "{error}");
            sections.remove(damage);
            assert!(matches!(Library::parse(&module(&sections)).unwrap_err().kind(), ErrorKind::Damaged { .. }));
        }
        let mut cut = module(&whole);
        cut.truncate(cut.len() - 1);
        assert!(Library::parse(&cut).is_err());
    }

    #[test]
    fn no_bit_can_change_unnoticed() {
        let whole = module(&sections(FORMAT_VERSION, &library()));
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Library::parse(&flipped).is_err(), "bit {bit}");
        }
        for end in 0..whole.len() {
            assert!(Library::parse(&whole[..end]).is_err(), "{end} bytes");
            let without: Vec<u8> = [&whole[..end], &whole[end + 1..]].concat();
            assert!(Library::parse(&without).is_err(), "without byte {end}");
        }
        let followed = [whole.as_slice(), &Library::seal(Vec::new())].concat();
        assert!(matches!(Library::parse(&followed).unwrap_err().kind(), ErrorKind::Checksum));
    }

    #[test]
    fn a_plan_that_points_nowhere_is_damaged() {
        let mut library = library();
        library.plan.buffers.push(crate::Buffer::Weight(3));
        let error = Library::parse(&module(&sections(FORMAT_VERSION, &library))).unwrap_err();
        assert!(error.to_string().contains("parameter 3 of 0"), "{error}");
        library.plan.buffers.clear();
        library.plan.variants[0].requires.f16 = true;
        assert!(Library::parse(&module(&sections(FORMAT_VERSION, &library))).is_err());
    }

    /// A dispatch of a kernel that binds nothing, once for each alternative of choice 0.
    fn with_choices(alternatives: &[Option<(u32, u32)>]) -> Result<Library, Error> {
        let mut library = library();
        let variant = &mut library.plan.variants[0];
        let kernel = Kernel { name: "none".into(), shader: 0, invocations: 1, workgroup_memory: 0, bindings: Vec::new() };
        let dispatch = |alternative: &Option<(u32, u32)>| Dispatch {
            label: "layers.0.qkv".into(),
            kernel: 0,
            bindings: Vec::new(),
            grid: [1; 3].map(Size::Const),
            when: When::Always,
            uniforms: [0; 8].map(Size::Const),
            alternative: alternative.map(|(choice, index)| Alternative { choice, index }),
        };
        variant.kernels.push(kernel);
        variant.choices.push(Choice { name: "qkv".into(), alternatives: vec!["a".into(), "b".into()] });
        let dispatches = alternatives.iter().map(dispatch).collect();
        variant.entries.push(Entry { name: "decode".into(), max_rows: 1, dispatches });
        Library::parse(&module(&sections(FORMAT_VERSION, &library)))
    }

    #[test]
    fn alternatives_are_whole_or_the_library_is_damaged() {
        let (a, b) = (Some((0, 0)), Some((0, 1)));
        let library = with_choices(&[None, a, b, a, b, None]).unwrap();
        assert_eq!(library.plan.variants[0].entries[0].first_choice().count(), 4);
        for wrong in [&[a][..], &[b, a], &[a, a], &[a, None, b], &[a, b, b], &[a, Some((0, 2))], &[Some((1, 0)), Some((1, 1))]] {
            let error = with_choices(wrong).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Damaged { section: section::PLAN, .. }), "{error}");
        }
        let mut single = self::library();
        single.plan.variants[0].choices.push(Choice { name: "qkv".into(), alternatives: vec!["a".into()] });
        assert!(Library::parse(&module(&sections(FORMAT_VERSION, &single))).is_err());
    }
}
