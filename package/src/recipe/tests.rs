//! Recipes over checkpoints in memory, into tensors in memory.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tegula_plan::Dtype;

use super::toy::{Bytes, Made, in_columns, in_rows, numbers, param, tensor};
use super::{Codec, Maker, Parameter, Part, Recipe, Store};
use crate::{Element, ErrorKind, MemorySource, Result, Source, Tensor};

fn run(parts: Vec<Part>, store: Store) -> Result<Made> {
    let (mut made, name) = (Made::default(), "parameter".to_owned());
    let recipe = Recipe { parameters: vec![Parameter { name, parts, store }] };
    recipe.run(&mut made, &mut |_| ControlFlow::Continue(()))?;
    Ok(made)
}

#[test]
fn rows_of_several_tensors_are_stacked_in_another_type() {
    let one = tensor("one", &[2, 3], Element::F32, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.1]);
    let two = tensor("two", &[1, 3], Element::Bf16, &[7.0, 8.0, 9.0]);
    let made = run(vec![in_rows(one), in_rows(two)], numbers(&[3, 3], Dtype::F16)).unwrap();
    assert_eq!(made.0[0].0, param("out", &[3, 3], Dtype::F16));
    assert_eq!(made.numbers(0), [1.0, 2.0, 3.0, 4.0, 5.0, half::f16::from_f32(6.1).to_f32(), 7.0, 8.0, 9.0]);
    let gain = tensor("gain", &[3], Element::F16, &[1.0, -2.0, 3.5]);
    assert_eq!(run(vec![in_rows(gain).plus(1.0)], numbers(&[3], Dtype::F32)).unwrap().numbers(0), [2.0, -1.0, 4.5]);
    let none = tensor("none", &[0, 3], Element::F16, &[]);
    assert!(run(vec![in_rows(none)], numbers(&[0, 3], Dtype::F16)).unwrap().0[0].2.is_empty());
}

/// A matrix that is stored with its columns as rows, as GPT-2's linear layers are.
#[test]
fn columns_become_rows() {
    let stored = tensor("c_attn.weight", &[2, 3], Element::F32, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let more = tensor("more", &[1, 2], Element::F16, &[7.0, 8.0]);
    let made = run(vec![in_columns(stored), in_rows(more)], numbers(&[4, 2], Dtype::F32)).unwrap();
    assert_eq!(made.numbers(0), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 8.0]);
}

/// A source that knows what was read of it, and the most at a time.
struct Watched {
    inner: MemorySource,
    most: AtomicUsize,
    read: Mutex<Vec<Range<u64>>>,
}

impl Source for Watched {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }

    fn read(&self, ranges: &[Range<u64>], into: &mut [u8]) -> Result<()> {
        self.most.fetch_max(into.len(), Ordering::Relaxed);
        self.read.lock().unwrap().extend_from_slice(ranges);
        self.inner.read(ranges, into)
    }
}

/// Matrices of a million numbers and more, in rows of many lengths. Each byte is read once, a few at a
/// time.
#[test]
fn large_matrices_pass_in_pieces() {
    for (columns, rows) in [(3, 400_001), (700, 1600), (600_000, 2)] {
        let value = |row: u64, column: u64| ((row * 31 + column * 7) % 251) as f32 - 100.0;
        let expected: Vec<f32> = (0..rows * columns).map(|index| value(index / columns, index % columns)).collect();
        for transposed in [false, true] {
            let turned = || (0..rows * columns).map(|index| value(index % rows, index / rows)).collect();
            let (shape, values) = if transposed { ([columns, rows], turned()) } else { ([rows, columns], expected.clone()) };
            let mut bytes = vec![0; 2 * values.len()];
            Element::F16.narrow(&values, &mut bytes);
            let source = Arc::new(Watched { inner: MemorySource::new("large", bytes), most: 0.into(), read: Mutex::default() });
            let (name, dtype) = ("large".into(), "F16".into());
            let tensor = Tensor { name, shape: shape.into(), element: Element::F16, dtype, source: source.clone(), offset: 0 };
            let part = if transposed { in_columns(tensor) } else { in_rows(tensor) };
            let made = run(vec![part], numbers(&[rows, columns], Dtype::F16)).unwrap();
            assert!(made.numbers(0) == expected, "{columns} {rows} {transposed}");
            assert!(source.most.load(Ordering::Relaxed) <= 2 << 20);
            let mut read = source.read.lock().unwrap().clone();
            read.sort_by_key(|range| range.start);
            let end = read.iter().fold(0, |end, range| if range.start == end { range.end } else { u64::MAX });
            assert_eq!((end, read.len() > 1), (source.bytes(), true), "each byte is read once");
        }
    }
}

