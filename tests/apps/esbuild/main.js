/** The package in esbuild, which copies neither the worker nor the WebAssembly modules: the app names them. */

import { createEngine } from "tegula";
import { show } from "../ask.js";

void show(createEngine, { worker: new URL("worker.js", document.baseURI), wasm: "tegula.wasm", grammar: "tegula-grammar.wasm" });
