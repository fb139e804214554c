//! Libraries as bytes: what is packed is read back, and what is foreign, damaged or points nowhere is refused.

use super::*;
use crate::{Activations, Choice, Dispatch, Dtype, Entry, Fingerprint, Kernel, Model, Paged, Requires, Size, State, Variant, When};

fn library() -> Library {
    let model = Model {
        architecture: "llama".into(),
        quantization: "q0f32".into(),
        vocab_size: 8,
        hidden_size: 8,
        layers: 1,
        query_heads: 1,
        context_window_size: 64,
        state: vec![State::Paged(Paged { layers: vec![0], kv_heads: 1, head_dim: 8, format: Dtype::F32, window: None })],
        prefill_chunk_size: 16,
        max_batch_size: 1,
        activations: Activations::Float,
        stretched_after: None,
        fingerprint: Fingerprint::default(),
    };
    let baseline = Variant {
        name: "baseline".into(),
        requires: Requires::default(),
        activations: Activations::Float,
        kernels: Vec::new(),
        choices: Vec::new(),
        entries: Vec::new(),
    };
    let plan = Plan { model, params: Vec::new(), vectors: Vec::new(), buffers: Vec::new(), variants: vec![baseline] };
    Library { plan, shaders: vec!["fn main() {}".into()] }
}

/// A sealed module of custom sections; bodies and names here are shorter than 128 bytes or their lengths take two LEB128 bytes.
fn module(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let length = |value: usize| vec![0x80 | (value & 0x7f) as u8, (value >> 7) as u8];
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (name, body) in sections {
        bytes.push(0);
        bytes.extend(length(2 + name.len() + body.len()));
        bytes.extend(length(name.len()));
        bytes.extend(name.as_bytes());
        bytes.extend(body);
    }
    Library::seal(bytes)
}

fn sections(version: u32, library: &Library) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (section::VERSION, version.to_le_bytes().to_vec()),
        (section::PLAN, Library::pack(&library.plan)),
        (section::WGSL, Library::pack(&library.shaders)),
    ]
}

#[test]
fn what_is_packed_is_read_back() {
    assert_eq!(Library::parse(&module(&sections(FORMAT_VERSION, &library()))).unwrap(), library());
}

#[test]
fn another_version_is_told_before_anything_else_is_read() {
    let mut sections = sections(FORMAT_VERSION + 1, &library());
    sections[1].1 = b"a plan of the future".to_vec();
    let error = Library::parse(&module(&sections)).unwrap_err();
    let later = ErrorKind::UnknownVersion { found: FORMAT_VERSION + 1, supported: FORMAT_VERSION };
    assert_eq!(format!("{:?}", error.kind()), format!("{later:?}"));
}

#[test]
fn foreign_and_damaged_files_are_told_apart() {
    for bytes in [&b"GGUF"[..], b"\0asm\x01\0\0\0", b"\0asm\x01\0\0\0\0\xff\xff\xff\xff\x7f"] {
        assert!(matches!(Library::parse(bytes).unwrap_err().kind(), ErrorKind::NotALibrary(_)));
    }
    let whole = sections(FORMAT_VERSION, &library());
    for (damage, name) in [(1, section::PLAN), (2, section::WGSL)] {
        let mut sections = whole.clone();
        sections[damage].1.truncate(3);
        let error = Library::parse(&module(&sections)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Damaged { section, .. } if *section == name), "{error}");
        sections.remove(damage);
        assert!(matches!(Library::parse(&module(&sections)).unwrap_err().kind(), ErrorKind::Damaged { .. }));
    }
    let mut cut = module(&whole);
    cut.truncate(cut.len() - 1);
    assert!(Library::parse(&cut).is_err());
}

#[test]
fn no_bit_can_change_unnoticed() {
    let whole = module(&sections(FORMAT_VERSION, &library()));
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Library::parse(&flipped).is_err(), "bit {bit}");
    }
    for end in 0..whole.len() {
        assert!(Library::parse(&whole[..end]).is_err(), "{end} bytes");
        let without: Vec<u8> = [&whole[..end], &whole[end + 1..]].concat();
        assert!(Library::parse(&without).is_err(), "without byte {end}");
    }
    let followed = [whole.as_slice(), &Library::seal(Vec::new())].concat();
    assert!(matches!(Library::parse(&followed).unwrap_err().kind(), ErrorKind::Checksum));
}

#[test]
fn a_plan_that_points_nowhere_is_damaged() {
    let mut library = library();
    library.plan.buffers.push(crate::Buffer::Weight(3));
    let error = Library::parse(&module(&sections(FORMAT_VERSION, &library))).unwrap_err();
    assert!(error.to_string().contains("parameter 3 of 0"), "{error}");
    library.plan.buffers.clear();
    library.plan.variants[0].requires.f16 = true;
    assert!(Library::parse(&module(&sections(FORMAT_VERSION, &library))).is_err());
}

/// A dispatch of a kernel that binds nothing, once for each alternative of choice 0.
fn with_choices(alternatives: &[Option<(u32, u32)>]) -> Result<Library, Error> {
    let mut library = library();
    let variant = &mut library.plan.variants[0];
    let kernel = Kernel { name: "none".into(), shader: 0, invocations: 1, workgroup_memory: 0, bindings: Vec::new() };
    let dispatch = |alternative: &Option<(u32, u32)>| Dispatch {
        label: "layers.0.qkv".into(),
        kernel: 0,
        bindings: Vec::new(),
        grid: [1; 3].map(Size::Const),
        when: When::Always,
        uniforms: [0; 8].map(Size::Const),
        alternative: alternative.map(|(choice, index)| Alternative { choice, index }),
    };
    variant.kernels.push(kernel);
    variant.choices.push(Choice { name: "qkv".into(), alternatives: vec!["a".into(), "b".into()] });
    let dispatches = alternatives.iter().map(dispatch).collect();
    variant.entries.push(Entry { name: "decode".into(), max_rows: 1, dispatches });
    Library::parse(&module(&sections(FORMAT_VERSION, &library)))
}

#[test]
fn alternatives_are_whole_or_the_library_is_damaged() {
    let (a, b) = (Some((0, 0)), Some((0, 1)));
    let library = with_choices(&[None, a, b, a, b, None]).unwrap();
    assert_eq!(library.plan.variants[0].entries[0].first_choice().count(), 4);
    for wrong in [&[a][..], &[b, a], &[a, a], &[a, None, b], &[a, b, b], &[a, Some((0, 2))], &[Some((1, 0)), Some((1, 1))]] {
        let error = with_choices(wrong).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Damaged { section: section::PLAN, .. }), "{error}");
    }
    let mut single = self::library();
    single.plan.variants[0].choices.push(Choice { name: "qkv".into(), alternatives: vec!["a".into()] });
    assert!(Library::parse(&module(&sections(FORMAT_VERSION, &single))).is_err());
}
