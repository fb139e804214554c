//! An entry of the plan, ready to run: its bind groups, which are made once, and the launch table of the last step.

use crate::model::buffers::Buffers;
use crate::model::forward::Read;
use crate::model::launch::Launcher;
use crate::{Error, Result};
use tegula_gpu::{BindGroup, Buffer, Gpu, Pass, Pipeline, Range, Usage};
use tegula_plan::{Buffer as Planned, Dispatch, LAUNCH_WORDS, Plan, StepSize, TABLE_WORDS, When};

/// One entry.
pub(crate) struct Program {
    /// Which entry of the variant, and which function of the launcher.
    index: usize,
    /// The launch words of all rows of the table, `stride` bytes apart.
    uniform: Buffer,
    stride: u64,
    /// By dispatch; none for alternatives that do not run.
    groups: Vec<Option<BindGroup>>,
    /// By dispatch: its row in the table.
    rows: Vec<usize>,
    /// The step that the table was computed for.
    computed: Option<StepSize>,
    table: Vec<u32>,
    /// The uniform buffer as the GPU has it.
    uploaded: Vec<u32>,
    /// The uniform buffer as it should be.
    words: Vec<u32>,
}

impl Program {
    /// Binds the dispatches of entry `index` of a variant: those that are chosen, or all that there are kernels for if nothing is chosen yet.
    pub(crate) fn new(
        gpu: &Gpu,
        plan: &Plan,
        variant: usize,
        index: usize,
        pipelines: &[Option<Pipeline>],
        buffers: &Buffers,
        chosen: Option<&[u32]>,
    ) -> Result<Program> {
        let entry = &plan.variants[variant].entries[index];
        let (dispatches, rows) = (&entry.dispatches, entry.launch_rows());
        let stride = u64::from(gpu.info().limits.uniform_alignment.max(256));
        let count = rows.iter().max().map_or(0, |last| last + 1);
        let uniform = gpu.buffer("launch", count as u64 * stride, Usage::Uniform)?;
        let groups = Vec::with_capacity(dispatches.len());
        let words = vec![0; count * (stride / 4) as usize];
        let uploaded = words.clone();
        let mut program =
            Program { index, uniform, stride, groups, rows, computed: None, table: vec![0; count * TABLE_WORDS], uploaded, words };
        for (place, dispatch) in dispatches.iter().enumerate() {
            let pipeline = pipelines[dispatch.kernel as usize].as_ref().filter(|_| runs(dispatch, chosen));
            let group = pipeline.map(|pipeline| program.bind(gpu, plan, place, dispatch, pipeline, buffers)).transpose()?;
            program.groups.push(group);
        }
        Ok(program)
    }

    /// Binds again what names the cache of a layer, after it has grown.
    pub(crate) fn rebind(
        &mut self,
        gpu: &Gpu,
        plan: &Plan,
        variant: usize,
        pipelines: &[Option<Pipeline>],
        buffers: &Buffers,
        layer: u32,
    ) -> Result<()> {
        let cached =
            |dispatch: &Dispatch| dispatch.bindings.iter().any(|binding| plan.buffers[binding.buffer as usize] == Planned::Cache(layer));
        for (place, dispatch) in plan.variants[variant].entries[self.index].dispatches.iter().enumerate() {
            let pipeline = pipelines[dispatch.kernel as usize].as_ref().filter(|_| self.groups[place].is_some() && cached(dispatch));
            if let Some(pipeline) = pipeline {
                self.groups[place] = Some(self.bind(gpu, plan, place, dispatch, pipeline, buffers)?);
            }
        }
        Ok(())
    }

    /// Gives up the alternatives that were not chosen.
    pub(crate) fn keep(&mut self, dispatches: &[Dispatch], chosen: &[u32]) {
        for (group, _) in self.groups.iter_mut().zip(dispatches).filter(|(_, dispatch)| !runs(dispatch, Some(chosen))) {
            *group = None;
        }
    }

