//! A model without a GPU: each next id is a hash of all tokens that the cache holds for the sequence. So a wrong page, a stale token or a
//! lost row shows in every id that follows.

mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use std::pin::Pin;
use std::task::{Context, Poll};

use tegula_plan::{Activations, Dtype, Model, PAGE_SIZE, Paged, Row, State};

use crate::model::forward::{Drawing, Entry, Forward, Read, Readback};
use crate::model::pools::{Block, Pools, Room};
use crate::sampler::{Sampler, Sampling};
use crate::{ErrorKind, Result};
use rule::greatest;

/// The id that ends an answer.
pub(crate) const EOS: u32 = 2;

/// What is added to the tokens of a sequence that is stretched.
pub(super) const STRETCHED: u32 = 1 << 20;

/// A token after which nothing is a number.
pub(super) const POISON: u32 = 200;

pub(crate) struct Fake {
    facts: Model,
    pools: Pools,
    /// The token at each place of the cache of each group of layers.
    caches: Vec<Vec<u32>>,
    sampled: Vec<u32>,
    /// By sequence.
    drawn: Vec<Option<Drawn>>,
    /// By sequence: what is added to tokens that its cache holds.
    stretched: Vec<u32>,
    /// Pages that the device has memory for in each group.
    pub(super) memory: u32,
    pub(super) mixes: bool,
    /// Entry and rows of each step.
    pub(super) log: Vec<(Entry, usize)>,
    /// Steps until the device breaks.
    pub(crate) breaks_after: Option<usize>,
    /// Ids from here on are greatest now and then, though they mean nothing.
    pub(super) padded_from: u32,
    /// Whether the device has been asked for larger caches, and has not said whether there are any.
    asked: bool,
}

/// How ids of a sequence are drawn, and how often each was.
#[derive(Clone)]
struct Drawn {
    sampling: Sampling,
    counts: BTreeMap<u32, u32>,
    active: u32,
}

/// A readback that comes late.
pub(crate) struct Later {
    polls: u8,
    readback: Option<Readback>,
}

impl Future for Later {
    type Output = Result<Readback>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls > 0 {
            self.polls -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.readback.take().expect("a step is read once")))
    }
}

impl Fake {
    /// A model of 264 tokens with chunks of 4 rows and batches of 3, and so many tokens in its cache.
    pub(crate) fn new(context: u32, cache: u32, window: Option<u32>) -> Fake {
        Fake::with_groups(context, &[(cache, window)])
    }

    /// As [`Fake::new`], with layers in several groups: tokens in their caches, and how many they look back.
    pub(crate) fn with_groups(context: u32, groups: &[(u32, Option<u32>)]) -> Fake {
        let group = |(layer, &(_, window)): (u32, &(u32, Option<u32>))| {
            State::Paged(Paged { layers: vec![layer], kv_heads: 1, head_dim: 1, format: Dtype::F32, window })
        };
        let facts = Model {
            architecture: "fake".into(),
            quantization: "q0f32".into(),
            vocab_size: 264,
            hidden_size: 1,
            layers: groups.len() as u32,
            query_heads: 1,
            context_window_size: context,
            state: (0..).zip(groups).map(group).collect(),
            prefill_chunk_size: 4,
            max_batch_size: 3,
            activations: Activations::Float,
            stretched_after: None,
            fingerprint: tegula_plan::Fingerprint::default(),
        };
        let pages: Vec<u32> = groups.iter().map(|(tokens, _)| tokens / PAGE_SIZE).collect();
        let mut pools = Pools::new(&facts, &pages);
        (0..groups.len()).for_each(|group| pools.grown(group, pages[group]));
        Fake {
            facts,
            pools,
            caches: groups.iter().map(|(tokens, _)| vec![0; *tokens as usize]).collect(),
            sampled: vec![0; 3],
            drawn: vec![None; 3],
            stretched: vec![0; 3],
            memory: u32::MAX,
            mixes: true,
            log: Vec::new(),
            breaks_after: None,
            padded_from: 264,
            asked: false,
        }
    }

    /// With caches that begin small.
    pub(super) fn growing(mut self) -> Fake {
        (0..self.caches.len()).for_each(|group| self.pools.grown(group, 1));
        self
    }

    /// With ids from here on that mean nothing.
    pub(super) fn padded(self, from: u32) -> Fake {
        Fake { padded_from: from, ..self }
    }

    /// Whose tokens all count as others once a sequence has more than so many.
    pub(super) fn stretched_after(mut self, tokens: u32) -> Fake {
        self.facts.stretched_after = Some(tokens);
        self
    }

