//! `tegula logits`: the logits at every position of a prompt, for comparing them with other implementations.

use anyhow::{Result, ensure};
use serde::Serialize;
use tegula::model::forward::{Entry, Forward, Read};
use tegula::model::step::Model;
use tegula_plan::Row;

use crate::args::{Logits, Through};
use crate::open::{NAME, Opened, Opening};
use crate::report;

/// Logits that are shown of each position.
const TOP: usize = 8;

/// What `--json` prints. Numbers have as many digits as it takes to read the same f32 back.
#[derive(Serialize)]
struct Output {
    positions: Vec<Position>,
    last: Vec<f32>,
}

#[derive(Serialize)]
struct Position {
    top: Vec<(u32, f32)>,
}

/// Prints the logits after each of the ids.
pub fn logits(args: &Logits) -> Result<()> {
    let opening = Opening::begin(&args.model)?;
    opening.check(&args.ids, 0)?;
    let opened = opening.load()?;
    let mut output = Output { positions: Vec::with_capacity(args.ids.len()), last: Vec::new() };
    let visit = |_: usize, logits: &[f32]| {
        output.positions.push(Position { top: top(logits) });
        output.last.clear();
        output.last.extend_from_slice(logits);
    };
    match args.through {
        Through::Prefill => pollster::block_on(opened.host()?.host.score(NAME, &args.ids, visit))?,
        Through::Decode => one_by_one(opened, &args.ids, visit)?,
    }
    ensure!(
        output.last.iter().all(|logit| logit.is_finite()),
        "the logits are not finite: the weights are damaged, or overflow in this precision"
    );
    if args.json {
        return report::print_json(&output);
    }
    let mut text = String::new();
    for (position, Position { top }) in output.positions.iter().enumerate() {
        let top: Vec<String> = top.iter().map(|(id, logit)| format!("{id} {logit:.4}")).collect();
        text += &format!("{position}: {}\n", top.join(", "));
    }
    report::print_text(&text)
}

/// Feeds one token a step, as decoding does.
fn one_by_one(opened: Opened, ids: &[u32], mut visit: impl FnMut(usize, &[f32])) -> Result<()> {
    let mut model: Model = opened.model;
    let vocabulary = model.facts().vocab_size;
    ensure!(ids.iter().all(|&id| id < vocabulary), "an id is not in the vocabulary of {}", report::count(vocabulary, "token"));
    ensure!(ids.len() as u64 <= u64::from(model.capacity()), "the context holds {}", report::count(model.capacity(), "token"));
    for (position, &token) in ids.iter().enumerate() {
        let tokens = position as u32 + 1;
        model.forget(0, position as u32);
        ensure!(pollster::block_on(model.room(0, tokens))?, "no memory for {}", report::count(tokens, "token"));
        let mut row = [Row { token, position: position as u32, slot: 0, sequence: 0 }];
        let pending = model.submit(Entry::Decode, &mut row, Read::logits(1))?;
        visit(position, &pollster::block_on(pending)?.logits);
    }
    Ok(())
}

/// The greatest logits with their ids, the greatest first, and the smaller id first among equals.
fn top(logits: &[f32]) -> Vec<(u32, f32)> {
    let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
    let greater = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if all.len() > TOP {
        all.select_nth_unstable_by(TOP, greater);
        all.truncate(TOP);
    }
    all.sort_by(greater);
    all
}

#[cfg(test)]
mod tests {
    use super::{Output, Position, top};

    #[test]
    fn the_greatest_come_first_and_ties_by_id() {
        let mut logits = vec![0.0; 100];
        (logits[7], logits[90], logits[50]) = (3.0, 5.0, 3.0);
        let found = top(&logits);
        assert_eq!(found[..4], [(90, 5.0), (7, 3.0), (50, 3.0), (0, 0.0)]);
        assert_eq!(found.len(), 8);
        assert_eq!(top(&[1.0, 2.0]), [(1, 2.0), (0, 1.0)]);
    }

    #[test]
    fn numbers_read_back_as_they_were() {
        let output = Output { positions: vec![Position { top: vec![(3, 0.1)] }], last: vec![0.1, 1.0 / 3.0, -1e-7] };
        let json = serde_json::to_string(&output).unwrap();
        assert!(json.starts_with(r#"{"positions":[{"top":[[3,0.1]]}],"last":[0.1,"#), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        let last: Vec<f32> = read["last"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect();
        assert_eq!(last, output.last);
    }
}
