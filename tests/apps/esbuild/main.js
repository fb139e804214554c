/** The package in esbuild, which copies neither the worker nor the WebAssembly module: the app names both. */

import { createEngine } from "tegula";
import { show } from "../ask.js";

void show(createEngine, { worker: new URL("worker.js", document.baseURI), wasm: "tegula.wasm" });
