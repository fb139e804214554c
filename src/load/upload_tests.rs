//! Shards cut at every odd place, against the same bytes taken apart by hand.

use super::{Extent, Kept, Target, Upload};
use crate::model::{Place, Sink};
use half::{bf16, f16};
use std::collections::BTreeMap;
use tegula_package::Element;

/// Buffers in plain memory, which refuse what a GPU would.
#[derive(Default)]
struct Memory {
    weights: BTreeMap<u32, Vec<u8>>,
    vectors: Vec<u8>,
    largest: usize,
}

impl Sink for Memory {
    fn write(&mut self, place: Place, offset: u64, bytes: &[u8]) {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4) && !bytes.is_empty(), "{place:?}: {} at {offset}", bytes.len());
        let buffer = match place {
            Place::Weight(param) => self.weights.entry(param).or_default(),
            Place::Vectors => &mut self.vectors,
        };
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        buffer.resize(buffer.len().max(end), 0xee);
        buffer[start..end].copy_from_slice(bytes);
        self.largest = self.largest.max(bytes.len());
    }
}

fn extent(offset: usize, bytes: usize, stored: Element, targets: &[(Place, u64, Kept)]) -> Extent {
    let targets = targets.iter().map(|&(place, offset, kept)| Target { place, offset, kept }).collect();
    Extent { offset: offset as u64, bytes: bytes as u64, stored, targets }
}

/// Pushes `shard` in slices of `slice` bytes.
fn pushed(shard: &[u8], extents: &[Extent], slice: usize) -> Memory {
    let (mut upload, mut memory) = (Upload::new(extents.to_vec()), Memory::default());
    for part in shard.chunks(slice) {
        upload.push(part, &mut memory);
    }
    assert_eq!(upload.position(), shard.len() as u64);
    memory
}

const VALUES: [f32; 5] = [1.0, -2.5, 0.125, 3.0e-5, 65504.0];

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

#[test]
fn records_arrive_whole_however_the_shard_is_cut() {
    let words: Vec<u8> = (0..28).collect();
    let halves: Vec<u8> = VALUES.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
    let upper: Vec<u8> = VALUES.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect();
    let single = floats(VALUES);
    // An unwanted byte, then the records without padding, each at an odd offset, then unwanted bytes again.
    let shard = [&[9][..], &words, &halves, &upper, &[7, 7], &single, &halves, &[1, 2, 3]].concat();
    let extents = [
        extent(1, 28, Element::U32, &[(Place::Weight(4), 0, Kept::AsStored)]),
        extent(29, 10, Element::F16, &[(Place::Vectors, 16, Kept::F32), (Place::Weight(5), 0, Kept::AsStored)]),
        extent(39, 10, Element::Bf16, &[(Place::Weight(6), 0, Kept::F32), (Place::Vectors, 48, Kept::F32)]),
        extent(51, 20, Element::F32, &[(Place::Weight(7), 0, Kept::F32)]),
        extent(71, 10, Element::F16, &[(Place::Weight(8), 0, Kept::AsStored)]),
    ];
    for slice in [1, 2, 3, 5, 7, 11, 30, shard.len()] {
        let memory = pushed(&shard, &extents, slice);
        let padded = [&halves[..], &[0, 0]].concat();
        let rounded = floats(VALUES.map(|value| bf16::from_f32(value).to_f32()));
        let expected = [(4, words.clone()), (5, padded.clone()), (6, rounded.clone()), (7, single.clone()), (8, padded)];
        assert_eq!(memory.weights, BTreeMap::from(expected), "slices of {slice}");
        let halves = floats(VALUES.map(|value| f16::from_f32(value).to_f32()));
        assert_eq!(memory.vectors, [&[0xee; 16][..], &halves, &[0xee; 12], &rounded].concat(), "slices of {slice}");
    }
}

#[test]
fn large_tensors_are_converted_in_pieces() {
    let count = 100_001;
    let upper: Vec<u8> = (0..count).flat_map(|index| bf16::from_f32(index as f32).to_le_bytes()).collect();
    let expected = floats((0..count).map(|index| bf16::from_f32(index as f32).to_f32()));
    let extents = [extent(0, upper.len(), Element::Bf16, &[(Place::Weight(0), 0, Kept::F32)])];
    for slice in [4099, upper.len()] {
        let memory = pushed(&upper, &extents, slice);
        assert!(memory.weights[&0] == expected, "slices of {slice}");
        assert!(memory.largest <= 64 << 10, "{}", memory.largest);
    }
    // What needs no conversion is passed on as it came.
    let extents = [extent(2, upper.len() - 2, Element::U32, &[(Place::Weight(0), 0, Kept::AsStored)])];
    let memory = pushed(&upper, &extents, upper.len());
    assert_eq!(memory.weights[&0], upper[2..]);
    assert_eq!(memory.largest, upper.len() - 2);
}

#[test]
fn empty_tensors_and_shards_are_nothing() {
    let extents = [
        extent(0, 0, Element::U32, &[(Place::Weight(0), 0, Kept::AsStored)]),
        extent(0, 4, Element::U32, &[(Place::Weight(1), 0, Kept::AsStored)]),
    ];
    let memory = pushed(&[1, 2, 3, 4, 5], &extents, 1);
    assert_eq!(memory.weights, BTreeMap::from([(1, vec![1, 2, 3, 4])]));
    assert!(pushed(&[], &extents, 1).weights.is_empty());
    assert!(pushed(&[1, 2], &[], 1).weights.is_empty());
}
