//! The model library: launch code, plan and shader bundle as one WebAssembly module.
//!
//! An entry's launch table lies in memory as an image, complete but for the words that depend on the step. Its function works each distinct
//! expression out once, stores the words that need it, and returns the table's address. Lowering has checked that no expression leaves 32
//! bits for any step the entry admits, so plain arithmetic equals [`Size::eval`]; outside that range the words mean nothing, but nothing is
//! written outside the tables either. Device classes whose tables are equal share them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use tegula_plan::{Dispatch, FORMAT_VERSION, Library, Plan, Size, StepSize, section};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ExportKind, ExportSection, Function, FunctionSection, InstructionSink, MemArg,
    MemArgTarget, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// Where the first table lies: no address is zero.
const FIRST_TABLE: u32 = 16;

/// Bytes of a page of WebAssembly memory.
const WASM_PAGE: u64 = 65_536;

/// A launch table.
type Table<'a> = Vec<&'a Size>;

/// Writes the module. The same plan and shaders give the same bytes.
pub(crate) fn library(plan: &Plan, shaders: &[String]) -> Vec<u8> {
    let mut tables: Vec<Table> = Vec::new();
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    for variant in &plan.variants {
        for entry in &variant.entries {
            let table: Table = entry.dispatches.iter().flat_map(words).collect();
            let function = tables.iter().position(|known| *known == table).unwrap_or(tables.len());
            if function == tables.len() {
                tables.push(table);
            }
            exports.export(&variant.export(entry), ExportKind::Func, function as u32);
        }
    }

    let (mut functions, mut codes, mut data) = (FunctionSection::new(), CodeSection::new(), DataSection::new());
    let mut address = FIRST_TABLE;
    for table in &tables {
        functions.function(0);
        codes.function(&launch(table, address));
        let image = image(table);
        for run in runs(&image) {
            data.active(0, &ConstExpr::i32_const(address as i32 + run.start as i32), image[run].iter().copied());
        }
        address += 4 * table.len() as u32;
    }
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; StepSize::MEMBERS.len()], [ValType::I32]);
    let mut memories = MemorySection::new();
    let minimum = u64::from(address).div_ceil(WASM_PAGE);
    memories.memory(MemoryType { minimum, maximum: Some(minimum), memory64: false, shared: false, page_size_log2: None });

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&codes).section(&data);
    let version = FORMAT_VERSION.to_le_bytes().to_vec();
    for (name, body) in [(section::VERSION, version), (section::PLAN, Library::pack(plan)), (section::WGSL, Library::pack(&shaders))] {
        module.section(&CustomSection { name: name.into(), data: Cow::Owned(body) });
    }
    Library::seal(module.finish())
}

/// A row of the table: grid, then uniform block.
fn words(dispatch: &Dispatch) -> impl Iterator<Item = &Size> {
    dispatch.grid.iter().chain(&dispatch.uniforms)
}

/// The table with zeros for what depends on the step.
fn image(table: &Table) -> Vec<u8> {
    let word = |size: &&Size| if let Size::Const(value) = size { *value } else { 0 };
    table.iter().map(word).flat_map(u32::to_le_bytes).collect()
}

