//! How the rows of a step are grouped: what launch code and attention go by.
//!
//! The engine gives rows in order: rows of prompts, then a row each of the sequences that are to get logits. Neighbouring positions of one
//! sequence are a segment, which attention takes in tiles. Rows behind the last segment that stand alone are single rows, which attention
//! takes one by one, each sequence cut into parts.

use crate::model::forward::Entry;
use tegula_plan::{PAGE_SIZE, Row, StepSize};

/// Works out the numbers of a step. Writes what [`tegula_plan::Buffer::Segments`] holds: where segments begin, and where the last ends.
/// `read` is how many rows at the end of a `prefill` step get logits.
pub(crate) fn layout(entry: Entry, rows: &[Row], read: u32, segments: &mut Vec<u32>) -> StepSize {
    segments.clear();
    segments.push(0);
    let count = rows.len() as u32;
    let prompt = match entry {
        Entry::Decode | Entry::Batch => 0,
        Entry::Score => count,
        Entry::Prefill => first_single(rows),
    };
    for row in 1..=prompt {
        if row == prompt || !follows(rows, row) {
            segments.push(row);
        }
    }
    let longest = segments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let read = if entry == Entry::Prefill { read.clamp(1, count.max(1)) } else { count };
    // Attention of segments does not go by pages: so the table of launches is the same for most chunks of a prompt.
    let pages = rows[prompt as usize..].iter().map(|row| row.position / PAGE_SIZE + 1).max().unwrap_or(1);
    StepSize { rows: count, pages, prompt, segments: segments.len() as u32 - 1, longest, read }
}

/// Whether a row is at the next position of the sequence of the row before it.
fn follows(rows: &[Row], row: u32) -> bool {
    let [before, row] = [row - 1, row].map(|row| &rows[row as usize]);
    row.sequence == before.sequence && row.position == before.position + 1
}

/// The first of the single rows. A step that is one segment has none, however short that is.
fn first_single(rows: &[Row]) -> u32 {
    let count = rows.len() as u32;
    let alone = (1..count).rev().take_while(|&row| !follows(rows, row)).count() as u32;
    match count - alone {
        // No row follows another.
        1 if count > 1 => 0,
        // The last of these is the end of a segment.
        first => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(runs: &[(u32, u32, u32)]) -> Vec<Row> {
        let run = |&(sequence, first, count): &(u32, u32, u32)| {
            (first..first + count).map(move |position| Row { token: 0, position, slot: 0, sequence })
        };
        runs.iter().flat_map(run).collect()
    }

    #[test]
    fn segments_come_first_and_single_rows_last() {
        let mut segments = Vec::new();
        let mut of = |entry, runs: &[(u32, u32, u32)], read| {
            let size = layout(entry, &rows(runs), read, &mut segments);
            (size.members(), segments.clone())
        };
        assert_eq!(of(Entry::Prefill, &[(0, 40, 64)], 1), ([64, 1, 64, 1, 64, 1], vec![0, 64]), "a chunk alone");
        assert_eq!(of(Entry::Prefill, &[(2, 40, 1)], 1), ([1, 1, 1, 1, 1, 1], vec![0, 1]), "a chunk of one row");
        assert_eq!(of(Entry::Prefill, &[(0, 0, 5), (1, 99, 1), (2, 3, 1)], 2), ([7, 7, 5, 1, 5, 2], vec![0, 5]), "beside two that decode");
        assert_eq!(of(Entry::Prefill, &[(0, 0, 5), (1, 16, 4), (0, 5, 1)], 2), ([10, 1, 9, 2, 5, 2], vec![0, 5, 9]), "two prompts end");
        assert_eq!(
            of(Entry::Prefill, &[(1, 7, 1), (0, 0, 3)], 1),
            ([4, 1, 4, 2, 3, 1], vec![0, 1, 4]),
            "a short segment before a long one"
        );
        assert_eq!(of(Entry::Prefill, &[(1, 7, 1), (0, 31, 1)], 1), ([2, 2, 0, 0, 0, 1], vec![0]), "single rows only");
        assert_eq!(of(Entry::Batch, &[(0, 7, 1), (1, 40, 1)], 1), ([2, 3, 0, 0, 0, 2], vec![0]));
        assert_eq!(of(Entry::Batch, &[(0, 7, 2)], 1), ([2, 1, 0, 0, 0, 2], vec![0]), "in a batch every row is single");
        assert_eq!(of(Entry::Decode, &[(0, 7, 1)], 1), ([1, 1, 0, 0, 0, 1], vec![0]));
        assert_eq!(of(Entry::Score, &[(0, 7, 3)], 1), ([3, 1, 3, 1, 3, 3], vec![0, 3]));
    }
}
