//! The tree against a list of all that was ever put into it.

use std::collections::BTreeMap;

use super::*;

/// Numbers that look random and are the same each time.
pub(in crate::engine) struct Random(pub(in crate::engine) u64);

impl Random {
    /// A number below `end`.
    pub(in crate::engine) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % end
    }
}

fn ids(pages: &[u32]) -> Vec<u32> {
    pages.iter().flat_map(|&page| (0..PAGE_SIZE).map(move |token| page * 100 + token)).collect()
}

fn pages(blocks: &[Block]) -> Vec<Option<u32>> {
    blocks.iter().map(|block| block[0]).collect()
}

/// Adds pages, of which the cache's numbers count up from `first`.
fn insert(tree: &mut Prefixes, path: &[u32], ends: bool, first: u32) -> Vec<Option<u32>> {
    let groups = tree.windows.len();
    let mut freed = Vec::new();
    tree.insert(
        &ids(path),
        false,
        ends,
        |page| vec![Some(first + page as u32); groups].into(),
        |block| freed.extend(block.iter().flatten().copied()),
    );
    freed.into_iter().map(Some).collect()
}

#[test]
fn a_sequence_begins_with_whole_pages_and_computes_its_last_token() {
    let mut tree = Prefixes::new(vec![None]);
    insert(&mut tree, &[1, 2, 3], true, 10);
    let mut like = ids(&[1, 2, 3]);
    assert_eq!(pages(&tree.find(&like, false)), [Some(10), Some(11)], "its last token is computed");
    like.push(7);
    assert_eq!(pages(&tree.find(&like, false)), [Some(10), Some(11), Some(12)]);
    like[20] = 0;
    assert_eq!(pages(&tree.find(&like, false)), [Some(10)], "half a page is none");
    assert_eq!(tree.find(&[], false), Vec::<Block>::new());
    // What is there already stays as it is.
    insert(&mut tree, &[1, 2, 4], true, 20);
    assert_eq!(pages(&tree.find(&ids(&[1, 2, 4, 9]), false)), [Some(10), Some(11), Some(22)]);
}

#[test]
fn stretched_sequences_have_pages_of_their_own() {
    let mut tree = Prefixes::new(vec![None]);
    insert(&mut tree, &[1, 2], true, 10);
    let like = ids(&[1, 2, 3]);
    assert_eq!(tree.find(&like, true), Vec::<Block>::new());
    let mut none = |_: &Block| {};
    tree.insert(&ids(&[1]), true, true, |_| vec![Some(30)].into(), &mut none);
    assert_eq!(pages(&tree.find(&like, true)), [Some(30)]);
    assert_eq!(pages(&tree.find(&like, false)), [Some(10), Some(11)]);
    let mut gone: Vec<_> = std::iter::from_fn(|| tree.evict()).map(|block| block[0]).collect();
    gone.sort();
    assert_eq!(gone, [Some(10), Some(11), Some(30)]);
}

#[test]
fn the_leaf_that_was_used_least_recently_goes_first() {
    let mut tree = Prefixes::new(vec![None]);
    insert(&mut tree, &[1, 2], true, 10);
    insert(&mut tree, &[1, 3], true, 20);
    insert(&mut tree, &[4], true, 30);
    tree.find(&ids(&[1, 2, 9]), false);
    let order: Vec<Option<u32>> = std::iter::from_fn(|| tree.evict()).map(|block| block[0]).collect();
    assert_eq!(order, [Some(21), Some(30), Some(11), Some(10)]);
    assert_eq!(tree.tokens(), 0);
}

#[test]
fn layers_with_a_window_hold_the_end_only() {
    let mut tree = Prefixes::new(vec![Some(20), None]);
    let let_go = insert(&mut tree, &[1, 2, 3, 4, 5, 6], true, 10);
    assert_eq!(let_go, [Some(10), Some(11), Some(12)], "rows behind the end, or behind a page before it, see three pages");
    let held = tree.find(&ids(&[1, 2, 3, 4, 5, 6, 7]), false);
    assert_eq!(held.iter().map(|block| block[0].is_some()).collect::<Vec<_>>(), [false, false, false, true, true, true]);
    assert_eq!(tree.find(&ids(&[1, 2, 3, 9]), false), Vec::<Block>::new(), "its first row would see what is gone");
    // A sequence that ends there brings it.
    let let_go = insert(&mut tree, &[1, 2, 3], true, 30);
    assert_eq!(let_go, [Some(30), Some(31), Some(32)], "those of the layers without a window are there");
    assert_eq!(tree.find(&ids(&[1, 2, 3, 9]), false).len(), 3);
    // In the middle of a prompt there is nothing to keep.
    assert_eq!(insert(&mut tree, &[8, 9], false, 40), [Some(40), Some(41)]);
}

/// Paths of random pages, found, added and evicted; a map from each path to its page says what must come of it.
#[test]
fn the_tree_is_the_map_of_all_its_paths() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut tree = Prefixes::new(vec![None]);
    let mut all: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let mut next = 0;
    for _ in 0..20_000 {
        let path: Vec<u32> = (0..=random.below(6)).map(|_| random.below(3)).collect();
        match random.below(4) {
            0 => {
                let first = next;
                next += 100;
                insert(&mut tree, &path, true, first);
                for depth in 1..=path.len() {
                    all.entry(path[..depth].to_vec()).or_insert(first + depth as u32 - 1);
                }
            }
            1 => match tree.evict() {
                Some(block) => {
                    let page = block[0].unwrap();
                    let gone = all.iter().find(|(_, held)| **held == page).map(|(path, _)| path.clone()).expect("it was put in");
                    assert!(!all.keys().any(|path| path.len() > gone.len() && path.starts_with(&gone)), "a leaf");
                    all.remove(&gone);
                }
                None => assert!(all.is_empty()),
            },
            _ => {
                let found = pages(&tree.find(&ids(&[&path[..], &[9]].concat()), false));
                let expected: Vec<_> = (1..=path.len()).map_while(|depth| all.get(&path[..depth])).map(|page| Some(*page)).collect();
                assert_eq!(found, expected, "{path:?}");
            }
        }
        assert_eq!(tree.tokens(), all.len() * PAGE);
    }
}
