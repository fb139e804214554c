//! Schedules: how each spec is computed.
//!
//! [`link`] puts a template, values for its tunables and what the spec fixes together, and turns the extent of the output into a grid. The
//! defaults hold on any device; [`crate::tune`] has better ones where somebody measured.

mod default;

pub use default::default_schedule;

use crate::spec::draw::{DRAW_BINS, draw_parts};
use crate::spec::{
    ARGMAX_PARTS, ArgMax, Attention, Draw, DrawStage, Embed, Format, HeadNorm, Heads, Input, Matmul, Merge, Norm, Output, Quantize, Rows,
    Spec, splits,
};
use crate::template::{self, Value};
use crate::{Error, ErrorKind};
use default::head_group;
use tegula_plan::{Dtype, KernelBinding, MATRIX_WORKGROUP_MEMORY, MAX_STORAGE_BUFFERS, Requires, Size};

/// The most invocations of a workgroup on every device.
const MAX_INVOCATIONS: u32 = 256;
/// The most bytes of workgroup memory on every device.
const MAX_WORKGROUP_MEMORY: u32 = 16 << 10;
/// The most workgroups of a dispatch in each direction on every device.
const MAX_WORKGROUPS: u32 = 65_535;

/// A template and values for its tunables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Path under `wgsl/`, without extension.
    pub template: &'static str,
    /// Tunables by name; those left out keep the template's default.
    pub values: Vec<(&'static str, u32)>,
}

impl Schedule {
    /// The value of a tunable, where it is not the template's default.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u32> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.template)?;
        self.values.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// A kernel, ready for a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    /// The schedule, for people.
    pub name: String,
    /// The linked text.
    pub text: String,
    /// Fingerprint of the text before constants are set: it changes when the template or a module of it does, and not with the shape.
    pub source: u64,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Whether it computes in half precision, which agrees with the reference less closely.
    pub half: bool,
    /// Storage bindings in order, by name.
    pub bindings: Vec<KernelBinding>,
    /// Workgroups.
    pub grid: [Size; 3],
}

