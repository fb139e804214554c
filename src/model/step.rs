//! A model on the GPU: runs steps.
//!
//! A step is one pass, one submit and, if something is read back, one map. Pipelines and bind groups exist before it. The rows and new
//! entries of the page table are uploaded for each step, the launch table only when it changes. Several steps can be under way: each
//! [`Pending`] has staging memory of its own, and a row can name a token that only the GPU knows yet ([`Row::SAMPLED`]).

use crate::model::budget::Memory;
use crate::model::buffers::Buffers;
use crate::model::choose::{Decision, Kernels};
use crate::model::compiling::{Compiling, Pipelines, needed};
use crate::model::forward::{Drawing, Entry, Forward, Read, Readback};
use crate::model::launch::Launcher;
use crate::model::layout::layout;
use crate::model::pools::{Block, Pools, Room};
use crate::model::program::Program;
use crate::model::replacing::Replacing;
use crate::{ErrorKind, Result};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use std::sync::Arc;
use tegula_gpu::{BindGroup, Filler, Gpu, Pipeline, Range};
use tegula_plan::{Activations, Library, PAGE_SIZE, Plan, Row, SAMPLING_WORDS, StepSize, Variant};

/// What a submitted step will bring back.
pub type Pending = LocalBoxFuture<'static, Result<Readback>>;

/// A model that is ready to run. Make it with [`crate::load::weights::Loader`].
pub struct Model {
    pub(super) gpu: Gpu,
    pub(super) plan: Plan,
    pub(super) variant: usize,
    pub(super) memory: Memory,
    pub(super) buffers: Buffers,
    pub(super) pipelines: Pipelines,
    launcher: Launcher,
    /// By entry of the variant.
    pub(super) programs: Vec<Program>,
    pub(super) pools: Pools,
    pub(super) replacing: Replacing,
    /// By sequence: whether its ids are drawn among the likeliest.
    nuclei: Vec<bool>,
    /// Rows of the step that is being submitted.
    words: Vec<u32>,
    /// Its segments.
    segments: Vec<u32>,
    /// By choice of the variant.
    pub(super) decisions: Vec<Decision>,
    pub(super) fingerprint: String,
}

impl Model {
    /// Waits for the kernels of a variant and binds what they read and write. What was chosen among kernels is left open: see
    /// [`Model::settle`].
    pub(super) async fn new(
        gpu: Gpu,
        library: Arc<Library>,
        module: &[u8],
        variant: usize,
        memory: Memory,
        buffers: Buffers,
        compiling: Compiling,
    ) -> Result<(Model, Kernels, Option<Vec<u32>>)> {
        let (pipelines, kernels, chosen) = compiling.finish().await?;
        let Library { plan, .. } = Arc::unwrap_or_clone(library);
        let planned = &plan.variants[variant];
        let exports: Vec<_> = planned.entries.iter().map(|entry| planned.export(entry)).collect();
        let launcher = Launcher::new(module, &exports).await?;
        let program = |entry| Program::new(&gpu, &plan, variant, entry, &pipelines, &buffers, chosen.as_deref());
        let programs = (0..planned.entries.len()).map(program).collect::<Result<Vec<_>>>()?;
        gpu.settled().await?;
        let capacities: Vec<u32> = memory.groups.iter().map(|group| group.capacity / PAGE_SIZE).collect();
        let mut pools = Pools::new(&plan.model, &capacities);
        memory.initial_pages().into_iter().enumerate().for_each(|(group, pages)| pools.grown(group, pages));
        let nuclei = vec![false; plan.model.max_batch_size as usize];
        let (words, segments, decisions) = (Vec::new(), Vec::new(), Vec::new());
        let fingerprint = String::new();
        let model = Model {
            gpu,
            plan,
            variant,
            memory,
            buffers,
            pipelines,
            launcher,
            programs,
            pools,
            replacing: Replacing::new(),
            nuclei,
            words,
            segments,
            decisions,
            fingerprint,
        };
        Ok((model, kernels, chosen))
    }

