//! The tests that need more than one crate, as one binary, which is linked once.
//!
//! Tests that need a GPU run on whatever Vulkan offers; `npm test` runs them on lavapipe and on SwiftShader. Tests that need real models
//! find them in `../shared/data`. If that is absent, they say that they were skipped.

#![cfg(not(target_arch = "wasm32"))]
#![allow(missing_docs, reason = "nothing here is public")]

/// A library written by hand, of a model that adds.
mod adder;
/// What `tegula bench` counts.
mod bench;
/// Random models as Hugging Face folders.
mod checkpoint;
/// Choosing among kernels.
mod choices;
/// Drawn ids of whole models.
mod drawn;
/// What `sampling` draws for, and what it may draw.
mod draws;
/// The embedded model.
mod embedded;
/// Inputs that nobody meant.
mod fuzzing;
/// Whole models against goldens.
mod goldens;
/// Caches that grow, with the library of `adder`.
mod growth;
/// Mat-vecs in half precision with small and large operands.
mod half_precision;
/// Several models on one device.
mod hosting;
/// Libraries with int8 activations.
mod int8;
/// Shapes and operands for `kernels`.
mod kernel_operands;
/// Each kernel against its spec's reference.
mod kernels;
/// Loading into the library of `adder`.
mod loading;
/// Libraries and packages of different models.
mod mismatch;
/// Steps with rows of several sequences.
mod mixed;
/// Whole models against the reference.
mod models;
/// Libraries from anybody.
mod origin;
/// Packages read back as plain numbers, and loaded into engines.
mod package;
/// What a seed promises.
mod precision;
/// Numbers that half precision cannot be.
mod range;
/// A forward pass in f64.
mod reference;
/// Checkpoints under the names of other architectures.
mod renamed;
/// The JSON of responses.
mod responses;
/// Drawn ids against those of the sampler.
mod sampling;
/// Models that see.
mod seeing;
/// One model in a host of its own.
mod solo;
/// Stepping the library of `adder`.
mod steps;

use std::path::PathBuf;

use tegula_gpu::{ErrorKind, Gpu, Options};

/// A device, or nothing where there is no adapter, which is said.
fn adapter(options: &Options) -> Option<Gpu> {
    match pollster::block_on(Gpu::new(options)) {
        Ok(gpu) => Some(gpu),
        Err(error) if matches!(error.kind(), ErrorKind::NoAdapter { .. }) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A folder of the shared data, or nothing where it is absent, which is said.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !folder.is_dir() {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    }
    Some(folder.join(path))
}