    pub(super) fn available(&self) -> Vec<u32> {
        self.pools.available()
    }
}

/// Lets others run once.
async fn yield_now() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Forward for Fake {
    type Pending = Later;

    fn facts(&self) -> &Model {
        &self.facts
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        Some(match entry {
            Entry::Prefill => 4,
            Entry::Decode => 1,
            Entry::Batch | Entry::Score => 3,
        })
    }

    fn mixes(&self) -> bool {
        self.mixes
    }

    fn capacity(&self) -> u32 {
        self.pools.capacity(&self.facts)
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        self.pools.reserve(sequence, next, tokens)
    }

    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>> {
        async {
            // As a browser, which tells late whether there is memory: whoever is dropped meanwhile asks again.
            if !std::mem::replace(&mut self.asked, true) {
                yield_now().await;
            }
            self.asked = false;
            for group in 0..self.caches.len() {
                let Some(sizes) = self.pools.growth(group) else { continue };
                for pages in sizes {
                    if pages <= self.memory {
                        self.pools.grown(group, pages);
                        break;
                    }
                    self.pools.refuse(group, pages);
                }
            }
            Ok(())
        }
        .boxed_local()
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
        self.drawn[sequence as usize] =
            drawing.map(|Drawing { sampling, counts, active }| Drawn { sampling: sampling.clone(), counts: counts.clone(), active });
    }

    fn stretch(&mut self, sequence: u32, stretched: bool) {
        self.stretched[sequence as usize] = if stretched { STRETCHED } else { 0 };
    }

    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Later> {
        assert!((1..=self.max_rows(entry).unwrap() as usize).contains(&rows.len()));
        if self.breaks_after.is_some_and(|steps| self.log.len() >= steps) {
            return Err(tegula_gpu::Error::from(tegula_gpu::ErrorKind::Lost { reason: "unplugged".into() }).into());
        }
        self.log.push((entry, rows.len()));
        for row in &mut *rows {
            let token = if row.token == Row::SAMPLED { self.sampled[row.sequence as usize] } else { row.token };
            for (group, cache) in self.caches.iter_mut().enumerate() {
                let slot = self.pools.slot(group, row.sequence, row.position).expect("reserved");
                cache[slot as usize] = token + self.stretched[row.sequence as usize];
            }
        }
        let mut logits = Vec::new();
        let count = if entry == Entry::Prefill { read.rows as usize } else { rows.len() };
        let mut readers = BTreeSet::new();
        for row in &rows[rows.len() - count..] {
            assert!(entry == Entry::Score || readers.insert(row.sequence), "one row of a sequence gets logits");
            let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
            for (group, window) in self.facts.paged().map(|group| group.window).enumerate() {
                for position in window.map_or(0, |window| (row.position + 1).saturating_sub(window))..=row.position {
                    let slot = self.pools.slot(group, row.sequence, position).expect("kept as long as it is seen");
                    let token = self.caches[group][slot as usize];
                    assert_eq!(*seen.entry(position).or_insert(token), token, "all groups hold the same tokens");
                }
            }
            let tokens = seen.into_values();
            let after = self.logits_after(tokens, row.position);
            let sampled = &mut self.sampled[row.sequence as usize];
            if read.greatest {
                *sampled = greatest(&after);
            }
            if let Some(Drawn { sampling, counts, active }) = self.drawn[row.sequence as usize].as_mut().filter(|_| read.drawn) {
                let mut logits = after[..*active as usize].to_vec();
                *sampled = Sampler::default().pick(&mut logits, sampling, counts, row.position + 1).unwrap_or(u32::MAX);
                *counts.entry(*sampled).or_default() += 1;
            }
            logits.push(after);
        }
        let readback = Readback {
            sampled: if read.ids() { self.sampled.clone() } else { Vec::new() },
            logits: logits.into_iter().take(read.logits as usize).flatten().collect(),
        };
        Ok(Later { polls: 2, readback: Some(readback) })
    }
}

/// A device error has its class.
#[test]
fn a_lost_device_is_told_by_its_code() {
    let mut fake = Fake::new(64, 64, None);
    fake.breaks_after = Some(0);
    assert_eq!(fake.reserve(0, 1, 1), Room::Ready);
    let mut rows = [Row { token: 5, position: 0, slot: 0, sequence: 0 }];
    let error = fake.submit(Entry::Decode, &mut rows, Read::GREATEST).err().unwrap();
    assert_eq!(error.code(), "DeviceLostError");
    assert!(matches!(error.kind(), ErrorKind::Gpu(_)));
}
