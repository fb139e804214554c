//! Stages as work for kernels: a spec, operands by the names that kernels bind them under, and launch words.

use super::Lowering;
use super::mode::{Attends, Mode, Span};
use crate::Error;
use crate::graph::{ParamId, Value};
use crate::pass::{Append, Epilogue, Prologue, Stage, StageKind};
use crate::spec::{
    self, ArgMax, Attention, Draw, DrawStage, Embed, Format, HeadNorm, Input, Matmul, Merge, Norm, Output, Quantize, Rows, Spec,
};
use crate::weights::Part;
use tegula_plan::{Activations, Binding, Buffer, Dtype, LAUNCH_WORDS, Requires, Size};

/// What a kernel binds.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// An activation.
    Scratch(Value),
    /// An activation as signed bytes.
    Bytes(Value),
    /// A whole buffer.
    Whole(Buffer),
    /// Part of one; the binding's own buffer is left open.
    Part(Buffer, Binding),
}

/// A dispatch to be.
#[derive(Clone)]
pub(super) struct Work {
    pub label: String,
    pub spec: Spec,
    pub operands: Vec<(&'static str, Target)>,
    pub launch: Launch,
    /// The rows it works on.
    pub span: Span,
}

impl Work {
    /// The workgroups of a kernel whose grid would be `grid` for all rows of a step.
    pub(super) fn grid(&self, grid: &[Size; 3]) -> [Size; 3] {
        let count = |size: &Size| (*size == Size::Rows).then(|| self.span.count.clone());
        let [x, y, mut z] = grid.each_ref().map(|size| size.with(&count));
        if let Spec::Attention(Attention { rows: Rows::Many, .. }) = self.spec {
            z = Size::Segments;
        }
        match self.span.runs {
            Size::Const(1) => {}
            ref runs if z == Size::Const(1) => z = runs.clone(),
            ref runs => z = Size::Mul(Box::new(z), Box::new(runs.clone())),
        }
        [x, y, z]
    }
}

/// Words of the launch uniform; see [`tegula_plan::LAUNCH_MEMBERS`].
#[derive(Clone)]
pub(super) struct Launch {
    first: Size,
    splits: Size,
    base: u32,
    gain: u32,
    bias: u32,
    query_gain: u32,
    key_gain: u32,
}

impl Default for Launch {
    fn default() -> Self {
        Launch { first: Size::Const(0), splits: Size::Const(0), base: 0, gain: 0, bias: 0, query_gain: 0, key_gain: 0 }
    }
}

impl Launch {
    /// In the order of the uniform block.
    pub(super) fn words(&self) -> [Size; LAUNCH_WORDS] {
        let [base, gain, bias, query_gain, key_gain] = [self.base, self.gain, self.bias, self.query_gain, self.key_gain].map(Size::Const);
        [Size::Rows, self.first.clone(), self.splits.clone(), base, gain, bias, query_gain, key_gain]
    }
}

/// A linear layer with its surroundings.
struct Linear<'a> {
    label: &'a str,
    input: Value,
    weight: ParamId,
    bias: Option<ParamId>,
    prologue: Prologue,
    epilogue: Epilogue,
    /// The rows it works on.
    span: Span,
}

