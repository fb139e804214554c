//! The recipe of a package: each parameter of the graph, stacked from tensors of the checkpoint and
//! stored as the quantization says.

use super::ConvertOptions;
use crate::Error;
use crate::graph::{Change, Graph, GraphParam, Source};
use tegula_package::recipe::{Parameter, Part, Store};
use tegula_package::{Checkpoint, Recipe};

/// The recipe for the parameters of a graph.
///
/// # Errors
/// [`crate::ErrorKind::Package`] where the checkpoint lacks a tensor, or has one of another shape or
/// type.
pub(super) fn of(graph: &Graph, checkpoint: &Checkpoint, options: &ConvertOptions) -> Result<Recipe, Error> {
    let parameter = |param: GraphParam| {
        let parts = parts(&param, checkpoint)?;
        Ok::<_, Error>(Parameter { store: store(&param, options), name: param.name, parts })
    };
    Ok(Recipe { parameters: graph.params.iter().flat_map(tensors).map(parameter).collect::<Result<_, _>>()? })
}

/// A parameter, or each of those that a package has in its place.
fn tensors(param: &GraphParam) -> Vec<GraphParam> {
    if param.apart.is_empty() {
        return vec![param.clone()];
    }
    let piece = |((name, rows), source): (&(String, u64), &Source)| {
        let shape = [&[*rows], &param.shape[1..]].concat();
        GraphParam { name: name.clone(), sources: vec![source.clone()], apart: Vec::new(), shape, ..param.clone() }
    };
    param.apart.iter().zip(&param.sources).map(piece).collect()
}

/// The tensors whose rows make up a parameter.
fn parts(param: &GraphParam, checkpoint: &Checkpoint) -> Result<Vec<Part>, Error> {
    let part = |source: &Source| {
        let rest = &param.shape[1..];
        // A vector has but one order.
        if param.change == Change::Transpose && !rest.is_empty() {
            return Ok(Part::columns(checkpoint.tensor(&source.name, &[rest, &[source.of]].concat())?)?);
        }
        let tensor = checkpoint.tensor(&source.name, &[&[source.of], rest].concat())?;
        let part = Part::rows(&tensor.rows(source.first..source.first + source.rows))?;
        Ok(match param.change {
            Change::AddOne => part.plus(1.0),
            Change::UnitRows => part.unit_rows(),
            Change::None | Change::Transpose => part,
        })
    };
    param.sources.iter().map(part).collect()
}

/// How a parameter is stored.
fn store(param: &GraphParam, options: &ConvertOptions) -> Store {
    let mut tensors = options.quantization.params_of(param).into_iter();
    let first = tensors.next().expect("a parameter is stored in at least a tensor");
    match (options.quantization.format(param).codec(options.f32_as_bf16), tensors.next()) {
        (Some(codec), Some(scales)) => Store::Coded { words: first, scales, codec },
        _ => Store::Numbers { tensor: first, rounded: options.f32_as_bf16 },
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, ConvertOptions, GraphParam, Source, parts, store};
    use crate::quant::Quantization;
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use tegula_package::recipe::{Parameter, Sink};
    use tegula_package::{Checkpoint, Element, ErrorKind, MemorySource, Recipe, Result, Tensor};
    use tegula_plan::Param;

    /// Numbers that a recipe made.
    struct Made(Vec<u8>);

    impl Sink for Made {
        fn begin(&mut self, _: &Param, stored: Element) -> Result<()> {
            assert_eq!(stored, Element::Bf16, "all numbers here are exact");
            Ok(())
        }

        fn write(&mut self, bytes: &[u8]) -> Result<()> {
            self.0.extend(bytes);
            Ok(())
        }
    }

    /// A checkpoint with a tensor of 0, 1, 2, ….
    fn checkpoint(tensors: &[(&str, &[u64])]) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        for (name, shape) in tensors {
            let values: Vec<f32> = (0..shape.iter().product::<u64>()).map(|index| index as f32).collect();
            let mut bytes = vec![0; 4 * values.len()];
            Element::F32.narrow(&values, &mut bytes);
            let source = Arc::new(MemorySource::new(name, bytes));
            let (name, shape, dtype) = ((*name).to_owned(), shape.to_vec(), "F32".to_owned());
            let tensor = Tensor { name, shape, element: Element::F32, dtype, source: source.clone(), offset: 0 };
            checkpoint.add(source, [tensor]).unwrap();
        }
        checkpoint
    }

    fn made(shape: &[u64], change: Change, sources: &[(&str, u64)], stored: &[(&str, &[u64])]) -> Result<Vec<f32>, crate::Error> {
        let sources = sources.iter().map(|(name, rows)| Source::whole((*name).to_owned(), *rows)).collect();
        let param = GraphParam { name: "p".into(), sources, apart: Vec::new(), shape: shape.into(), quantize: false, change };
        let options = ConvertOptions { quantization: Quantization::parse("q0f32").unwrap(), f32_as_bf16: false };
        let parts = parts(&param, &checkpoint(stored))?;
        let recipe = Recipe { parameters: vec![Parameter { name: "p".into(), parts, store: store(&param, &options) }] };
        let mut made = Made(Vec::new());
        recipe.run(&mut made, &mut |_| ControlFlow::Continue(()))?;
        let mut values = vec![0.0; made.0.len() / 2];
        Element::Bf16.widen(&made.0, &mut values);
        Ok(values)
    }

    #[test]
    fn tensors_are_changed_as_the_graph_says() {
        let (a, b) = (("a", &[2u64, 3][..]), ("b", &[2, 1][..]));
        let turned = made(&[4, 2], Change::Transpose, &[("a", 3), ("b", 1)], &[a, b]).unwrap();
        assert_eq!(turned, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0, 0.0, 1.0]);
        assert_eq!(made(&[3], Change::Transpose, &[("c", 3)], &[("c", &[3])]).unwrap(), [0.0, 1.0, 2.0]);
        assert_eq!(made(&[3], Change::AddOne, &[("c", 3)], &[("c", &[3])]).unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!(made(&[2, 3], Change::None, &[("a", 2)], &[a]).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        // A tensor that is stored the other way round is told by the shape that it should have.
        let error = made(&[2, 3], Change::Transpose, &[("a", 2)], &[a]).unwrap_err();
        let ErrorKind::TensorShape { expected, .. } = error.package().unwrap() else { panic!("{error}") };
        assert_eq!(expected, &[3, 2]);
    }
}