    /// What a dispatch binds, and its grid in the step that was prepared.
    pub(crate) fn launch(&self, place: usize) -> Option<(&BindGroup, [u32; 3])> {
        let row = self.table.as_chunks::<TABLE_WORDS>().0.get(*self.rows.get(place)?)?;
        Some((self.groups.get(place)?.as_ref()?, [row[0], row[1], row[2]]))
    }

    fn bind(&self, gpu: &Gpu, plan: &Plan, place: usize, dispatch: &Dispatch, pipeline: &Pipeline, buffers: &Buffers) -> Result<BindGroup> {
        let outside = |buffer: u32| {
            let reason = format!("`{}` binds what lies outside buffer {buffer}", dispatch.label);
            Error::from(tegula_plan::Error::from(tegula_plan::ErrorKind::Damaged { section: tegula_plan::section::PLAN, reason }))
        };
        let storage = dispatch.bindings.iter().map(|binding| buffers.range(plan, binding).ok_or_else(|| outside(binding.buffer)));
        let storage = storage.collect::<Result<Vec<_>>>()?;
        let uniform = Range { buffer: &self.uniform, offset: self.rows[place] as u64 * self.stride, size: self.stride };
        Ok(gpu.bind(&dispatch.label, pipeline, uniform, &storage)?)
    }

    /// Computes the launch table of a step, and uploads its uniform words if they are not those of the step before.
    pub(crate) fn prepare(&mut self, gpu: &Gpu, launcher: &mut Launcher, step: StepSize) -> Result<()> {
        if self.computed == Some(step) {
            return Ok(());
        }
        self.computed = None;
        launcher.table(self.index, step, &mut self.table)?;
        let available = gpu.info().limits.workgroups_per_dimension;
        let stride = (self.stride / 4) as usize;
        for (row, words) in self.table.as_chunks::<TABLE_WORDS>().0.iter().zip(self.words.chunks_mut(stride)) {
            let (grid, launch) = row.split_at(TABLE_WORDS - LAUNCH_WORDS);
            if let Some(needed) = grid.iter().find(|workgroups| **workgroups > available) {
                let (what, limit) = (format!("a step of {} rows and {} pages", step.rows, step.pages), "maxComputeWorkgroupsPerDimension");
                let (needed, available) = (u64::from(*needed), u64::from(available));
                return Err(tegula_gpu::Error::from(tegula_gpu::ErrorKind::Limit { limit, what, needed, available }).into());
            }
            words[..LAUNCH_WORDS].copy_from_slice(launch);
        }
        if self.words != self.uploaded {
            gpu.write(&self.uniform, 0, bytemuck::cast_slice(&self.words));
            self.uploaded.copy_from_slice(&self.words);
        }
        self.computed = Some(step);
        Ok(())
    }

    /// Records the dispatches of the step that was prepared, as far as what is asked of it needs them. `nucleus` says whether
    /// some of its ids are drawn among the likeliest.
    pub(crate) fn record(&self, plan: &Plan, variant: usize, pipelines: &[Option<Pipeline>], pass: &mut Pass, read: Read, nucleus: bool) {
        let dispatches = &plan.variants[variant].entries[self.index].dispatches;
        let table = self.table.as_chunks::<TABLE_WORDS>().0;
        for ((dispatch, group), row) in dispatches.iter().zip(&self.groups).zip(&self.rows) {
            let needed = match dispatch.when {
                When::Always => true,
                When::Greedy => read.greatest,
                When::Drawn => read.drawn,
                When::Nucleus => nucleus,
            };
            // Alternatives that were not chosen have no group. An empty grid launches nothing.
            if let (true, Some(group), Some(pipeline)) = (needed, group, &pipelines[dispatch.kernel as usize]) {
                let [x, y, z, ..] = table[*row];
                pass.dispatch(pipeline, group, [x, y, z]);
            }
        }
    }
}

/// Whether a dispatch may run, where something or nothing is chosen yet.
pub(crate) fn runs(dispatch: &Dispatch, chosen: Option<&[u32]>) -> bool {
    match (dispatch.alternative, chosen) {
        (Some(alternative), Some(chosen)) => chosen.get(alternative.choice as usize) == Some(&alternative.index),
        _ => true,
    }
}