impl Lowering<'_> {
    /// The dispatches of a stage. Stages of the `tail` work on the rows that get logits only.
    pub(super) fn works(&self, stage: &Stage, tail: bool, mode: &Mode, requires: &Requires) -> Result<Vec<Work>, Error> {
        let spans = match stage.kind {
            // Kernels that pick ids take any number of rows.
            StageKind::ArgMax { .. } => vec![mode.picks()],
            _ if tail => mode.tails(),
            _ => vec![mode.all()],
        };
        let works = spans.iter().map(|span| self.works_of(stage, span, mode, requires)).collect::<Result<Vec<_>, _>>()?;
        Ok(works.concat())
    }

    /// The dispatches of a stage for some rows: one, or several where a table exceeds a binding.
    fn works_of(&self, stage: &Stage, span: &Span, mode: &Mode, requires: &Requires) -> Result<Vec<Work>, Error> {
        let label = format!("{}{}", stage.label, span.suffix);
        let label = label.as_str();
        match stage.kind {
            StageKind::Embed { table, output, rotation, .. } => self.embed(label, table, output, rotation, span),
            StageKind::Matmul { input, weight, bias, prologue, epilogue } => {
                self.matmul(&Linear { label, input, weight, bias, prologue, epilogue, span: span.clone() }, requires)
            }
            StageKind::HeadNorm { input, query_gain, key_gain, eps, append } => {
                let launch =
                    Launch { query_gain: self.weights.offset(query_gain), key_gain: self.weights.offset(key_gain), ..Launch::default() };
                let mut operands = vec![("input", Target::Scratch(input)), ("vectors", Target::Whole(Buffer::Vectors))];
                operands.extend(append_operands(append, self.group(append.layer)));
                let spec = Spec::HeadNorm(HeadNorm { heads: self.heads(), eps });
                Ok(vec![Work { label: label.into(), spec, operands, launch, span: span.clone() }])
            }
            StageKind::Attention { query, layer, scale, window, output } => {
                let (heads, pages_per_sequence) = (self.heads(), self.model.pages_per_sequence());
                let operands = [
                    ("query", Target::Scratch(query)),
                    ("cache", Target::Whole(Buffer::Cache(layer))),
                    ("rows", Target::Whole(Buffer::Rows(self.group(layer)))),
                    ("pages", Target::Whole(Buffer::PageTable(self.group(layer)))),
                    ("segments", Target::Whole(Buffer::Segments)),
                    ("output", Target::Scratch(output)),
                ];
                let mut works = Vec::new();
                if mode.attention != Attends::Singles {
                    let (span, launch) = (mode.segments(), Launch { splits: Size::Const(1), ..Launch::default() });
                    let spec = Spec::Attention(Attention { heads, scale, window, pages_per_sequence, split: false, rows: span.rows });
                    works.push(Work { label: label.into(), spec, operands: operands.to_vec(), launch, span });
                }
                if mode.attention != Attends::Segments {
                    let span = mode.singles();
                    let launch = Launch { first: span.first.clone(), splits: spec::splits(heads.kv), ..Launch::default() };
                    let spec = Spec::Attention(Attention { heads, scale, window, pages_per_sequence, split: true, rows: span.rows });
                    let label = format!("{label}{}", span.suffix);
                    let merge = Work {
                        label: format!("{label}.merge"),
                        spec: Spec::Merge(Merge { heads: heads.query, kv: heads.kv, dim: heads.dim }),
                        operands: vec![("output", Target::Scratch(output))],
                        launch: launch.clone(),
                        span: span.clone(),
                    };
                    works.extend([Work { label, spec, operands: operands.to_vec(), launch, span }, merge]);
                }
                Ok(works)
            }
            StageKind::ArgMax { .. } if !mode.sample => Ok(Vec::new()),
            StageKind::ArgMax { partial, .. } => Ok([self.argmax(label, partial, span), self.draw(partial, span)].concat()),
        }
    }

    fn embed(&self, label: &str, table: ParamId, output: Value, rotation: Value, span: &Span) -> Result<Vec<Work>, Error> {
        let table = self.weights.matrix(table);
        let parts = table.parts()?;
        let works = parts.iter().enumerate().map(|(index, part)| {
            let mut operands = vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("sampled", Target::Whole(Buffer::Sampled)),
                ("vectors", Target::Whole(Buffer::Vectors)),
                ("output", Target::Scratch(output)),
                ("rope", Target::Scratch(rotation)),
            ];
            operands.extend(weight_operands(part));
            let spec = Spec::Embed(Embed { n: part.rows, k: table.k, format: table.format, head_dim: self.graph.heads.dim });
            let launch = Launch { base: part.first, gain: self.frequencies, ..Launch::default() };
            Work { label: part_label(label, index, parts.len()), spec, operands, launch, span: span.clone() }
        });
        Ok(works.collect())
    }

    fn matmul(&self, linear: &Linear, requires: &Requires) -> Result<Vec<Work>, Error> {
        let matrix = self.weights.matrix(linear.weight);
        let parts = match linear.epilogue {
            Epilogue::Store { .. } => matrix.parts()?,
            // The other epilogues need rows of the result side by side that parts would tear apart.
            Epilogue::Residual { .. } | Epilogue::SiluMul { .. } | Epilogue::Heads(_) => vec![matrix.whole()?],
        };
        let is_head = matches!(linear.epilogue, Epilogue::Store { output } if Some(output) == self.logits);
        let (rows, first) = (linear.span.rows, linear.span.first.clone());
        let mut works = Vec::new();
        let quantized = matches!(matrix.format, Format::Q4 { .. }) && rows == Rows::Many && !is_head;
        let (input, x, gain, eps) = match linear.prologue {
            // The rows of each product once, as each of its workgroups reads all of a row. The head stays as it is: its logits are what is
            // looked at, and it has one row but for `score`.
            _ if quantized && self.activations(requires) == Activations::Int8 => {
                let (work, bytes) = self.quantize(linear, matrix.k);
                works.push(work);
                (Input::Bytes, bytes, 0, 0.0)
            }
            // Matrix units are so fast that norming rows in each of their workgroups takes a third of a product's time; of products of halves
            // it is a tenth of the instructions.
            Prologue::Norm { gain, eps, normed } if requires.f16 && rows == Rows::Many && matrix.k.is_multiple_of(8) => {
                let label = format!("{}.norm", linear.label);
                works.push(self.norm(label, linear, normed, &Norm { width: matrix.k, eps }, self.weights.offset(gain)));
                (Input::Normed, Target::Scratch(normed), 0, 0.0)
            }
            Prologue::Norm { gain, eps, .. } => (Input::Norm, Target::Scratch(linear.input), self.weights.offset(gain), eps),
            Prologue::Plain => (Input::Plain, Target::Scratch(linear.input), 0, 0.0),
        };
        let mut operands = vec![("input", x), ("vectors", Target::Whole(Buffer::Vectors))];
        let output = match linear.epilogue {
            Epilogue::Store { output } => {
                operands.push(("output", self.stored(output)));
                Output::Store { stride: matrix.n }
            }
            Epilogue::Residual { stream } => {
                operands.push(("output", Target::Scratch(stream)));
                Output::Residual
            }
            Epilogue::SiluMul { output } => {
                operands.push(("output", Target::Scratch(output)));
                Output::SiluMul
            }
            Epilogue::Heads(append) => {
                operands.extend(append_operands(append, self.group(append.layer)));
                Output::Heads(self.heads())
            }
        };
        let bias = linear.bias.map(|bias| self.weights.offset(bias));
        works.extend(parts.iter().enumerate().map(|(index, part)| {
            let spec =
                Spec::Matmul(Matmul { n: part.rows, k: matrix.k, format: matrix.format, bias: bias.is_some(), input, eps, output, rows });
            let bias = bias.map_or(0, |bias| bias + part.first);
            let launch = Launch { base: part.first, bias, gain, first: first.clone(), ..Launch::default() };
            let operands = operands.iter().cloned().chain(weight_operands(part)).collect();
            Work { label: part_label(linear.label, index, parts.len()), spec, operands, launch, span: linear.span.clone() }
        }));
        Ok(works)
    }

    fn norm(&self, label: String, linear: &Linear, output: Value, spec: &Norm, gain: u32) -> Work {
        let operands = vec![
            ("input", Target::Scratch(linear.input)),
            ("vectors", Target::Whole(Buffer::Vectors)),
            ("output", Target::Scratch(output)),
        ];
        let launch = Launch { gain, ..Launch::default() };
        Work { label, spec: Spec::Norm(*spec), operands, launch, span: linear.span.clone() }
    }

    /// The rows that a product takes, as bytes, and where they are.
    fn quantize(&self, linear: &Linear, width: u32) -> (Work, Target) {
        let (value, gain, norm) = match linear.prologue {
            Prologue::Norm { gain, eps, normed } => (normed, self.weights.offset(gain), Some(eps)),
            Prologue::Plain => (linear.input, 0, None),
        };
        let operands =
            vec![("input", Target::Scratch(linear.input)), ("vectors", Target::Whole(Buffer::Vectors)), ("output", Target::Bytes(value))];
        let (label, launch) = (format!("{}.quantize", linear.label), Launch { gain, ..Launch::default() });
        let span = linear.span.clone();
        (Work { label, spec: Spec::Quantize(Quantize { width, norm }), operands, launch, span }, Target::Bytes(value))
    }

    fn argmax(&self, label: &str, partial: Value, span: &Span) -> Vec<Work> {
        let rows = span.rows;
        let launch = || Launch { first: span.first.clone(), ..Launch::default() };
        let parts = Work {
            label: format!("{label}.parts"),
            spec: Spec::ArgMax(ArgMax::Parts { vocab: self.model.vocab_size, rows }),
            operands: vec![("logits", Target::Whole(Buffer::Logits { rows: self.logits_rows })), ("partial", Target::Scratch(partial))],
            launch: launch(),
            span: span.clone(),
        };
        let whole = Work {
            label: format!("{label}.whole"),
            spec: Spec::ArgMax(ArgMax::Whole { rows }),
            operands: vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("partial", Target::Scratch(partial)),
                ("sampled", Target::Whole(Buffer::Sampled)),
            ],
            launch: launch(),
            span: span.clone(),
        };
        vec![parts, whole]
    }

    fn draw(&self, scratch: Value, span: &Span) -> Vec<Work> {
        let work = |stage: DrawStage| Work {
            label: format!("draw.{}", stage.name()),
            spec: Spec::Draw(Draw { stage, vocab: self.model.vocab_size, rows: span.rows }),
            operands: vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("sampling", Target::Whole(Buffer::Sampling)),
                ("scratch", Target::Scratch(scratch)),
                ("logits", Target::Whole(Buffer::Logits { rows: self.logits_rows })),
                ("tokens", Target::Whole(Buffer::Tokens)),
                ("sampled", Target::Whole(Buffer::Sampled)),
            ],
            launch: Launch { first: span.first.clone(), ..Launch::default() },
            span: span.clone(),
        };
        DrawStage::ALL.map(work).into()
    }

    /// Where a stored value goes.
    fn stored(&self, value: Value) -> Target {
        if Some(value) == self.logits { Target::Whole(Buffer::Logits { rows: self.logits_rows }) } else { Target::Scratch(value) }
    }

    fn heads(&self) -> spec::Heads {
        let crate::graph::Heads { query, kv, dim } = self.graph.heads;
        spec::Heads { query, kv, dim, cache: self.cache() }
    }

    /// Element type of the caches.
    pub(super) fn cache(&self) -> Dtype {
        self.model.paged().next().map_or(Dtype::F32, |group| group.format)
    }

    /// The group of layers that keeps its tokens as a layer does.
    fn group(&self, layer: u32) -> u32 {
        self.model.group_of(layer).expect("every layer with attention is in a group") as u32
    }
}

/// `group` is the group of layers that the cache belongs to.
fn append_operands(append: Append, group: u32) -> [(&'static str, Target); 4] {
    [
        ("query", Target::Scratch(append.query)),
        ("cache", Target::Whole(Buffer::Cache(append.layer))),
        ("rows", Target::Whole(Buffer::Rows(group))),
        ("rope", Target::Scratch(append.rotation)),
    ]
}

fn weight_operands(part: &Part) -> impl Iterator<Item = (&'static str, Target)> {
    let names = ["weights", "scales"];
    names.into_iter().zip(&part.tensors).map(|(name, &(param, binding))| (name, Target::Part(Buffer::Weight(param), binding)))
}

fn part_label(label: &str, index: usize, parts: usize) -> String {
    if parts == 1 { label.into() } else { format!("{label}.{index}") }
}