/// Links a spec with a schedule.
///
/// # Errors
/// [`ErrorKind::NoSchedule`] where the kernel exceeds limits that every device has; [`ErrorKind::Template`] where the values are not legal.
pub fn link(spec: &Spec, requires: &Requires, schedule: &Schedule) -> Result<Linked, Error> {
    let mut build = Build::default();
    let extent = match spec {
        Spec::Norm(spec) => build.norm(spec),
        Spec::Quantize(spec) => build.quantize(spec),
        Spec::Matmul(spec) => build.matmul(spec),
        Spec::Embed(spec) => build.embed(spec),
        Spec::HeadNorm(spec) => build.head_norm(spec),
        Spec::Attention(spec) => build.attention(spec),
        Spec::Merge(spec) => build.merge(spec),
        Spec::ArgMax(spec) => build.argmax(spec),
        Spec::Draw(spec) => build.draw(spec),
    };
    let imports = template::source(schedule.template)?;
    if requires.subgroups && imports.contains("#import reduce/tree") {
        build.slots.push(("reduce/tree", "reduce/subgroup"));
    }
    if imports.contains("#import dot/q4") {
        build.slots.extend(product(spec, schedule));
    }
    if imports.contains("#import stage/plain") && matches!(spec, Spec::Matmul(Matmul { format: Format::Q4 { scale: Dtype::F16 }, .. })) {
        build.slots.push(("stage/plain", "stage/q4"));
    }
    if imports.contains("#import stage/x\n") && matches!(spec, Spec::Matmul(Matmul { input: Input::Normed, .. })) {
        build.slots.push(("stage/x", "stage/x_normed"));
    }
    if imports.contains("#import cache/wide_f16")
        && let Some(slot) = build.slots.iter_mut().find(|(from, _)| *from == "cache/read_f16")
    {
        *slot = ("cache/wide_f16", "cache/wide_f32");
    }
    if imports.contains("const SUBGROUP:") {
        build.int("SUBGROUP", requires.subgroup_size());
    }
    build.values.extend(schedule.values.iter().map(|(name, value)| (*name, Value::Int(*value))));
    let text = template::link(schedule.template, &build.slots, &build.values)?;
    let text = template::unroll(schedule.template, &text)?;
    let text = template::count(schedule.template, &text)?;
    let reflection = template::reflect(schedule.template, &text)?;
    let [x, y, z] = extent;
    let [bx, by, bz] = reflection.block;
    let grid = [x.ceil_div(bx), y.ceil_div(by), z.ceil_div(bz)];
    let refuse = |reason: String| Err(ErrorKind::NoSchedule { spec: format!("{spec:?}"), reason: format!("{schedule}: {reason}") }.into());
    if let Some(feature) = reflection.requires.beyond(requires) {
        return refuse(format!("it needs {feature}"));
    }
    if reflection.invocations > MAX_INVOCATIONS {
        return refuse(format!("{} invocations, over {MAX_INVOCATIONS}", reflection.invocations));
    }
    let memory = if requires.matrix { MATRIX_WORKGROUP_MEMORY } else { MAX_WORKGROUP_MEMORY };
    if reflection.workgroup_memory > memory {
        return refuse(format!("{} bytes of workgroup memory, over {memory}", reflection.workgroup_memory));
    }
    if reflection.bindings.len() > MAX_STORAGE_BUFFERS {
        return refuse(format!("{} storage buffers, over {MAX_STORAGE_BUFFERS}", reflection.bindings.len()));
    }
    if let Some(Size::Const(groups)) = grid.iter().find(|size| matches!(size, Size::Const(groups) if *groups > MAX_WORKGROUPS)) {
        return refuse(format!("{groups} workgroups in one direction, over {MAX_WORKGROUPS}"));
    }
    Ok(Linked {
        name: schedule.to_string(),
        source: crate::tune::fingerprint(&template::link(schedule.template, &build.slots, &[])?),
        text,
        invocations: reflection.invocations,
        workgroup_memory: reflection.workgroup_memory,
        half: reflection.requires.f16,
        bindings: reflection.bindings,
        grid,
    })
}

/// How a template multiplies pieces of weights with x. The width of a load is part of a binding's type, and not every device has f16, so
/// tunables choose modules.
fn product(spec: &Spec, schedule: &Schedule) -> Vec<(&'static str, &'static str)> {
    let Spec::Matmul(Matmul { format: Format::Q4 { .. }, .. }) = spec else { return vec![("dot/q4", "dot/plain")] };
    let mut slots = match schedule.value("WORDS") {
        Some(1) => vec![("quant/words4", "quant/words1")],
        Some(2) => vec![("quant/words4", "quant/words2")],
        _ => vec![],
    };
    if schedule.value("F16") == Some(1) {
        slots.push(("dot/q4", "dot/q4_half"));
    }
    slots
}

/// Slots and constants as a spec fixes them.
#[derive(Default)]
struct Build {
    slots: Vec<(&'static str, &'static str)>,
    values: Vec<(&'static str, Value)>,
}

impl Build {
    fn int(&mut self, name: &'static str, value: u32) {
        self.values.push((name, Value::Int(value)));
    }

    fn format(&mut self, format: Format, n: u32, k: u32) {
        self.int("N", n);
        self.int("K", k);
        self.slots.push(match format {
            Format::Q4 { scale: Dtype::F32 } => ("quant/q4f16", "quant/q4f32"),
            Format::Q4 { .. } => ("quant/q4f16", "quant/q4f16"),
            Format::F16 => ("quant/q4f16", "quant/f16"),
            Format::F32 => ("quant/q4f16", "quant/f32"),
        });
    }

    fn heads(&mut self, heads: &Heads) {
        self.int("QUERY_HEADS", heads.query);
        self.int("KV_HEADS", heads.kv);
        self.int("HEAD_DIM", heads.dim);
    }

    fn append(&mut self, heads: &Heads) {
        self.heads(heads);
        if heads.cache == Dtype::F32 {
            self.slots.push(("cache/f16", "cache/f32"));
        }
    }

