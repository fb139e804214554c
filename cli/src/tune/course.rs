//! A step with its operands on the device, bound for every candidate. Weights and caches rotate, since no step of a model finds them in a cache.

use anyhow::Result;
use tegula_compiler::op::step::Step;
use tegula_compiler::operand::{Launch, Operands};
use tegula_gpu::{BindGroup, Buffer, Error, ErrorKind, Usage};

use super::device::{Bench, Compiled};
use super::uploaded::Uploaded;

/// Bytes to rotate over: several times the last-level cache of the largest GPUs, and of a processor.
const ROTATION: [u64; 2] = [256 << 20, 32 << 20];
/// The most copies of an operand that is small.
const MOST_COPIES: u64 = 64;

/// A step on the device, ready for every candidate.
pub(super) struct Course {
    /// Keeps the operands alive, of which the bind groups hold no more than the driver's part.
    _uploaded: Uploaded,
    _copies: Vec<(&'static str, Vec<Buffer>)>,
    pub(super) groups: Vec<Vec<BindGroup>>,
    pub(super) grids: Vec<[u32; 3]>,
}

/// Uploads a step's operands, copies those that rotate, and binds all of it for every candidate.
pub(super) fn course(bench: &Bench, step: &Step, (launch, operands): (Launch, Operands), right: &[Compiled]) -> Result<Course, Error> {
    let gpu = &bench.gpu;
    let uploaded = Uploaded::new(&bench.gpu, &launch, &operands)?;
    let rotating = ["weights", "scales"].into_iter().chain(uploaded.buffers.contains_key("pages").then_some("cache"));
    let rotating: Vec<(&'static str, &Buffer)> = rotating.filter_map(|name| Some((name, uploaded.buffers.get(name)?))).collect();
    let bytes: u64 = rotating.iter().map(|(_, buffer)| buffer.bytes()).sum();
    let target = ROTATION[usize::from(gpu.info().device_type == "cpu")];
    let wanted = if bytes == 0 { 0 } else { target.div_ceil(bytes).min(MOST_COPIES).saturating_sub(1) };
    let mut copies: Vec<(&'static str, Vec<Buffer>)> = rotating.iter().map(|(name, _)| (*name, Vec::new())).collect();
    let mut pass = gpu.pass();
    for _ in 0..wanted {
        let made: Result<Vec<Buffer>, Error> =
            rotating.iter().map(|(name, buffer)| gpu.buffer(name, buffer.bytes(), Usage::Storage)).collect();
        match made {
            // As many as fit.
            Err(error) if matches!(error.kind(), ErrorKind::OutOfMemory { .. }) => break,
            made => {
                for (((_, copies), (_, original)), copy) in copies.iter_mut().zip(&rotating).zip(made?) {
                    pass.copy(original, 0, &copy, 0, original.bytes());
                    copies.push(copy);
                }
            }
        }
    }
    pass.submit();
    let turns = 1 + copies.first().map_or(0, |(_, copies)| copies.len());
    let group = |compiled: &Compiled, turn: usize| {
        let instead = |name: &str, buffer| {
            let own = copies.iter().find(|(copied, _)| *copied == name).and_then(|(_, copies)| copies.get(turn.checked_sub(1)?));
            own.unwrap_or(buffer)
        };
        uploaded.bind(gpu, &compiled.candidate, &compiled.pipeline, instead)
    };
    let groups = right.iter().map(|compiled| (0..turns).map(|turn| group(compiled, turn)).collect::<Result<Vec<_>, _>>());
    let groups = groups.collect::<Result<Vec<_>, Error>>()?;
    let grid = |compiled: &Compiled| step.grid(&compiled.candidate.linked.grid);
    let grids = right.iter().map(grid).collect();
    Ok(Course { _uploaded: uploaded, _copies: copies, groups, grids })
}
