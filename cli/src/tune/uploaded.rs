//! The operands of a step on the device, and candidates bound to them, for checks and timing.

use std::collections::BTreeMap;

use tegula_compiler::operand::{Launch, Operands};
use tegula_compiler::tune::Candidate;
use tegula_gpu::{BindGroup, Buffer, Error, ErrorKind, Gpu, Pipeline, Range, Source, Usage};
use tegula_plan::{Kernel, KernelBinding, Requires};

use crate::origin;

/// The buffers of a step on the device.
pub struct Uploaded {
    pub launch: Buffer,
    pub buffers: BTreeMap<&'static str, Buffer>,
}

impl Uploaded {
    /// Puts a step's operands into buffers.
    pub fn new(gpu: &Gpu, launch: &Launch, operands: &Operands) -> Result<Uploaded, Error> {
        let uniform = gpu.buffer("launch", 4 * launch.0.len() as u64, Usage::Uniform)?;
        gpu.write(&uniform, 0, bytemuck::cast_slice(&launch.0));
        let mut buffers = BTreeMap::new();
        for (name, words) in &operands.buffers {
            let buffer = gpu.buffer(name, 4 * words.len() as u64, Usage::Storage)?;
            gpu.write(&buffer, 0, bytemuck::cast_slice(words));
            buffers.insert(*name, buffer);
        }
        gpu.flush();
        pollster::block_on(gpu.settled())?;
        Ok(Uploaded { launch: uniform, buffers })
    }

    /// Binds a candidate's buffers; `instead` may put another in the place of any.
    pub fn bind<'a>(
        &'a self,
        gpu: &Gpu,
        candidate: &Candidate,
        pipeline: &Pipeline,
        instead: impl Fn(&str, &'a Buffer) -> &'a Buffer,
    ) -> Result<BindGroup, Error> {
        let missing = |name: &str| ErrorKind::Binding { label: name.to_owned(), reason: "the spec has no such operand".into() };
        let range = |binding: &KernelBinding| {
            let buffer = self.buffers.get(binding.name.as_str()).ok_or_else(|| missing(&binding.name))?;
            Ok(Range::whole(instead(&binding.name, buffer)))
        };
        let ranges = candidate.linked.bindings.iter().map(range).collect::<Result<Vec<_>, Error>>()?;
        gpu.bind(&candidate.linked.name, pipeline, Range { buffer: &self.launch, offset: 0, size: 32 }, &ranges)
    }
}

/// Compiles a candidate, as a library's kernels are compiled.
pub fn pipeline(gpu: &Gpu, candidate: &Candidate, requires: &Requires) -> Result<Pipeline, Error> {
    let linked = &candidate.linked;
    let kernel = Kernel {
        name: linked.name.clone(),
        shader: 0,
        invocations: linked.invocations,
        workgroup_memory: linked.workgroup_memory,
        bindings: linked.bindings.clone(),
    };
    let source = Source { label: &linked.name, wgsl: &linked.text, requires, kernel: &kernel, origin: origin::compiler() };
    pollster::block_on(gpu.pipeline_of(&source))
}
