/** The package in esbuild, which copies neither the worker nor the WebAssembly module: the app names both. */

import { createEngine } from "tegula";
import { ask } from "../ask.js";

void ask(createEngine, { worker: new URL("worker.js", document.baseURI), wasm: "tegula.wasm" });
