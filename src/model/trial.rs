//! Alternatives on the device: each runs by itself, with the model's own weights, in a step that belongs to no request.
//!
//! A choice is tried in the entry where it matters most: the step of one token, else a chunk of a prompt, else a batch. The dispatches of
//! all layers take turns, so that weights come from memory as they do in a real step. Nothing outlives the trial: no id is picked, the
//! pages of the made-up sequence are given back, and later steps write activations and cache before they read them.

use std::collections::BTreeMap;

use tegula_gpu::{BindGroup, Filler, Filling, Gpu, Range, Timed, Timer};
use tegula_plan::{Binding, Buffer, Dispatch, Dtype, Entry as Planned, PAGE_SIZE};

use super::choose::{Clock, Decision, Subject, Task, Verdict, Why, decide, describe};
use crate::Result;
use crate::clock::seconds;
use crate::model::buffers::noise;
use crate::model::forward::{Entry, Forward};
use crate::model::pools::Room;
use crate::model::step::Model;

/// Tokens of the made-up sequence, and the most rows of a chunk: what the cache has room for from the start.
const TOKENS: u32 = crate::model::kv::INITIAL_TOKENS;

/// The most rows that a check works on: more than one tile of most kernels, and one that is not full.
const CHECK_ROWS: u32 = 40;

/// Rows that a kernel for chunks works on at least, where it has fewer.
const TILE: u32 = 64;

/// Bytes of a result that are looked at.
const LOOKED_AT: u64 = 4 << 20;

/// How far results may be apart, as a part of the greatest: half precision keeps 11 bits, of which sums lose a few.
const TOLERANCE: f32 = 1.0 / 64.0;

/// Which bytes a kernel writes: index in the plan's buffers, and the range.
type Written = BTreeMap<u32, (u64, u64)>;

/// Chooses for a model that nobody has used yet, in so many seconds.
pub(crate) async fn decide_on(model: &mut Model, budget: f64) -> Result<Vec<Decision>> {
    let began = seconds();
    let tokens = TOKENS.min(model.cached_tokens()).min(model.capacity());
    let choices = model.variant().choices.clone();
    let mut verdicts: Vec<Verdict> = (0..choices.len()).map(|choice| Verdict { choice, chosen: 0, why: Why::Untried }).collect();
    if model.reserve(0, tokens, tokens) == Room::Ready {
        let (sites, tasks) = sites(model, tokens);
        let mut trial = Trial::new(model, sites, tokens).await?;
        let found = decide(&mut trial, &tasks, budget - (seconds() - began)).await;
        model.release(0);
        for verdict in found? {
            let choice = verdict.choice;
            verdicts[choice] = verdict;
        }
    }
    model.gpu().settled().await?;
    let moved = verdicts.iter().filter(|verdict| verdict.chosen != 0).count();
    tracing::info!(choices = choices.len(), moved, seconds = seconds() - began, "kernels chosen");
    Ok(choices.iter().zip(&verdicts).map(|(choice, verdict)| describe(choice, verdict)).collect())
}

/// Where a choice is tried.
struct Site {
    /// Which entry of the variant.
    entry: usize,
    /// Rows of a check.
    check: u32,
    /// Rows of the step that is timed.
    rows: u32,
    /// Places of its dispatches, by alternative.
    places: Vec<Vec<usize>>,
}

/// A site for every choice that a step of some kind runs into.
fn sites(model: &Model, tokens: u32) -> (BTreeMap<usize, Site>, Vec<Task>) {
    let (mut sites, mut tasks) = (BTreeMap::<usize, Site>::new(), Vec::new());
    for kind in [Entry::Decode, Entry::Prefill, Entry::Batch] {
        let Some(index) = model.find(kind) else { continue };
        let entry = &model.variant().entries[index];
        let rows = entry.max_rows.min(tokens).max(1);
        let check = if kind == Entry::Prefill { rows.min(CHECK_ROWS) } else { rows };
        let mut here = BTreeMap::<usize, Site>::new();
        for (place, dispatch) in entry.dispatches.iter().enumerate() {
            let Some(alternative) = dispatch.alternative.filter(|alternative| !sites.contains_key(&(alternative.choice as usize))) else {
                continue;
            };
            let choice = alternative.choice as usize;
            let none = || vec![Vec::new(); model.variant().choices[choice].alternatives.len()];
            let site = here.entry(choice).or_insert_with(|| Site { entry: index, check, rows, places: none() });
            site.places[alternative.index as usize].push(place);
        }
        for (choice, site) in here {
            let bytes = read_bytes(model, &entry.dispatches[site.places[0][0]], tokens) as f64;
            let worked = |rows: u32| f64::from(if kind == Entry::Prefill { rows.max(TILE) } else { rows });
            let dispatch = bytes * worked(site.rows);
            let step = dispatch * site.places[0].len() as f64;
            tasks.push(Task { choice, alternatives: site.places.len(), check: bytes * worked(site.check), dispatch, step });
            sites.insert(choice, site);
        }
    }
    (sites, tasks)
}

