//! Rows in int8 on the CPU: how they lie. [`super::quantize`] makes them, and matrix multiplications of many rows read them.

use crate::operand::{Random, Words};

/// Where the elements of each eight lie: element `ORDER[i]` comes at place `i`. In this order the nibbles of a word of 4-bit
/// weights become bytes: first the lower ones of its bytes, then the upper ones.
pub const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

/// Words of a row of so many elements.
#[must_use]
pub fn row_words(width: u32) -> u32 {
    let groups = width.div_ceil(32);
    8 * groups + groups.next_multiple_of(4)
}

/// Elements of a group.
pub(super) const GROUP: usize = 32;

/// Random rows, each group with a scale of its own, and zeros behind the end.
pub(super) fn random(random: &mut Random, rows: usize, width: usize) -> Vec<u32> {
    let mut words = vec![0; rows * row_words(width as u32) as usize];
    for row in words.chunks_mut(row_words(width as u32) as usize) {
        (0..width).for_each(|i| set(row, i, (random.next() % 255) as i32 - 127));
        (0..width.div_ceil(GROUP)).for_each(|group| set_scale(row, width, group, random.between(0.004, 0.016)));
    }
    words
}

/// Where element `i` of a row lies: word and first bit.
pub(super) fn place(i: usize) -> (usize, usize) {
    let at = ORDER.iter().position(|element| *element == i % 8).expect("the order has each of eight elements");
    (i / 8 * 2 + at / 4, 8 * (at % 4))
}

/// Sets element `i` of a row.
pub(super) fn set(row: &mut [u32], i: usize, byte: i32) {
    let (word, shift) = place(i);
    row[word] = row[word] & !(0xff << shift) | (byte as u32 & 0xff) << shift;
}

/// Sets the scale of a group of a row of `width` elements.
pub(super) fn set_scale(row: &mut [u32], width: usize, group: usize, scale: f32) {
    row[width.div_ceil(GROUP) * GROUP / 4 + group] = scale.to_bits();
}

/// The elements of a row of `width`, each times its scale.
pub(super) fn read(input: Words<'_>, row: usize, width: usize) -> Vec<f64> {
    let first = row * row_words(width as u32) as usize;
    let scales = first + width.div_ceil(GROUP) * GROUP / 4;
    let element = |i: usize| {
        let (word, shift) = place(i);
        let byte = (input.word(first + word) >> shift) as u8 as i8;
        f64::from(byte) * input.float(scales + i / GROUP)
    };
    (0..width).map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::set;

    #[test]
    fn elements_lie_where_nibbles_become_bytes() {
        let mut row = [0; 4];
        (0..16).for_each(|i| set(&mut row, i, i as i32));
        assert_eq!(row, [0x0604_0200, 0x0705_0301, 0x0e0c_0a08, 0x0f0d_0b09]);
        let word = 0x7654_3210u32;
        assert_eq!([word & 0x0f0f_0f0f, word >> 4 & 0x0f0f_0f0f], row[..2]);
    }
}
