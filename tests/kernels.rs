//! Every kernel against its CPU reference, on whatever adapter the process sees: with its defaults, with each tunable moved on its own, and on
//! one spec of each template and format with every schedule that the search would try.

use crate::adapter;
use crate::kernel_operands::{BLOCKS, Case, Vary, cases};
use crate::package::own;
use std::collections::HashSet;
use tegula_compiler::link::link;
use tegula_compiler::op::attention::Attention;
use tegula_compiler::op::matmul::{Input, Matmul};
use tegula_compiler::op::norm::{Norm, Place};
use tegula_compiler::op::step::Step;
use tegula_compiler::op::{Rows, Spec, compare};
use tegula_compiler::operand::{Launch, Operands};
use tegula_compiler::schedule::Schedule;
use tegula_compiler::{template, tune};
use tegula_gpu::{DeviceInfo, Gpu, Options, Range, Source, Usage};
use tegula_plan::{Kernel, Requires};

#[test]
fn baseline_kernels_agree_with_their_references() {
    let Some(gpu) = adapter(&Options { baseline: true, ..Options::default() }) else { return };
    check_all(&gpu, &Requires::default());
}

#[test]
fn subgroup_kernels_agree_with_their_references() {
    check_class(&Requires { subgroups: true, f16: false, matrix: false });
}

#[test]
fn half_precision_kernels_agree_with_their_references() {
    check_class(&Requires { subgroups: true, f16: true, matrix: false });
}

#[test]
fn matrix_kernels_agree_with_their_references() {
    check_class(&Requires { subgroups: true, f16: true, matrix: true });
}

fn check_class(requires: &Requires) {
    let Some(gpu) = adapter(&Options::default()) else { return };
    if !gpu.meets(requires) {
        let DeviceInfo { name, subgroups, f16, matrix, .. } = gpu.info().clone();
        let missing = requires.beyond(&Requires { subgroups, f16, matrix }).unwrap_or_default();
        eprintln!("skipped: {name} has no {missing}");
        return;
    }
    check_all(&gpu, requires);
}

