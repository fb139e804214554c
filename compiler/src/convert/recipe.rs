//! The recipe of a package: each parameter of the graph, stacked from tensors of the checkpoint and
//! stored as the quantization says.

use super::ConvertOptions;
use crate::Error;
use crate::graph::{Graph, GraphParam};
use crate::quant::q4;
use crate::spec::Format;
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

/// The tensors whose rows make up a parameter.
fn parts(param: &GraphParam, checkpoint: &Checkpoint) -> Result<Vec<Part>, Error> {
    let shape = |rows| [&[rows], &param.shape[1..]].concat();
    let part = |source: &crate::graph::Source| Ok(Part::rows(checkpoint.tensor(&source.name, &shape(source.rows))?)?);
    param.sources.iter().map(part).collect()
}

/// How a parameter is stored.
fn store(param: &GraphParam, options: &ConvertOptions) -> Store {
    let mut tensors = options.quantization.params_of(param).into_iter();
    let (first, second) = (tensors.next().expect("a parameter is stored in at least a tensor"), tensors.next());
    match (options.quantization.format(param), second) {
        (Format::Q4 { scale }, Some(scales)) => {
            let scale = match scale {
                Dtype::F16 => q4::Scale::F16,
                _ if options.f32_as_bf16 => q4::Scale::Bf16,
                _ => q4::Scale::F32,
            };
            Store::Coded { words: first, scales, codec: Arc::new(scale) }
        }
        _ => Store::Numbers { tensor: first, rounded: options.f32_as_bf16 },
    }
}