/// The parts of an image that are not zero, as its memory is before: most of a table is. Fewer zeros than a segment costs stay where they are.
fn runs(image: &[u8]) -> Vec<Range<usize>> {
    const SEGMENT: usize = 6;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..image.len()).filter(|at| image[*at] != 0) {
        match runs.last_mut() {
            Some(run) if at - run.end < SEGMENT => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The function of a table at `address`.
fn launch(table: &Table, address: u32) -> Function {
    let mut locals = Locals { known: HashMap::new(), order: Vec::new() };
    for size in table {
        locals.define(size);
    }
    let mut function = Function::new([(locals.order.len() as u32, ValType::I32)]);
    let mut code = function.instructions();
    for (index, size) in locals.order.iter().enumerate() {
        locals.compute(size, &mut code);
        code.local_set(Locals::FIRST + index as u32);
    }
    for (index, size) in table.iter().enumerate().filter(|(_, size)| !size.is_const()) {
        code.i32_const(0);
        locals.get(size, &mut code);
        let offset = u64::from(address) + 4 * index as u64;
        code.i32_store(MemArg { offset, align: 2, target: MemArgTarget::Memory(0), ordering: None });
    }
    code.i32_const(address as i32);
    code.end();
    function
}

/// The distinct expressions of a table, each after its operands.
struct Locals<'a> {
    known: HashMap<&'a Size, u32>,
    order: Vec<&'a Size>,
}

impl<'a> Locals<'a> {
    /// The first local behind the parameters.
    const FIRST: u32 = StepSize::MEMBERS.len() as u32;

    fn define(&mut self, size: &'a Size) {
        if self.known.contains_key(size) {
            return;
        }
        let (Size::Add(a, b) | Size::Sub(a, b) | Size::Mul(a, b) | Size::CeilDiv(a, b) | Size::Min(a, b) | Size::Max(a, b)) = size else {
            return;
        };
        self.define(a);
        self.define(b);
        self.known.insert(size, Self::FIRST + self.order.len() as u32);
        self.order.push(size);
    }

    /// Pushes a value that is at hand.
    fn get(&self, size: &Size, code: &mut InstructionSink<'_>) {
        match size {
            Size::Const(value) => code.i32_const(*value as i32),
            Size::Rows => code.local_get(0),
            Size::Pages => code.local_get(1),
            Size::Prompt => code.local_get(2),
            Size::Segments => code.local_get(3),
            Size::Longest => code.local_get(4),
            Size::Read => code.local_get(5),
            _ => code.local_get(self.known[size]),
        };
    }

    /// Pushes the value of an expression whose operands are at hand.
    fn compute(&self, size: &Size, code: &mut InstructionSink<'_>) {
        let both = |a: &Size, b: &Size, code: &mut InstructionSink<'_>| {
            self.get(a, code);
            self.get(b, code);
        };
        match size {
            Size::Const(_) | Size::Rows | Size::Pages | Size::Prompt | Size::Segments | Size::Longest | Size::Read => self.get(size, code),
            Size::Add(a, b) => {
                both(a, b, code);
                code.i32_add();
            }
            Size::Mul(a, b) => {
                both(a, b, code);
                code.i32_mul();
            }
            Size::Sub(a, b) => {
                both(a, b, code);
                code.i32_sub();
                code.i32_const(0);
                both(a, b, code);
                code.i32_gt_u().select();
            }
            Size::CeilDiv(a, b) => {
                both(a, b, code);
                code.i32_div_u();
                both(a, b, code);
                code.i32_rem_u().i32_const(0).i32_ne().i32_add();
            }
            Size::Min(a, b) => {
                both(a, b, code);
                both(a, b, code);
                code.i32_lt_u().select();
            }
            Size::Max(a, b) => {
                both(a, b, code);
                both(a, b, code);
                code.i32_gt_u().select();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Locals, launch, runs};
    use std::collections::HashMap;
    use tegula_plan::Size;

    #[test]
    fn long_stretches_of_zeros_are_left_out() {
        let image = [0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0];
        assert_eq!(runs(&image), [2..6, 12..13]);
        assert!(runs(&[0; 64]).is_empty());
    }

    #[test]
    fn an_expression_is_worked_out_once() {
        let splits = Size::Pages.ceil_div(4).min(16).max(1);
        let grid = Size::Rows.ceil_div(8);
        let table = [&splits, &grid, &splits, &Size::Rows, &Size::Const(3)];
        let mut locals = Locals { known: HashMap::new(), order: Vec::new() };
        table.iter().for_each(|size| locals.define(size));
        // ceil(pages / 4), its minimum, its maximum, and the grid.
        assert_eq!(locals.order.len(), 4);
        assert_eq!(locals.order.last(), Some(&&grid));
        assert!(launch(&table.to_vec(), 16).byte_len() < 100);
    }
}
