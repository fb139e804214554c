//! Which beginnings of sequences the caches still hold: a tree whose nodes are pages.
//!
//! A path from the root spells tokens, a page's worth at each node. A node holds what every group of layers has for its tokens, after all
//! those above it: keys and values depend on what came before, so that equal tokens behind different ones are different nodes. Whoever
//! begins like a path begins with its pages. Nobody writes to them again: a sequence writes behind them, into pages of its own.
//!
//! Layers with a window see only the last tokens. Of such layers a node may hold nothing. Then a sequence cannot begin so that its first
//! row would see that node.
//!
//! When pages are needed, the leaf that was used least recently goes. Its pages are free once no sequence holds them.

use std::collections::{BTreeMap, BTreeSet};

use tegula_plan::PAGE_SIZE;

use crate::model::pools::Block;

const PAGE: usize = PAGE_SIZE as usize;

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// Tokens that layers of each group look back. None where they see all.
    windows: Vec<Option<u32>>,
    nodes: Vec<Node>,
    /// Places in `nodes` that are not in use.
    spare: Vec<usize>,
    /// Of sequences whose positions are rotated in the one way, and in the other.
    roots: [Children; 2],
    /// Nodes without children, by when they were used last.
    leaves: BTreeSet<(u64, usize)>,
    clock: u64,
}

type Tokens = [u32; PAGE];
type Children = BTreeMap<Tokens, usize>;

#[derive(Debug)]
struct Node {
    tokens: Tokens,
    block: Block,
    parent: Option<usize>,
    /// Which of the roots it is below.
    root: usize,
    children: Children,
    /// When it was used last.
    used: u64,
}

impl Prefixes {
    /// An empty tree, for groups of layers with these windows.
    pub(super) fn new(windows: Vec<Option<u32>>) -> Prefixes {
        Prefixes { windows, ..Prefixes::default() }
    }

    /// What the caches hold of the beginning of a sequence: whole pages, and not the last token, whose row gives the next one.
    pub(super) fn find(&mut self, ids: &[u32], stretched: bool) -> Vec<Block> {
        self.clock += 1;
        let most = ids.len().saturating_sub(1) / PAGE;
        let path = self.path(ids, usize::from(stretched), most);
        let whole = (1..=path.len()).rev().find(|&pages| self.is_complete(&path[..pages])).unwrap_or(0);
        for &node in &path[..whole] {
            self.touch(node);
        }
        path[..whole].iter().map(|&node| self.nodes[node].block.clone()).collect()
    }

    /// The nodes of a sequence's first pages, as far as there are any.
    fn path(&self, ids: &[u32], root: usize, most: usize) -> Vec<usize> {
        let (mut path, mut children) = (Vec::new(), &self.roots[root]);
        for tokens in ids.as_chunks::<PAGE>().0.iter().take(most) {
            let Some(&node) = children.get(tokens) else { break };
            path.push(node);
            children = &self.nodes[node].children;
        }
        path
    }

    /// Whether a sequence can begin with these nodes: each group holds what the next row sees.
    fn is_complete(&self, path: &[usize]) -> bool {
        let next = path.len() * PAGE;
        self.windows.iter().enumerate().all(|(group, window)| {
            let first = window.map_or(0, |window| (next + 1).saturating_sub(window as usize) / PAGE);
            path[first.min(path.len())..].iter().all(|&node| self.nodes[node].block[group].is_some())
        })
    }

    fn touch(&mut self, node: usize) {
        let Node { used, children, .. } = &mut self.nodes[node];
        let before = std::mem::replace(used, self.clock);
        if children.is_empty() {
            self.leaves.remove(&(before, node));
            self.leaves.insert((self.clock, node));
        }
    }

    /// Adds the whole pages of `ids`. `keep` gives what the caches hold for a page, by its number, with one more holder; it is asked only for
    /// what is new. `free` lets go of it.
    ///
    /// The pages of layers with a window are kept only where a sequence that goes on behind `ids` sees them, if `ends`: whoever begins like
    /// a sequence begins where it ended, mostly.
    pub(super) fn insert(
        &mut self,
        ids: &[u32],
        stretched: bool,
        ends: bool,
        mut keep: impl FnMut(usize) -> Block,
        mut free: impl FnMut(&Block),
    ) {
        self.clock += 1;
        let root = usize::from(stretched);
        let whole = ids.len() / PAGE;
        let mut parent = None;
        for (index, tokens) in ids.as_chunks::<PAGE>().0.iter().enumerate() {
            // With one page more, since the last token of a prompt is always computed again.
            let seen = |window: u32| ends && (index + 2) * PAGE + window as usize > whole * PAGE;
            let wanted: Vec<bool> = self.windows.iter().map(|window| window.is_none_or(seen)).collect();
            let children = parent.map_or(&self.roots[root], |parent: usize| &self.nodes[parent].children);
            let node = match children.get(tokens) {
                Some(&node) => {
                    let held = &self.nodes[node].block;
                    if held.iter().zip(&wanted).any(|(page, wanted)| page.is_none() && *wanted) {
                        let lacks: Vec<bool> = held.iter().zip(&wanted).map(|(page, wanted)| page.is_none() && *wanted).collect();
                        let more = part(&keep(index), &lacks, &mut free);
                        let block = &mut self.nodes[node].block;
                        block.iter_mut().zip(&more).for_each(|(page, more)| *page = page.or(*more));
                    }
                    node
                }
                None => self.add(parent, root, *tokens, part(&keep(index), &wanted, &mut free)),
            };
            self.touch(node);
            parent = Some(node);
        }
    }

    fn add(&mut self, parent: Option<usize>, root: usize, tokens: Tokens, block: Block) -> usize {
        let node = Node { tokens, block, parent, root, children: Children::new(), used: self.clock };
        let place = match self.spare.pop() {
            Some(place) => {
                self.nodes[place] = node;
                place
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        if let Some(parent) = parent {
            self.leaves.remove(&(self.nodes[parent].used, parent));
        }
        parent.map_or(&mut self.roots[root], |parent| &mut self.nodes[parent].children).insert(tokens, place);
        self.leaves.insert((self.clock, place));
        place
    }

    /// Takes out the leaf that was used least recently, and gives what it held. Nothing if the tree is empty.
    pub(super) fn evict(&mut self) -> Option<Block> {
        let (_, place) = self.leaves.pop_first()?;
        let Node { tokens, parent, root, .. } = self.nodes[place];
        let siblings = parent.map_or(&mut self.roots[root], |parent| &mut self.nodes[parent].children);
        siblings.remove(&tokens);
        if let Some(parent) = parent
            && self.nodes[parent].children.is_empty()
        {
            self.leaves.insert((self.nodes[parent].used, parent));
        }
        self.spare.push(place);
        Some(std::mem::take(&mut self.nodes[place].block))
    }

    /// Tokens of all nodes.
    #[cfg(test)]
    pub(super) fn tokens(&self) -> usize {
        (self.nodes.len() - self.spare.len()) * PAGE
    }
}

/// The pages of a block that are wanted. The others are let go of.
fn part(block: &[Option<u32>], wanted: &[bool], free: &mut impl FnMut(&Block)) -> Block {
    let some = |which: bool| block.iter().zip(wanted).map(|(page, wanted)| page.filter(|_| *wanted == which)).collect();
    free(&some(false));
    some(true)
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
pub(super) mod tests;
