//! The recipe of a package: each parameter of the graph, stacked from tensors of the checkpoint and
//! stored as the quantization says.

use super::ConvertOptions;
use crate::Error;
use crate::graph::{Change, Graph, GraphParam, Source};
use crate::quant::q4;
use std::sync::Arc;
use tegula_package::recipe::{Parameter, Part, Store};
use tegula_package::{Checkpoint, Recipe};
use tegula_plan::Dtype;

/// The recipe for the parameters of a graph.
///
/// # Errors
/// [`crate::ErrorKind::Package`] where the checkpoint lacks a tensor, or has one of another shape or
/// type.
pub(super) fn of(graph: &Graph, checkpoint: &Checkpoint, options: &ConvertOptions) -> Result<Recipe, Error> {
    let parameter = |param: &GraphParam| {
        let parts = parts(param, checkpoint)?;
        Ok::<_, Error>(Parameter { name: param.name.clone(), parts, store: store(param, options) })
    };
    Ok(Recipe { parameters: graph.params.iter().map(parameter).collect::<Result<_, _>>()? })
}

/// The tensors that make up a parameter.
fn parts(param: &GraphParam, checkpoint: &Checkpoint) -> Result<Vec<Part>, Error> {
    let part = |source: &Source| {
        let shape = match (param.change, param.shape.as_slice()) {
            (Change::Transpose, [rows, _]) => vec![source.rows, *rows],
            (_, shape) => [&[source.rows], &shape[1..]].concat(),
        };
        let tensor = checkpoint.tensor(&source.name, &shape)?.clone();
        Ok(match param.change {
            Change::None => Part::Rows(tensor),
            Change::Transpose => Part::Columns(tensor),
            Change::AddOne => Part::Raised(tensor),
        })
    };
    param.sources.iter().map(part).collect()
}

/// How a parameter is stored.
fn store(param: &GraphParam, options: &ConvertOptions) -> Store {
    let mut tensors = options.quantization.params_of(param).into_iter();
    let (first, second) = (tensors.next().expect("a parameter is stored in at least a tensor"), tensors.next());
    let Some(scales) = second else { return Store::Numbers { tensor: first, rounded: options.f32_as_bf16 } };
    let scale = match scales.dtype {
        Dtype::F16 => q4::Scale::F16,
        _ if options.f32_as_bf16 => q4::Scale::Bf16,
        _ => q4::Scale::F32,
    };
    Store::Coded { words: first, scales, codec: Arc::new(scale) }
}
