//! Rows in int8 on the CPU: what [`Quantize`] makes, and what matrix multiplications with [`super::matmul::Input::Int8`] read.

use super::norm::normed;
use super::quantize::Quantize;
use super::reference::{Launch, Operands, Words};

/// Where [`Quantize`] puts the elements of each eight: element `ORDER[i]` comes at place `i`. In this order the nibbles of a word of 4-bit
/// weights become bytes: first the lower ones of its bytes, then the upper ones.
pub const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

/// Words of a row of so many elements as [`Quantize`] leaves it.
#[must_use]
pub fn row_words(width: u32) -> u32 {
    let groups = width.div_ceil(32);
    8 * groups + groups.next_multiple_of(4)
}

/// Elements of a group.
const GROUP: usize = 32;

/// Where element `i` of a row lies: word and first bit.
fn place(i: usize) -> (usize, usize) {
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

/// What [`Quantize`] computes.
pub(super) fn quantize(spec: &Quantize, launch: &Launch, operands: &mut Operands) {
    let (width, words) = (spec.width as usize, row_words(spec.width) as usize);
    let mut output = operands.take("output");
    for (row, out) in output.chunks_mut(words).enumerate().take(launch.rows()) {
        let input = operands.read("input");
        let x: Vec<f64> = match spec.norm {
            Some(eps) => normed(input, operands.read("vectors"), launch, row, width, eps),
            None => (0..width).map(|i| input.float(row * width + i)).collect(),
        };
        out[..width.div_ceil(GROUP) * GROUP / 4].fill(0);
        for (group, x) in x.chunks(GROUP).enumerate() {
            let scale = x.iter().fold(0f64, |most, x| most.max(x.abs())) / 127.0;
            for (i, x) in x.iter().enumerate() {
                let byte = if scale * 127.0 > 1e-30 { (x / scale).round_ties_even() } else { 0.0 };
                set(out, group * GROUP + i, byte as i32);
            }
            set_scale(out, width, group, scale as f32);
        }
    }
    operands.give("output", output);
}

/// Compares rows that a kernel quantized with those of the reference. Scales agree to single precision. An element that is all but half way
/// between two bytes may become either, which is one in thousands: bytes may be one off, and of a hundred not more than one.
pub(super) fn compare(spec: &Quantize, found: &[u32], expected: &[u32]) -> Result<(), String> {
    let (width, words) = (spec.width as usize, row_words(spec.width) as usize);
    let (mut off, mut all) = (0, 0);
    for (row, (found, expected)) in found.chunks(words).zip(expected.chunks(words)).enumerate() {
        let groups = width.div_ceil(GROUP);
        for word in 0..groups * GROUP / 4 {
            for ([found, expected], place) in
                std::iter::zip(found[word].to_le_bytes(), expected[word].to_le_bytes()).map(<[u8; 2]>::from).zip(0..)
            {
                let [found, expected] = [found, expected].map(|byte| i32::from(byte as i8));
                if found.abs_diff(expected) > 1 {
                    return Err(format!("byte {place} of word {word} of row {row} is {found}, not {expected}"));
                }
                off += usize::from(found != expected);
                all += 1;
            }
        }
        for group in 0..groups {
            let at = groups * GROUP / 4 + group;
            let [found, expected] = [found, expected].map(|row| f32::from_bits(row[at]));
            let difference = (found - expected).abs();
            if difference.is_nan() || difference > 2e-5 * expected.abs() {
                return Err(format!("the scale of group {group} of row {row} is {found}, not {expected}"));
            }
        }
    }
    if off * 100 > all { Err(format!("{off} of {all} bytes are one off")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::step::Step;
    use super::super::{Op, Spec};
    use super::*;

    fn quantized(width: u32) -> (Quantize, Vec<u32>, Vec<f64>) {
        let spec = Quantize { width, norm: None };
        let step = Step { spec: Spec::from(spec), rows: 3, first: 0, segments: 1, pages: 1, splits: 1, cached: 1 };
        let (launch, mut operands) = step.operands(5);
        let input: Vec<f64> = operands.buffers["input"].iter().map(|bits| f64::from(f32::from_bits(*bits))).collect();
        spec.reference(&launch, &mut operands);
        (spec, operands.buffers["output"].clone(), input)
    }

    #[test]
    fn what_is_quantized_is_within_half_a_step() {
        for width in [32, 172, 256] {
            let (_, output, input) = quantized(width);
            for (row, x) in input.chunks(width as usize).enumerate() {
                let back = read(Words(&output), row, width as usize);
                for (group, (x, back)) in x.chunks(GROUP).zip(back.chunks(GROUP)).enumerate() {
                    let most = x.iter().fold(0f64, |most, x| most.max(x.abs()));
                    let worst = x.iter().zip(back).map(|(x, back)| (x - back).abs()).fold(0.0, f64::max);
                    if most <= 1e-30 {
                        assert!(back.iter().all(|back| *back == 0.0));
                        continue;
                    }
                    assert!(worst > 0.0 && worst <= most / 253.9, "{width}: group {group} is {worst} off, of {most}");
                }
            }
        }
    }

    #[test]
    fn elements_lie_where_nibbles_become_bytes() {
        let mut row = [0; 4];
        (0..16).for_each(|i| set(&mut row, i, i as i32));
        assert_eq!(row, [0x0604_0200, 0x0705_0301, 0x0e0c_0a08, 0x0f0d_0b09]);
        let word = 0x7654_3210u32;
        assert_eq!([word & 0x0f0f_0f0f, word >> 4 & 0x0f0f_0f0f], row[..2]);
    }

    #[test]
    fn rounding_the_wrong_way_is_seen() {
        let (spec, right, _) = quantized(172);
        assert_eq!(compare(&spec, &right, &right), Ok(()));
        let changed = |change: &dyn Fn(usize, i32) -> i32| {
            let mut wrong = right.clone();
            for row in wrong.chunks_mut(row_words(172) as usize) {
                for i in 0..172 {
                    let (word, shift) = place(i);
                    let byte = (row[word] >> shift) as u8 as i8;
                    set(row, i, change(i, i32::from(byte)));
                }
            }
            wrong
        };
        assert!(compare(&spec, &changed(&|i, byte| byte - i32::from(i % 50 == 40)), &right).is_err());
        assert!(compare(&spec, &changed(&|i, byte| byte - 2 * i32::from(i == 40)), &right).is_err());
        let mut scaled = right.clone();
        scaled[6 * 8 + 1] += 1000;
        assert!(compare(&spec, &scaled, &right).is_err());
    }
}
