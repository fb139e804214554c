//! Dot products of packed int8, for browsers that lack them.
//!
//! `dot4I8Packed` is part of WGSL as a language feature, which a browser may lack. WGSL lets a text declare a function with the name of a
//! built-in one. So the kernel's text stays the same there, and the function is added to it.

/// The feature, by its name in `navigator.gpu.wgslLanguageFeatures`.
#[cfg(target_arch = "wasm32")]
pub(crate) const FEATURE: &str = "packed_4x8_integer_dot_product";

/// The same in plain WGSL: bytes are shifted to the top, and back down with their sign.
const FUNCTION: &str = "
fn dot4I8Packed(a: u32, b: u32) -> i32 {
    let up = vec4u(24u, 16u, 8u, 0u);
    return dot(bitcast<vec4i>(vec4u(a) << up) >> vec4u(24u), bitcast<vec4i>(vec4u(b) << up) >> vec4u(24u));
}
";

/// What is added to a text where the built-in function is missing: nothing if the text does not call it.
pub(crate) fn missing(wgsl: &str) -> &'static str {
    if wgsl.contains("dot4I8Packed(") { FUNCTION } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gpu, Options, Range, Usage};
    use futures::executor::block_on;
    use tegula_plan::{Kernel, KernelBinding, Requires};

    const TEXT: &str = "
@group(0) @binding(0) var<uniform> launch: vec4u;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<i32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = dot4I8Packed(input[id.x], input[id.x + launch.x]);
}
";

    #[test]
    fn only_texts_with_such_products_are_given_them() {
        assert_eq!(missing("fn main() {}"), "");
        assert!(missing(TEXT).contains("fn dot4I8Packed(a: u32, b: u32) -> i32"));
    }

    #[test]
    fn the_given_function_does_what_the_built_in_one_does() {
        let gpu = match block_on(Gpu::new(&Options::default())) {
            Ok(gpu) => gpu,
            Err(error) => return eprintln!("skipped: {error}"),
        };
        let input: Vec<u32> = (0..65u32).map(|i| i.wrapping_mul(0x9e37_79b9) ^ [0, 0x8080_8080, 0x7f7f_7f7f][i as usize % 3]).collect();
        let expected = |i: usize| {
            let [a, b] = [input[i], input[i + 1]].map(u32::to_le_bytes);
            std::iter::zip(a, b).map(|(a, b)| i32::from(a as i8) * i32::from(b as i8)).sum::<i32>()
        };
        let binding = |name: &str, writes| KernelBinding { name: name.into(), writes };
        let bindings = vec![binding("input", false), binding("output", true)];
        let kernel = Kernel { name: "test".into(), shader: 0, invocations: 64, workgroup_memory: 0, bindings };
        for text in [TEXT.to_owned(), [missing(TEXT), TEXT].concat()] {
            let pipeline = block_on(gpu.pipeline("products", &text, &Requires::default(), &kernel)).expect("the text is right");
            let uniform = gpu.buffer("launch", 16, Usage::Uniform).unwrap();
            gpu.write(&uniform, 0, bytemuck::cast_slice(&[1u32, 0, 0, 0]));
            let (words, output) =
                (gpu.buffer("input", 68 * 4, Usage::Storage).unwrap(), gpu.buffer("output", 64 * 4, Usage::Storage).unwrap());
            gpu.write(&words, 0, bytemuck::cast_slice(&input));
            let group = gpu.bind("products", &pipeline, Range::whole(&uniform), &[Range::whole(&words), Range::whole(&output)]).unwrap();
            let mut pass = gpu.pass();
            pass.dispatch(&pipeline, &group, [1, 1, 1]);
            pass.submit();
            let found: Vec<i32> = bytemuck::pod_collect_to_vec(&block_on(gpu.read(&output, 0, 256)).unwrap());
            assert_eq!(found, (0..64).map(expected).collect::<Vec<_>>());
        }
    }
}
