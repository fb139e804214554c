/**
 * The web build in Node, on Dawn, Chrome's implementation of WebGPU: a browser's GPU process without the browser. Prints the figures of each
 * workload, a line of JSON each. hosts.mjs starts it in a process of its own, with one argument:
 *   {"pkg": FOLDER, "library": FILE, "workloads": […], "dawnFlags": […], "baseline": false, "matrix": true}
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";
import { hideMatrixUnits } from "./adapter.mjs";

const { pkg, library, workloads, dawnFlags, baseline, matrix } = JSON.parse(process.argv[2]);
Object.assign(globalThis, globals);
// Kept where it is not collected while the module uses it.
const gpu = create(dawnFlags);
Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true, writable: true });
// The module takes what has no window for a worker, and refuses what is neither.
globalThis.Window ??= class Window {};
if (!matrix) hideMatrixUnits();

try {
  const { default: init, requestDevice, bench } = await import(pathToFileURL(join(pkg, "tegula.js")).href);
  await init({ module_or_path: readFileSync(join(pkg, "tegula_bg.wasm")) });
  const device = await requestDevice(baseline);
  await bench(device, new Uint8Array(readFileSync(library)), workloads, (figures) => process.stdout.write(`${JSON.stringify(figures)}\n`));
  // Dawn's threads would keep the process.
  process.exit(0);
} catch (error) {
  console.error(error?.stack ?? error);
  process.exit(1);
}
