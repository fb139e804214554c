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
#[path = "library_tests.rs"]
mod tests;