/// Bytes of weights and cache that a dispatch reads for a row.
fn read_bytes(model: &Model, dispatch: &Dispatch, tokens: u32) -> u64 {
    let pages = u64::from(tokens.div_ceil(PAGE_SIZE));
    let group = |layer| model.plan().model.paged().find(|group| group.layers.contains(&layer));
    let bytes = |binding: &Binding| match model.plan().buffers[binding.buffer as usize] {
        Buffer::Weight(_) => model.buffers().range(model.plan(), binding).and_then(|range| range.bytes()).unwrap_or(0),
        Buffer::Cache(layer) => group(layer).map_or(0, |group| pages * group.page_bytes()),
        _ => 0,
    };
    dispatch.bindings.iter().map(bytes).sum::<u64>().max(1)
}

/// A model under trial.
struct Trial<'a> {
    model: &'a mut Model,
    sites: BTreeMap<usize, Site>,
    tokens: u32,
    gpu: Gpu,
    filler: Filler,
    timer: Timer,
    /// Entry and rows of the step that was rehearsed.
    rehearsed: Option<(usize, u32)>,
    /// What the first alternative of the choice that is being checked wrote.
    expected: Option<(Written, Vec<u8>)>,
}

impl<'a> Trial<'a> {
    async fn new(model: &'a mut Model, sites: BTreeMap<usize, Site>, tokens: u32) -> Result<Trial<'a>> {
        let gpu = model.gpu().clone();
        let (filler, timer) = (gpu.filler().await?, gpu.timer()?);
        // Keys of zeros would make every score the same.
        model.fill_cache(&filler, 1)?;
        Ok(Trial { model, sites, tokens, gpu, filler, timer, rehearsed: None, expected: None })
    }

    fn rehearse(&mut self, entry: usize, rows: u32) -> Result<()> {
        if self.rehearsed != Some((entry, rows)) {
            self.model.rehearse(entry, rows, self.tokens)?;
            self.rehearsed = Some((entry, rows));
        }
        Ok(())
    }

    /// Noise in what a dispatch reads and zeros in what it writes, but for the cache, which has noise in both cases.
    fn prepare(&self, entry: &Planned, dispatch: &Dispatch, rows: u32) -> Result<()> {
        let plan = self.model.plan();
        let kernel = &self.model.variant().kernels[dispatch.kernel as usize];
        let mut pass = self.gpu.pass();
        for (binding, about) in dispatch.bindings.iter().zip(&kernel.bindings) {
            let Some(range) = self.part(entry, binding, rows) else { continue };
            match (&plan.buffers[binding.buffer as usize], about.writes) {
                (Buffer::Cache(layer), true) => {
                    self.filler.fill_range(range, noise(self.cache_format(*layer)), binding.buffer)?;
                }
                // Of one sign: parts of attention hold denominators, which must not be near zero.
                (Buffer::Activation { .. }, false) => {
                    self.filler.fill_range(range, Filling::F32 { center: 0.6, spread: 0.4 }, binding.buffer)?;
                }
                (Buffer::Activation { .. } | Buffer::Logits { .. }, true) => {
                    pass.clear(range.buffer, range.offset, range.bytes().unwrap_or(0));
                }
                _ => {}
            }
        }
        pass.submit();
        Ok(())
    }

    /// Element type of a layer's cache.
    fn cache_format(&self, layer: u32) -> Dtype {
        let mut groups = self.model.plan().model.paged();
        groups.find(|group| group.layers.contains(&layer)).map_or(Dtype::F32, |group| group.format)
    }

    /// What a step of so many rows uses of a binding.
    fn part(&self, entry: &Planned, binding: &Binding, rows: u32) -> Option<Range<'_>> {
        let plan = self.model.plan();
        let range = self.model.buffers().range(plan, binding)?;
        let whole = range.bytes()?;
        let used = match plan.buffers[binding.buffer as usize] {
            Buffer::Activation { .. } => (u128::from(whole) * u128::from(rows)).div_ceil(u128::from(entry.max_rows.max(1))) as u64,
            Buffer::Logits { .. } => 4 * u64::from(plan.model.vocab_size) * u64::from(rows),
            _ => whole,
        };
        Some(Range { size: used.next_multiple_of(4).min(whole), ..range })
    }

    /// Where a dispatch writes, and how much of that is looked at.
    fn written(&self, entry: &Planned, dispatch: &Dispatch, rows: u32) -> Written {
        let kernel = &self.model.variant().kernels[dispatch.kernel as usize];
        let bindings = dispatch.bindings.iter().zip(&kernel.bindings).filter(|(_, about)| about.writes);
        let written = bindings.filter_map(|(binding, _)| {
            let range = self.part(entry, binding, rows)?;
            Some((binding.buffer, (range.offset, range.bytes()?.min(LOOKED_AT))))
        });
        written.collect()
    }