#[test]
fn numbers_become_codes_and_codes_become_numbers() {
    let values = [1.0, -0.5, 0.25, 127.0, 2.0, 0.0, -3.0, 12.7, 6.35, 1.3];
    let coded = |scale: Element, dtype: Dtype| {
        let stored = tensor("w", &[2, 5], Element::F32, &values);
        let (words, scales) = (param("w.codes", &[2, 2], Dtype::U32), param("w.scale", &[2, 1], dtype));
        run(vec![in_rows(stored)], Store::Coded { words, scales, codec: Arc::new(Bytes(scale)) }).unwrap()
    };
    let made = coded(Element::F32, Dtype::F32);
    assert_eq!((made.0[0].1, made.0[1].1), (Element::U32, Element::F32));
    assert_eq!(made.numbers(1), [1.0, 12.7 / 127.0]);
    let codec: Arc<dyn Codec> = Arc::new(Bytes(Element::F32));
    let restored = Part::coded(&made.tensor(0), &made.tensor(1), 5, codec).unwrap();
    let restored = run(vec![restored], numbers(&[2, 5], Dtype::F32)).unwrap().numbers(0);
    for (column, (was, is)) in values.iter().zip(&restored).enumerate() {
        assert!((was - is).abs() <= made.numbers(1)[column / 5] * 0.501, "{was} became {is}");
    }
    assert_eq!(coded(Element::F16, Dtype::F16).0[1].1, Element::F16);
}

/// Single precision is stored as bfloat16 if that holds all numbers of the parameter, in every part.
#[test]
fn exact_bfloat16_is_found() {
    let stored = |last: f32, rounded: bool| {
        let parts = vec![
            in_rows(tensor("a", &[1, 2], Element::F32, &[1.0, 0.5])),
            in_columns(tensor("b", &[2, 1], Element::Bf16, &[1.0, 0.5])),
            in_rows(tensor("c", &[1, 2], Element::F32, &[3.0, last])),
        ];
        run(parts, Store::Numbers { tensor: param("out", &[3, 2], Dtype::F32), rounded }).unwrap().0.remove(0).1
    };
    assert_eq!((stored(2.0, false), stored(0.1, false), stored(0.1, true)), (Element::Bf16, Element::F32, Element::Bf16));
}

/// What is not what it should be is refused before anything is read.
#[test]
fn parts_are_of_tensors_that_can_be_read() {
    let codes = |shape: &[u64]| Tensor { element: Element::U32, shape: shape.into(), ..tensor("codes", &[1], Element::F32, &[0.0]) };
    let other = || Tensor { element: Element::Other, dtype: "I64".into(), ..tensor("ids", &[1], Element::F32, &[0.0]) };
    let scales = |shape: &[u64]| tensor("scales", shape, Element::F16, &vec![1.0; shape.iter().product::<u64>() as usize]);
    let coded = |words: Tensor, scales: Tensor| Part::coded(&words, &scales, 5, Arc::new(Bytes(Element::F16)));
    assert!(coded(codes(&[3, 2]), scales(&[3, 1])).is_ok());
    for part in [Part::rows(&other()), Part::columns(&codes(&[1])), coded(scales(&[3, 2]), scales(&[3, 1])), coded(codes(&[3, 2]), other())]
    {
        assert!(matches!(part.map(|_| ()).unwrap_err().kind(), ErrorKind::TensorType { .. }));
    }
    for part in [coded(codes(&[3, 3]), scales(&[3, 1])), coded(codes(&[3, 2]), scales(&[2, 1])), coded(codes(&[]), scales(&[3, 1]))] {
        assert!(matches!(part.map(|_| ()).unwrap_err().kind(), ErrorKind::TensorShape { .. }));
    }
}