    fn matmul(&mut self, spec: &Matmul) -> [Size; 3] {
        self.format(spec.format, spec.n, spec.k);
        match spec.input {
            Input::Plain => {}
            Input::Normed => self.slots.push(("input/plain", "input/normed")),
            // Half a group at a time.
            Input::Bytes => self.slots.push(("quant/words4", "quant/words2")),
            Input::Norm => self.norm_input(spec.eps),
        }
        if spec.bias {
            self.slots.push(("bias/none", "bias/vector"));
        }
        match &spec.output {
            Output::Store { stride } => self.int("STRIDE", *stride),
            Output::Residual => self.slots.push(("output/store", "output/residual")),
            Output::SiluMul => self.slots.push(("output/store", "output/silu_mul")),
            Output::Heads(heads) => {
                self.slots.push(("output/store", "output/heads"));
                self.append(heads);
            }
        }
        let rows = if spec.rows == Rows::One { Size::Const(1) } else { Size::Rows };
        [Size::Const(spec.n.div_ceil(4)), rows, Size::Const(1)]
    }

    /// Norms x in passing.
    fn norm_input(&mut self, eps: f32) {
        self.slots.push(("input/plain", "input/norm"));
        self.values.push(("EPS", Value::Float(eps)));
    }

    fn quantize(&mut self, spec: &Quantize) -> [Size; 3] {
        self.int("K", spec.width);
        if let Some(eps) = spec.norm {
            self.norm_input(eps);
        }
        [Size::Const(1), Size::Rows, Size::Const(1)]
    }

    fn embed(&mut self, spec: &Embed) -> [Size; 3] {
        self.format(spec.format, spec.n, spec.k);
        self.int("HALF_DIM", spec.head_dim / 2);
        [Size::Const(spec.k / 4), Size::Rows, Size::Const(1)]
    }

    fn norm(&mut self, spec: &Norm) -> [Size; 3] {
        self.int("K", spec.width);
        self.values.push(("EPS", Value::Float(spec.eps)));
        [Size::Const(1), Size::Rows, Size::Const(1)]
    }

    fn head_norm(&mut self, spec: &HeadNorm) -> [Size; 3] {
        let heads = spec.heads.query + 2 * spec.heads.kv;
        self.append(&spec.heads);
        self.int("N", heads * spec.heads.dim);
        self.values.push(("EPS", Value::Float(spec.eps)));
        [Size::Const(heads), Size::Rows, Size::Const(1)]
    }

    fn attention(&mut self, spec: &Attention) -> [Size; 3] {
        let group = head_group(&spec.heads);
        self.heads(&spec.heads);
        self.int("GROUP", group);
        self.int("WINDOW", spec.window.unwrap_or(u32::MAX));
        self.int("PAGES_PER_SEQUENCE", spec.pages_per_sequence);
        self.values.push(("SCALE", Value::Float(spec.scale)));
        if spec.heads.cache == Dtype::F32 {
            self.slots.push(("cache/read_f16", "cache/read_f32"));
        }
        if spec.split {
            self.slots.push(("attention/write_whole", "attention/write_split"));
        }
        [Size::Const(spec.heads.query / group), Size::Rows, if spec.split { splits(spec.heads.kv) } else { Size::Const(1) }]
    }

    fn merge(&mut self, spec: &Merge) -> [Size; 3] {
        self.int("HEADS", spec.heads);
        self.int("HEAD_DIM", spec.dim);
        [Size::Const(spec.heads), Size::Rows, Size::Const(1)]
    }

    fn draw(&mut self, spec: &Draw) -> [Size; 3] {
        self.int("VOCAB", spec.vocab);
        self.int("PARTS", draw_parts(spec.vocab));
        self.int("LANES", DRAW_BINS);
        let rows = if spec.rows == Rows::One { Size::Const(1) } else { Size::Rows };
        let parts = if spec.stage == DrawStage::Pick { 1 } else { draw_parts(spec.vocab) };
        if spec.stage == DrawStage::Pick {
            self.int("ID_BITS", (u32::BITS - spec.vocab.leading_zeros()).next_multiple_of(8));
        }
        [Size::Const(parts), rows, Size::Const(1)]
    }

