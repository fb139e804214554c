//! Runs the launch functions of a model library.
//!
//! A library's code knows no GPU and imports nothing: given the numbers of a step, a function fills a table in the module's own memory
//! with one row of [`TABLE_WORDS`] words for each dispatch. A browser runs it with its own WebAssembly engine, a native process with an
//! interpreter, which is quick enough: a table is computed again only when one of the numbers changes.

use crate::{ErrorKind, Result};
use tegula_plan::{StepSize, TABLE_WORDS};

/// The code of a library, ready to call.
pub struct Launcher {
    machine: machine::Machine,
    functions: Vec<(String, machine::Function)>,
}

impl Launcher {
    /// Instantiates the code and finds the functions `exports`, which are then known by their places.
    ///
    /// # Errors
    /// [`ErrorKind::Launch`] when the module is invalid, imports something, or lacks `memory` or one of the functions.
    pub async fn new(module: &[u8], exports: &[String]) -> Result<Launcher> {
        let failed = |function: &str, reason| ErrorKind::Launch { function: function.into(), reason };
        let mut machine = machine::Machine::new(module).await.map_err(|reason| failed("memory", reason))?;
        let mut functions = Vec::with_capacity(exports.len());
        for export in exports {
            functions.push((export.clone(), machine.function(export).map_err(|reason| failed(export, reason))?));
        }
        Ok(Launcher { machine, functions })
    }

    /// Computes the launch table of a step into `table`, which has [`TABLE_WORDS`] words for each dispatch.
    ///
    /// # Errors
    /// [`ErrorKind::Launch`] when the code traps or its table lies outside its memory.
    ///
    /// # Panics
    /// If `function` was not asked for.
    pub fn table(&mut self, function: usize, step: StepSize, table: &mut [u32]) -> Result<()> {
        debug_assert!(table.len().is_multiple_of(TABLE_WORDS), "a table has whole rows");
        let Launcher { machine, functions } = self;
        let (name, function) = &functions[function];
        let words = table.len();
        let result = machine.call(function, step.members()).and_then(|address| {
            let outside = || format!("its table of {words} words at {address:#x} is outside its memory");
            machine.read(address, table).ok_or_else(outside)
        });
        Ok(result.map_err(|reason| ErrorKind::Launch { function: name.clone(), reason })?)
    }
}

/// The interpreter.
#[cfg(not(target_arch = "wasm32"))]
mod machine {
    use wasmi::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

    pub(super) type Function = TypedFunc<(i32, i32, i32, i32, i32, i32), i32>;

    pub(super) struct Machine {
        store: Store<()>,
        instance: Instance,
        memory: Memory,
    }

    impl Machine {
        #[expect(clippy::unused_async, reason = "browsers instantiate later")]
        pub(super) async fn new(module: &[u8]) -> Result<Self, String> {
            let engine = Engine::default();
            let module = Module::new(&engine, module).map_err(|error| error.to_string())?;
            let mut store = Store::new(&engine, ());
            let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).map_err(|error| error.to_string())?;
            let memory = instance.get_memory(&store, "memory").ok_or("the module exports no memory")?;
            Ok(Machine { store, instance, memory })
        }

        pub(super) fn function(&mut self, export: &str) -> Result<Function, String> {
            self.instance.get_typed_func(&self.store, export).map_err(|error| error.to_string())
        }

        pub(super) fn call(&mut self, function: &Function, members: [u32; 6]) -> Result<u32, String> {
            let members = members.map(u32::cast_signed);
            let address = function.call(&mut self.store, members.into()).map_err(|error| error.to_string())?;
            Ok(address.cast_unsigned())
        }

        /// Reads words; `None` if some of them are outside.
        pub(super) fn read(&self, address: u32, words: &mut [u32]) -> Option<()> {
            let memory = self.memory.data(&self.store);
            let bytes = memory.get(address as usize..)?.get(..4 * words.len())?;
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            Some(())
        }
    }
}

/// The browser's engine.
#[cfg(target_arch = "wasm32")]
mod machine {
    use js_sys::futures::JsFuture;
    use js_sys::{Array, Function as JsFunction, Object, Reflect, Uint8Array, WebAssembly};
    use wasm_bindgen::{JsCast, JsValue};

    pub(super) type Function = JsFunction;

    pub(super) struct Machine {
        exports: Object,
        memory: WebAssembly::Memory,
    }

    impl Machine {
        pub(super) async fn new(module: &[u8]) -> Result<Self, String> {
            let said = |error: JsValue| format!("{error:?}");
            let made = JsFuture::from(WebAssembly::instantiate_buffer(module, &Object::new())).await.map_err(said)?;
            let instance: WebAssembly::Instance = Reflect::get(&made, &"instance".into()).map_err(said)?.unchecked_into();
            let exports = instance.exports();
            let memory = Reflect::get(&exports, &"memory".into()).map_err(said)?;
            let memory = memory.dyn_into().map_err(|_| "the module exports no memory")?;
            Ok(Machine { exports, memory })
        }

        pub(super) fn function(&mut self, export: &str) -> Result<Function, String> {
            let found = Reflect::get(&self.exports, &export.into()).map_err(|error| format!("{error:?}"))?;
            found.dyn_into().map_err(|_| "the module does not export it as a function".into())
        }

        pub(super) fn call(&mut self, function: &Function, members: [u32; 6]) -> Result<u32, String> {
            let members: Array = members.into_iter().map(JsValue::from).collect();
            let address = function.apply(&JsValue::NULL, &members).map_err(|error| format!("{error:?}"))?;
            let address = address.as_f64().ok_or("it returned no number")?;
            // An i32 arrives as a signed number.
            Ok((address as i64) as u32)
        }

        /// Reads words; `None` if some of them are outside.
        pub(super) fn read(&self, address: u32, words: &mut [u32]) -> Option<()> {
            let memory = Uint8Array::new(&self.memory.buffer());
            let end = u64::from(address) + 4 * words.len() as u64;
            let end = u32::try_from(end).ok().filter(|end| *end <= memory.length())?;
            let mut bytes = vec![0; 4 * words.len()];
            memory.subarray(address, end).copy_to(&mut bytes);
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            Some(())
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "launch_tests.rs"]
mod tests;