    /// Notes what was chosen among kernels, and gives up the others.
    pub(super) fn settle(&mut self, decisions: Vec<Decision>) {
        self.decisions = decisions;
        self.keep();
    }

    /// Gives up the kernels that were not chosen.
    fn keep(&mut self) {
        let chosen = self.chosen();
        let variant = &self.plan.variants[self.variant];
        for (program, entry) in self.programs.iter_mut().zip(&variant.entries) {
            program.keep(&entry.dispatches, &chosen);
        }
        let needed = needed(variant, Some(&chosen));
        for (pipeline, _) in self.pipelines.iter_mut().zip(needed).filter(|(_, needed)| !needed) {
            *pipeline = None;
        }
        for decision in &self.decisions {
            let Decision { name, schedule, why, .. } = decision;
            tracing::info!("{name}: {schedule} ({why})");
        }
    }

    /// Fills the KV cache with random numbers: for measuring, where no prompt was run.
    pub(crate) fn fill_cache(&self, filler: &Filler, seed: u32) -> Result<()> {
        self.buffers.fill_caches(&self.plan, filler, seed)
    }

    /// Which entry of the variant it is, if there is one.
    pub(crate) fn find(&self, entry: Entry) -> Option<usize> {
        self.variant().entries.iter().position(|planned| planned.name == entry.name())
    }

    /// Gets ready for a step of sequence 0 in which so many rows are the last of so many tokens, and runs nothing: for trials of single kernels.
    pub(crate) fn rehearse(&mut self, entry: usize, rows: u32, tokens: u32) -> Result<()> {
        let mut rows: Vec<Row> = (tokens - rows..tokens).map(|position| Row { token: 0, position, slot: 0, sequence: 0 }).collect();
        let kind = Entry::of(&self.variant().entries[entry].name).unwrap_or(Entry::Batch);
        let step = self.upload(kind, &mut rows, 1);
        self.programs[entry].prepare(&self.gpu, &mut self.launcher, step)
    }

    /// A dispatch of the step that was rehearsed, if its kernel can be run.
    pub(crate) fn launch(&self, entry: usize, place: usize) -> Option<(&Pipeline, &BindGroup, [u32; 3])> {
        let (group, grid) = self.programs[entry].launch(place)?;
        let dispatch = self.variant().entries[entry].dispatches.get(place)?;
        Some((self.pipelines[dispatch.kernel as usize].as_ref()?, group, grid))
    }

    /// The buffers that dispatches bind.
    pub(crate) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Writes the rows, how they are grouped, and what is new in the page table.
    fn upload(&mut self, entry: Entry, rows: &mut [Row], read: u32) -> StepSize {
        for group in 0..self.pools.groups() {
            self.words.clear();
            for index in 0..rows.len() {
                let row = &mut rows[index];
                let sequence = row.sequence;
                row.slot = self.pools.slot(group, sequence, row.position).expect("positions are reserved before they are submitted");
                self.words.extend(row.words());
                if index > 0 && rows[index - 1].sequence == sequence {
                    continue;
                }
                if let Some(change) = self.pools.changes(group, sequence) {
                    let place = sequence * self.plan.model.pages_per_sequence() + change.first;
                    self.gpu.write(&self.buffers.page_tables[group], 4 * u64::from(place), bytemuck::cast_slice(change.pages));
                }
            }
            self.gpu.write(&self.buffers.rows[group], 0, bytemuck::cast_slice(&self.words));
        }
        let step = layout(entry, rows, read, &mut self.segments);
        if step.segments > 0 {
            self.gpu.write(&self.buffers.segments, 0, bytemuck::cast_slice(&self.segments));
        }
        step
    }
}

impl Forward for Model {
    type Pending = Pending;

    fn facts(&self) -> &tegula_plan::Model {
        &self.plan.model
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        self.find(entry).map(|index| self.variant().entries[index].max_rows)
    }

    fn mixes(&self) -> bool {
        // Int8 is for prompts: it costs precision that decoding keeps.
        let Variant { activations, .. } = self.variant();
        let most = |entry| self.max_rows(entry).unwrap_or(0);
        *activations == Activations::Float && most(Entry::Batch) > 1 && most(Entry::Prefill) > 1
    }