    /// Runs a dispatch and reads what it wrote.
    async fn run(&self, site: &Site, place: usize, written: &Written) -> Result<Option<Vec<u8>>> {
        let Some((pipeline, group, grid)) = self.model.launch(site.entry, place) else { return Ok(None) };
        let mut pass = self.gpu.pass();
        pass.dispatch(pipeline, group, grid);
        let plan = self.model.plan();
        let whole = |buffer: u32| self.model.buffers().range(plan, &Binding { buffer, offset: 0, size: 0 });
        let range = |(&buffer, &(offset, size)): (&u32, &(u64, u64))| Some(Range { offset, size, ..whole(buffer)? });
        let ranges: Vec<Range<'_>> = written.iter().filter_map(range).collect();
        Ok(Some(pass.submit_reading(&ranges)?.bytes().await?))
    }

    /// Whether two results are the same but for rounding.
    fn compare(&self, written: &Written, found: &[u8], expected: &[u8]) -> Result<(), String> {
        let plan = self.model.plan();
        let mut at = 0;
        for (buffer, (_, size)) in written {
            let bytes = at..at + *size as usize;
            at = bytes.end;
            let half = match plan.buffers[*buffer as usize] {
                Buffer::Cache(layer) => self.cache_format(layer) == Dtype::F16,
                _ => false,
            };
            let [found, expected] = [found, expected].map(|all| numbers(&all[bytes.clone()], half));
            let greatest = expected.iter().filter(|x| x.abs() < 1e30).fold(0f32, |most, x| most.max(x.abs()));
            let apart = |(found, expected): &(&f32, &f32)| {
                let same = found == expected || (found.is_nan() && expected.is_nan());
                !same && ((*found - *expected).abs() > TOLERANCE * greatest || !(*found - *expected).is_finite())
            };
            let wrong = found.iter().zip(&expected).filter(apart).count();
            if wrong > 0 {
                return Err(format!("{wrong} of {} numbers are not those of the first alternative", found.len()));
            }
        }
        Ok(())
    }
}

fn numbers(bytes: &[u8], half: bool) -> Vec<f32> {
    if half {
        bytes.as_chunks::<2>().0.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f32()).collect()
    } else {
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

impl Subject for Trial<'_> {
    fn now(&self) -> f64 {
        seconds()
    }

    fn clock(&self) -> Clock {
        // Browsers round timestamps to a tenth of a millisecond, and see that work is done up to 2.5 ms late.
        let (browser, stamps) = (cfg!(target_arch = "wasm32"), self.timer.told_by_gpu());
        match (stamps, browser) {
            (true, true) => Clock { sample: 6e-3, error: 1e-4 },
            (true, false) => Clock { sample: 4e-3, error: 0.0 },
            (false, true) => Clock { sample: 40e-3, error: 2.5e-3 },
            (false, false) => Clock { sample: 20e-3, error: 4e-4 },
        }
    }

    async fn check(&mut self, task: &Task, alternative: usize) -> Result<Result<(), String>> {
        let (entry, rows) = (self.sites[&task.choice].entry, self.sites[&task.choice].check);
        self.rehearse(entry, rows)?;
        let site = &self.sites[&task.choice];
        let planned = &self.model.variant().entries[entry];
        let [first, place] = [0, alternative].map(|alternative| site.places[alternative][0]);
        let [dispatch, own] = [first, place].map(|place| &planned.dispatches[place]);
        let written = self.written(planned, own, rows);
        self.prepare(planned, dispatch, rows)?;
        let Some(found) = self.run(site, place, &written).await? else { return Ok(Err("it does not compile".into())) };
        let verdict = match &self.expected {
            Some((at, expected)) if alternative > 0 => {
                if *at == written {
                    self.compare(&written, &found, expected)
                } else {
                    Err("it writes elsewhere".into())
                }
            }
            _ => {
                self.expected = Some((written, found));
                Ok(())
            }
        };
        Ok(verdict)
    }

    async fn sample(&mut self, task: &Task, alternative: usize, dispatches: u32) -> Result<f64> {
        let (entry, rows) = (self.sites[&task.choice].entry, self.sites[&task.choice].rows);
        self.rehearse(entry, rows)?;
        let places = &self.sites[&task.choice].places[alternative];
        let planned = &self.model.variant().entries[entry].dispatches;
        let launches = || places.iter().filter(|place| planned[**place].kernel == planned[places[0]].kernel);
        let groups: Vec<BindGroup> = launches().filter_map(|place| Some(self.model.launch(entry, *place)?.1.clone())).collect();
        let Some((pipeline, _, grid)) = self.model.launch(entry, places[0]) else { return Ok(f64::INFINITY) };
        Ok(self.timer.seconds(&Timed { pipeline, groups: &groups, grid }, dispatches).await?)
    }
}