    fn argmax(&mut self, spec: &ArgMax) -> [Size; 3] {
        self.int("PARTS", ARGMAX_PARTS);
        let (ArgMax::Parts { rows, .. } | ArgMax::Whole { rows }) = spec;
        let rows = if *rows == Rows::One { Size::Const(1) } else { Size::Rows };
        match spec {
            ArgMax::Parts { vocab, .. } => {
                self.int("VOCAB", *vocab);
                [Size::Const(ARGMAX_PARTS), rows, Size::Const(1)]
            }
            ArgMax::Whole { .. } => [Size::Const(1), rows, Size::Const(1)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocations_share_a_key_only_where_subgroups_are_large_enough() {
        let heads = Heads { query: 8, kv: 2, dim: 128, cache: Dtype::F16 };
        let attention = Attention { heads, scale: 0.1, window: None, pages_per_sequence: 8, split: true, rows: Rows::One };
        let class = |subgroups, f16, matrix| Requires { subgroups, f16, matrix };
        for (requires, most) in
            [(class(true, true, true), 16), (class(true, true, false), 8), (class(true, false, false), 4), (class(false, false, false), 0)]
        {
            for lanes in [4, 8, 16] {
                let schedule = Schedule { template: "attention/row_shared", values: vec![("LANES", 64), ("KEY_LANES", lanes)] };
                assert_eq!(link(&Spec::Attention(attention), &requires, &schedule).is_ok(), lanes <= most, "{requires:?} {lanes}");
            }
        }
    }

    #[test]
    fn attention_fits_every_device_whatever_its_heads() {
        let classes = [(false, false), (true, false), (true, true)].map(|(subgroups, f16)| Requires { subgroups, f16, matrix: false });
        let mut seen = std::collections::HashSet::new();
        for (dim, requires) in (8..=256).step_by(8).flat_map(|dim| classes.map(|requires| (dim, requires))) {
            for (query, kv, cache) in
                [(2, 2, Dtype::F16), (12, 2, Dtype::F16), (10, 1, Dtype::F32), (8, 1, Dtype::F32), (14, 2, Dtype::F16)]
            {
                let heads = Heads { query, kv, dim, cache };
                for rows in [Rows::One, Rows::Few, Rows::Many] {
                    let split = rows != Rows::Many;
                    let spec = Attention { heads, scale: 0.1, window: Some(70), pages_per_sequence: 8, split, rows };
                    let schedule = default_schedule(&Spec::Attention(spec), &requires);
                    link(&Spec::Attention(spec), &requires, &schedule).unwrap();
                    seen.insert(schedule.template);
                }
            }
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
    }

    #[test]
    fn attention_of_prompts_fits_devices_with_matrix_units_whatever_its_heads() {
        let requires = Requires { subgroups: true, f16: true, matrix: true };
        for dim in (16..=256).step_by(16) {
            for (query, kv, cache) in [(2, 2, Dtype::F16), (14, 2, Dtype::F16), (10, 1, Dtype::F16), (8, 1, Dtype::F16), (8, 1, Dtype::F32)]
            {
                let heads = Heads { query, kv, dim, cache };
                let spec = Attention { heads, scale: 0.1, window: Some(70), pages_per_sequence: 8, split: false, rows: Rows::Many };
                let schedule = default_schedule(&Spec::Attention(spec), &requires);
                assert_eq!(schedule.template.ends_with("_matrix"), cache == Dtype::F16, "{heads:?}");
                let linked = link(&Spec::Attention(spec), &requires, &schedule).unwrap();
                assert_eq!((linked.half, linked.bindings.len()), (cache == Dtype::F16, 6));
            }
        }
        let heads = Heads { query: 2, kv: 2, dim: 40, cache: Dtype::F16 };
        let odd = Attention { heads, scale: 0.1, window: None, pages_per_sequence: 8, split: false, rows: Rows::Many };
        assert_eq!(default_schedule(&Spec::Attention(odd), &requires).template, "attention/flash");
    }
}
