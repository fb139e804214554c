//! Packages as checkpoints, from which other packages are made, and tensors that are stored in another
//! order.

use crate::checkpoints::{Element, Folder, Package, config, tensors};
use crate::{converted, options};
use std::ops::ControlFlow;
use std::sync::Arc;
use tegula_compiler::Config;
use tegula_compiler::convert::tensor_bytes;
use tegula_compiler::format::q4::codes as q4;
use tegula_package::mlc::shards::ShardWriter;
use tegula_package::recipe::{Parameter, Part, Store};
use tegula_package::{Checkpoint, Recipe, Tensor, mlc, safetensors};
use tegula_plan::{Dtype, Param};

/// Makes a package of one tensor, and gives its numbers.
fn made(parts: Vec<Part>, tensor: Param, rounded: bool) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let name = tensor.name.clone();
    let recipe = Recipe { parameters: vec![Parameter { name: name.clone(), parts, store: Store::Numbers { tensor, rounded } }] };
    let mut shards = ShardWriter::new(folder.path());
    recipe.run(&mut shards, &mut |_| ControlFlow::Continue(())).unwrap();
    shards.finish(1).unwrap();
    Package::open(folder.path()).numbers(&name)
}

fn tensor(checkpoint: &Checkpoint, name: &str) -> Tensor {
    checkpoint.get(name).unwrap_or_else(|| panic!("{name}")).clone()
}

/// What four bits were made of comes back to within half a step, read from the package.
#[test]
fn a_package_can_be_restored() {
    for (quantization, scale) in [("q4f16_1", q4::Scale::F16), ("q4f32_1", q4::Scale::F32)] {
        let folder = Folder::new(&config(&[]), &tensors(Element::F32));
        let (package, _) = converted(&folder, &options(quantization));
        let checkpoint = mlc::checkpoint::open(&folder.beside("package")).unwrap();
        let module = "model.layers.1.mlp.down_proj";
        let [words, scales] = ["q_weight", "q_scale"].map(|part| tensor(&checkpoint, &format!("{module}.{part}")));
        let (rows, columns) = (64, 172);
        let restored = Param::whole("restored".into(), vec![rows, columns], Dtype::F32);
        let restored = made(vec![Part::coded(&words, &scales, columns, Arc::new(scale)).unwrap()], restored, false);
        let (before, steps) = (folder.numbers(&format!("{module}.weight")), package.numbers(&format!("{module}.q_scale")));
        assert_eq!(restored.len(), before.len());
        for (index, (was, is)) in before.iter().zip(&restored).enumerate() {
            let (row, column) = (index / columns as usize, index % columns as usize);
            let step = steps[row * 6 + column / 32];
            assert!((was - is).abs() <= allowed(*was, step), "{quantization} {index}: {was} became {is}");
        }
        // A tensor that is not in codes is taken as it is, and a shard of another length is refused.
        assert!(
            tensor(&checkpoint, "model.norm.weight")
                .equals(&tensor(&safetensors::open(folder.path()).unwrap(), "model.norm.weight"))
                .unwrap()
        );
        std::fs::write(folder.beside("package").join("params_shard_0.bin"), b"short").unwrap();
        let error = mlc::checkpoint::open(&folder.beside("package")).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("params_shard_0.bin") && error.contains("it has 5 bytes"), "{error}");
    }
}

/// A linear layer whose matrix is stored as [inputs, outputs].
#[test]
fn a_matrix_of_inputs_by_outputs_is_turned() {
    let folder = Folder::new(&config(&[]), &tensors(Element::Bf16));
    let checkpoint = safetensors::open(folder.path()).unwrap();
    let name = "model.layers.0.mlp.up_proj.weight";
    let (before, turned) = (folder.numbers(name), Part::columns(&tensor(&checkpoint, name)).unwrap());
    let (rows, columns) = (172, 64);
    let target = Param::whole("turned".into(), vec![columns, rows], Dtype::F32);
    let after = made(vec![turned], target, false);
    for (index, value) in after.iter().enumerate() {
        let (column, row) = (index as u64 / rows, index as u64 % rows);
        assert_eq!(*value, before[(row * columns + column) as usize], "{index}");
    }
}

/// How far a weight may be from what four bits made of it: half a step, but a step more at the end that has one code less.
pub(super) fn allowed(was: f32, step: f32) -> f32 {
    step.abs() * if was / step < -7.5 { 1.5 } else { 0.500_001 }
}

#[test]
fn the_size_is_known_before() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F16));
    let parsed = Config::parse(&config(&[]).to_string()).unwrap();
    for name in ["q4f16_1", "q0f16"] {
        let (_, report) = converted(&folder, &options(name));
        assert_eq!(tensor_bytes(&parsed, options(name).quantization).unwrap(), report.bytes, "{name}");
    }
    // Single precision that fits bfloat16 is stored so: the size is the most it can be.
    let (_, report) = converted(&folder, &options("q0f32"));
    assert!(tensor_bytes(&parsed, options("q0f32").quantization).unwrap() >= report.bytes);
}