#[test]
fn a_number_that_cannot_be_stored_is_named_by_its_place_in_the_checkpoint() {
    let mut values = vec![1.0; 6];
    values[4] = 1e6;
    let coded = || Store::Coded {
        words: param("w.codes", &[2, 1], Dtype::U32),
        scales: param("w.scale", &[2, 1], Dtype::F16),
        codec: Arc::new(Bytes(Element::F16)),
    };
    let stored = || tensor("w", &[2, 3], Element::F32, &values);
    let before = || tensor("before", &[1, 3], Element::F32, &[0.0; 3]);
    for (parts, store) in [
        (vec![in_rows(before()), in_rows(stored())], numbers(&[3, 3], Dtype::F16)),
        (vec![in_columns(stored())], numbers(&[3, 2], Dtype::F16)),
        (vec![in_rows(stored())], coded()),
        (vec![in_columns(stored())], coded()),
    ] {
        let error = run(parts, store).map(|_| ()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TensorValue { name, position: 4, value: 1e6, dtype: "float16", .. } if name == "w"),
            "{error}"
        );
    }
}

/// Whoever reads in another way makes the same of it.
#[test]
fn a_recipe_runs_without_waiting_for_its_sources() {
    let values: Vec<f32> = (0..1200).map(|index| index as f32 / 7.0).collect();
    let recipe = || {
        let parts = vec![in_columns(tensor("a", &[40, 30], Element::F32, &values))];
        let exact = vec![in_rows(tensor("b", &[2, 2], Element::F32, &[1.0, 2.0, 3.0, 4.0]))];
        let store = Store::Coded {
            words: param("a.codes", &[30, 10], Dtype::U32),
            scales: param("a.scale", &[30, 1], Dtype::F32),
            codec: Arc::new(Bytes(Element::F32)),
        };
        let parameter = |parts, store| Parameter { name: String::new(), parts, store };
        Recipe { parameters: vec![parameter(parts, store), parameter(exact, numbers(&[2, 2], Dtype::F32))] }
    };
    let mut expected = Made::default();
    recipe().run(&mut expected, &mut |_| ControlFlow::Continue(())).unwrap();
    let (mut made, mut maker) = (Made::default(), Maker::default());
    for parameter in &recipe().parameters {
        let fetch = |piece: &super::Piece<'_>| {
            let mut bytes = Vec::new();
            for (source, range) in piece.reads().iter().flat_map(|read| read.ranges.iter().map(|range| (read.source, range))) {
                let mut part = vec![0; (range.end - range.start) as usize];
                source.read(std::slice::from_ref(range), &mut part).unwrap();
                bytes.extend(part);
            }
            bytes
        };
        let exact = parameter.undecided().all(|piece| maker.is_exact(&piece, &fetch(&piece)));
        maker.begin(parameter, exact, &mut made).unwrap();
        for piece in parameter.pieces() {
            maker.take(parameter, &piece, &fetch(&piece), &mut made).unwrap();
        }
        maker.end(parameter, &mut made).unwrap();
    }
    assert_eq!(made.0, expected.0);
    assert_eq!(made.0[2].1, Element::Bf16);
}

#[test]
fn progress_may_break_off() {
    let parts = || vec![in_rows(tensor("a", &[2, 2], Element::F32, &[1.0; 4])), in_rows(tensor("b", &[1, 2], Element::F16, &[1.0; 2]))];
    let recipe = Recipe { parameters: vec![Parameter { name: "p".into(), parts: parts(), store: numbers(&[3, 2], Dtype::F32) }] };
    let mut seen = Vec::new();
    let mut watch = |progress: super::Progress<'_>| {
        seen.push((progress.done, progress.total, progress.tensor.to_owned()));
        ControlFlow::Continue(())
    };
    recipe.run(&mut Made::default(), &mut watch).unwrap();
    assert_eq!(seen, [(16, 20, "p".to_owned()), (20, 20, "p".to_owned())]);
    let error = recipe.run(&mut Made::default(), &mut |_| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Interrupted));
}