    fn capacity(&self) -> u32 {
        self.pools.capacity(&self.plan.model)
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        self.pools.reserve(sequence, next, tokens)
    }

    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>> {
        self.enlarge().boxed_local()
    }

    fn forget(&mut self, sequence: u32, first: u32) {
        self.pools.forget(sequence, first);
    }

    fn release(&mut self, sequence: u32) {
        self.pools.release(sequence);
    }

    fn keep(&mut self, sequence: u32, index: usize) -> Block {
        self.pools.keep(sequence, index)
    }

    fn free(&mut self, block: &[Option<u32>]) {
        self.pools.free(block);
    }

    fn adopt(&mut self, sequence: u32, blocks: &[Block]) {
        self.pools.adopt(sequence, blocks);
    }

    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>) {
        self.nuclei[sequence as usize] = drawing.is_some_and(|drawing| drawing.sampling.is_nucleus());
        let words = drawing.map_or([0; SAMPLING_WORDS], |drawing| drawing.words());
        self.gpu.write(&self.buffers.sampling, 4 * SAMPLING_WORDS as u64 * u64::from(sequence), bytemuck::cast_slice(&words));
        let Some(drawing) = drawing.filter(|drawing| drawing.sampling.adjusts()) else { return };
        let vocab = u64::from(self.plan.model.vocab_size);
        let tokens = drawing.tokens(self.plan.model.vocab_size);
        self.gpu.write(&self.buffers.tokens, 8 * vocab * u64::from(sequence), bytemuck::cast_slice(&tokens));
    }

    fn stretch(&mut self, sequence: u32, stretched: bool) {
        if self.plan.model.stretched_after.is_some() {
            self.gpu.write(&self.buffers.stretched, 4 * u64::from(sequence), &u32::from(stretched).to_le_bytes());
        }
    }

    /// # Panics
    /// If there are more rows than [`Forward::max_rows`] or none, or a position has not been reserved.
    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Pending> {
        let index = self.find(entry).ok_or(ErrorKind::NoEntry { entry: entry.name() })?;
        let most = self.variant().entries[index].max_rows;
        assert!((1..=most as usize).contains(&rows.len()), "a step of `{}` has 1 to {most} rows", entry.name());
        let step = self.upload(entry, rows, read.rows);
        let Model { gpu, plan, variant, pipelines, launcher, buffers, programs, nuclei, .. } = self;
        let program = &mut programs[index];
        program.prepare(gpu, launcher, step)?;
        let mut pass = gpu.pass();
        let nucleus = read.drawn && rows.iter().any(|row| nuclei[row.sequence as usize]);
        program.record(plan, *variant, pipelines, &mut pass, read, nucleus);

        let sampled = if read.ids() { 4 * u64::from(plan.model.max_batch_size) } else { 0 };
        let logits = 4 * u64::from(read.logits) * u64::from(plan.model.vocab_size);
        let ranges = [(&buffers.sampled, sampled), (&buffers.logits, logits)].map(|(buffer, size)| Range { buffer, offset: 0, size });
        let readback = match (sampled > 0, logits > 0) {
            (true, true) => pass.submit_reading(&ranges)?,
            (true, false) => pass.submit_reading(&ranges[..1])?,
            (false, true) => pass.submit_reading(&ranges[1..])?,
            (false, false) => {
                pass.submit();
                return Ok(futures::future::ready(Ok(Readback::default())).boxed_local());
            }
        };
        let gpu = gpu.clone();
        let pending = async move {
            let bytes = readback.bytes().await?;
            // What creations raised in the meantime: the browser may have found no memory for larger caches.
            gpu.settled().await?;
            let (sampled, logits) = bytes.split_at(sampled as usize);
            Ok(Readback { sampled: bytemuck::pod_collect_to_vec(sampled), logits: bytemuck::pod_collect_to_vec(logits) })
        };
        Ok(pending.boxed_local())
    }
}
