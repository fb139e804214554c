//! Launch code written by hand, instruction by instruction.

use super::Launcher;
use crate::{Error, ErrorKind};
use futures::executor::block_on;
use tegula_plan::{StepSize, TABLE_WORDS};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemArg, MemArgTarget, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

/// Writes the instructions of a function.
type Body<'a> = &'a dyn Fn(&mut Function);

/// A module with one page of memory and a function for each name and body.
fn module(bodies: &[(&str, Body<'_>)]) -> Vec<u8> {
    let (mut types, mut functions, mut memories) = (TypeSection::new(), FunctionSection::new(), MemorySection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    types.ty().function([ValType::I32; StepSize::MEMBERS.len()], [ValType::I32]);
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    for (index, (name, body)) in (0..).zip(bodies) {
        functions.function(0);
        exports.export(name, ExportKind::Func, index);
        let mut function = Function::new([]);
        body(&mut function);
        function.instructions().end();
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

/// Stores `rows` at word 0 and `rows * pages` at word 12 of a table at byte 100.
fn two_rows(function: &mut Function) {
    let at = |offset| MemArg { offset, align: 2, target: MemArgTarget::default(), ordering: None };
    let mut code = function.instructions();
    code.i32_const(100).local_get(0).i32_store(at(0));
    code.i32_const(100).local_get(0).local_get(1).i32_mul().i32_store(at(48));
    code.i32_const(100);
}

fn launch_error(error: &Error) -> (&str, &str) {
    match error.kind() {
        ErrorKind::Launch { function, reason } => (function, reason),
        other => panic!("{other}"),
    }
}

#[test]
fn tables_are_what_the_code_stores() {
    let one = |function: &mut Function| {
        function.instructions().i32_const(0);
    };
    let module = module(&[("subgroups.decode", &one), ("baseline.decode", &two_rows)]);
    let mut launcher = block_on(Launcher::new(&module, &["baseline.decode".into(), "subgroups.decode".into()])).unwrap();
    let mut table = vec![9; 2 * TABLE_WORDS];
    launcher.table(0, StepSize::singles(3, 1000), &mut table).unwrap();
    let expected = |rows, product| -> Vec<u32> {
        let word = |place| match place {
            0 => rows,
            12 => product,
            _ => 0,
        };
        (0..2 * TABLE_WORDS).map(word).collect()
    };
    assert_eq!(table, expected(3, 3000));
    launcher.table(0, StepSize::singles(0x8000_0001, 1), &mut table).unwrap();
    assert_eq!(table, expected(0x8000_0001, 0x8000_0001), "words are unsigned");
    launcher.table(1, StepSize::singles(1, 1), &mut table).unwrap();
    assert_eq!(table, [0; 2 * TABLE_WORDS]);
}

#[test]
fn broken_code_is_a_typed_error() {
    let trap = |function: &mut Function| {
        function.instructions().unreachable();
    };
    let outside = |function: &mut Function| {
        function.instructions().i32_const(65536 - 84);
    };
    let negative = |function: &mut Function| {
        function.instructions().i32_const(-4);
    };
    let module = module(&[("trap", &trap), ("outside", &outside), ("negative", &negative)]);
    let names = ["trap", "outside", "negative"];
    let mut launcher = block_on(Launcher::new(&module, &names.map(String::from))).unwrap();
    let mut table = vec![0; 2 * TABLE_WORDS];
    for (index, name) in names.into_iter().enumerate() {
        let error = launcher.table(index, StepSize::singles(1, 1), &mut table).unwrap_err();
        let (function, reason) = launch_error(&error);
        assert_eq!(function, name);
        assert_eq!(reason.contains("outside its memory"), name != "trap", "{reason}");
    }
    launcher.table(1, StepSize::singles(1, 1), &mut table[..TABLE_WORDS]).unwrap();

    let refused = |module: &[u8], exports: &[&str]| {
        let exports: Vec<_> = exports.iter().map(|export| (*export).to_owned()).collect();
        let error = block_on(Launcher::new(module, &exports)).map(|_| ()).unwrap_err();
        launch_error(&error).0.to_owned()
    };
    assert_eq!(refused(&module, &["trap", "absent"]), "absent");
    assert_eq!(refused(b"\0asm\x01\0\0\0", &[]), "memory");
    assert_eq!(refused(&module[..module.len() - 1], &[]), "memory");
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    types.ty().function([], []);
    imports.import("env", "read_files", EntityType::Function(0));
    assert_eq!(refused(&Module::new().section(&types).section(&imports).clone().finish(), &[]), "memory");
}