fn check_all(gpu: &Gpu, requires: &Requires) {
    let mut checked = 0;
    let mut failures = Vec::new();
    for case in cases() {
        // Each schedule is tried once: on the device that has half precision, too. Another size of subgroups shows in the defaults.
        let case = if requires.subgroups && !gpu.info().f16 { Case { vary: Vary::No, ..case } } else { case };
        let tried = if is_for(&case.step, requires) { schedules(&case, requires) } else { vec![] };
        if tried.is_empty() {
            continue;
        }
        let (launch, operands) = case.step.operands(0);
        let mut expected = operands.clone();
        case.step.spec.reference(&launch, &mut expected);
        for schedule in tried {
            match check(gpu, requires, &case.step, &schedule, &launch, &operands, &expected) {
                Ok(()) => checked += 1,
                Err(reason) => failures.push(format!("{:?}\n  {schedule}: {reason}", case.step)),
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), checked + failures.len(), failures.join("\n"));
    eprintln!("{checked} kernels agree on {}", gpu.info().name);
}

/// Whether a spec is to be checked in a device class: some are made for what a class has beyond others, and what a class has makes no difference
/// to some. Half precision makes a difference to matrix multiplications, matrix units to those of many rows and to their attention.
fn is_for(step: &Step, requires: &Requires) -> bool {
    let spec = &step.spec;
    if let Some(attention) = spec.get::<Attention>() {
        // More rows of a prompt take long on a processor, and are more of the same where a workgroup takes few of them.
        if attention.rows == Rows::Many && step.rows > BLOCKS {
            return requires.f16 && takes_many(spec, requires);
        }
        // Subgroups may be larger in richer classes, which is for rows on their own and for blocks.
        return !requires.f16 || attention.split || takes_many(spec, requires);
    }
    match spec.get::<Matmul>() {
        Some(Matmul { input: Input::Normed | Input::Halved, .. }) => requires.f16,
        Some(Matmul { input: Input::Int8, .. }) => !requires.f16,
        Some(matmul) => !requires.matrix || matmul.rows == Rows::Many,
        None if spec.get::<Norm>().is_some_and(|norm| norm.place == Place::Halves) => requires.f16,
        None => !requires.f16,
    }
}

/// Whether a device class has attention that takes many rows at a time: by matrix units, or in blocks.
fn takes_many(spec: &Spec, requires: &Requires) -> bool {
    matches!(spec.default_schedule(requires).template, "attention/flash_matrix" | "attention/flash_blocks")
}

/// The default schedule, and for cases that ask for it others that are legal.
fn schedules(case: &Case, requires: &Requires) -> Vec<Schedule> {
    let spec = &case.step.spec;
    let default = spec.default_schedule(requires);
    if requires.f16
        && !requires.matrix
        && spec.get::<Matmul>().is_some_and(|matmul| matmul.rows == Rows::Many && matmul.input != Input::Normed)
    {
        return half_schedules(case, requires);
    }
    let mut all = vec![default.clone()];
    // Templates that do the same in another way, each once.
    let extends = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'));
    for template in template::entries().into_iter().filter(|name| extends(name, default.template) || extends(default.template, name)) {
        let other = Schedule { template, values: vec![] };
        if link(spec, requires, &other).is_ok() {
            all.push(other);
        }
    }
    match case.vary {
        Vary::No => return all,
        // Kernels for many rows have the same text in every device class.
        Vary::All if requires.subgroups && !requires.matrix && spec.get::<Matmul>().is_some_and(|matmul| matmul.rows == Rows::Many) => {
            return all;
        }
        Vary::Matrix if !requires.matrix => {
            let candidates = tune::candidates(spec, requires).expect("defaults are legal").into_iter().map(|candidate| candidate.schedule);
            return [default].into_iter().chain(candidates.filter(|schedule| schedule.template == "attention/flash_blocks")).collect();
        }
        // Of batches all in one class, the richest that software has: texts for eight rows are long, and take seconds to compile on a processor.
        Vary::All if !requires.f16 && spec.get::<Matmul>().is_some_and(|matmul| matmul.rows == Rows::Few) => return all,
        Vary::One => {}
        // Without subgroups there are few other texts than with them, and those who run them all say nothing new of the tunables.
        Vary::All if !requires.subgroups => {}
        Vary::All | Vary::Matrix => {
            let candidates = tune::candidates(spec, requires).expect("defaults are legal");
            return candidates.into_iter().map(|candidate| candidate.schedule).collect();
        }
    }
    for (name, values) in template::tunables(default.template).expect("templates are well formed") {
        for value in values {
            let mut moved = default.clone();
            moved.values.retain(|(other, _)| other != name);
            moved.values.push((*name, *value));
            if moved.values.iter().any(|pair| !default.values.contains(pair)) && link(spec, requires, &moved).is_ok() {
                all.push(moved);
            }
        }
    }
    all
}

/// Those in half precision, for many rows: each template once, and for cases that ask for more all that the search would try. The others have
/// the same text in lesser classes.
fn half_schedules(case: &Case, requires: &Requires) -> Vec<Schedule> {
    let candidates = tune::candidates(&case.step.spec, requires).expect("defaults are legal");
    let mut half: Vec<Schedule> = candidates.into_iter().filter(|one| one.linked.half).map(|one| one.schedule).collect();
    if case.vary == Vary::No {
        let mut seen = HashSet::new();
        half.retain(|schedule| seen.insert(schedule.template));
    }
    half
}

fn check(
    gpu: &Gpu,
    requires: &Requires,
    step: &Step,
    schedule: &Schedule,
    launch: &Launch,
    operands: &Operands,
    expected: &Operands,
) -> Result<(), String> {
    let linked = link(&step.spec, requires, schedule).map_err(|error| error.to_string())?;
    let kernel = Kernel {
        name: linked.name.clone(),
        shader: 0,
        invocations: linked.invocations,
        workgroup_memory: linked.workgroup_memory,
        bindings: linked.bindings.clone(),
    };
    let grid = step.grid(&linked.grid);
    let found = pollster::block_on(run(gpu, &linked.text, requires, &kernel, launch, operands, grid)).map_err(|error| error.to_string())?;
    for (name, words) in &found.buffers {
        compare(&step.spec, linked.half, name, words, &expected.buffers[name])?;
    }
    Ok(())
}

/// Runs a kernel and returns the buffers that it may write.
pub(crate) async fn run(
    gpu: &Gpu,
    text: &str,
    requires: &Requires,
    kernel: &Kernel,
    launch: &Launch,
    operands: &Operands,
    grid: [u32; 3],
) -> Result<Operands, tegula_gpu::Error> {
    let pipeline = gpu.pipeline_of(&Source { label: &kernel.name, wgsl: text, requires, kernel, origin: own(&[]).origin }).await?;
    let uniform = gpu.buffer("launch", 256, Usage::Uniform)?;
    gpu.write(&uniform, 0, bytemuck::cast_slice(&launch.0));
    let mut buffers = Vec::new();
    for binding in &kernel.bindings {
        let words = &operands.buffers[binding.name.as_str()];
        let buffer = gpu.buffer(&binding.name, 4 * words.len().next_multiple_of(4) as u64, Usage::Storage)?;
        gpu.write(&buffer, 0, bytemuck::cast_slice(words));
        buffers.push(buffer);
    }
    let ranges: Vec<Range<'_>> = buffers.iter().map(Range::whole).collect();
    let group = gpu.bind(&kernel.name, &pipeline, Range { buffer: &uniform, offset: 0, size: 32 }, &ranges)?;
    let mut pass = gpu.pass();
    pass.dispatch(&pipeline, &group, grid);
    pass.submit();
    let mut found = Operands::default();
    for (binding, buffer) in kernel.bindings.iter().zip(&buffers).filter(|(binding, _)| binding.writes) {
        let (name, words) = operands.buffers.get_key_value(binding.name.as_str()).expect("it was uploaded above");
        let bytes = gpu.read(buffer, 0, 4 * words.len() as u64).await?;
        found.buffers.insert(name, bytemuck::pod_collect_to_vec(&bytes));
    }
    Ok(found)
}
