/**
 * Runs kernels, above all those for matrix units, through Chrome's own shader compiler, without a GPU that has matrix units. It uses Dawn
 * with its null backend, which compiles and runs nothing, and pretends to be a GPU with fragments of the size that kernels use.
 * matrix.test.mjs starts it in a process of its own, with one argument, `{"libraries": [FILE], "otherwise": false, "plain": false}`. It
 * prints a line of JSON for each library: `{matrix, kernels: [{code, complaints}]}`. `otherwise` pretends to be a browser with another
 * dialect for matrix units, `plain` one without WGSL language features.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";
import { overlaid, pretend } from "../../bench/adapter.mjs";
import { ROOT } from "./packages.mjs";

const { libraries, otherwise, plain } = JSON.parse(process.argv[2]);
Object.assign(globalThis, globals);
const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
if (plain) Object.defineProperty(gpu, "wgslLanguageFeatures", { value: new Set() });
Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true, writable: true });
globalThis.Window ??= class Window {};
const subgroupMatrixConfigs = [{ componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 }];
/** It has the least of workgroup memory, where GPUs with matrix units have what larger tiles need. */
const limits = { maxComputeWorkgroupStorageSize: 49152 };
pretend({ subgroupMatrixConfigs, subgroupMinSize: 32, subgroupMaxSize: 32 }, limits);

const { requestDevice: request } = GPUAdapter.prototype;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const { maxComputeWorkgroupStorageSize: _, ...requiredLimits } = descriptor.requiredLimits;
  const device = await request.call(this, { ...descriptor, requiredLimits });
  return Object.defineProperty(device, "limits", { value: overlaid(device.limits, limits) });
};

let made = [];
const { createShaderModule, createComputePipelineAsync } = GPUDevice.prototype;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  const module = createShaderModule.call(this, descriptor);
  made.push({ module, ...descriptor });
  return module;
};

/**
 * This backend's subgroups have up to 128 invocations, so it refuses pipelines whose texts it takes. A browser's first is the probe, which
 * passes if its text does; with the others loading ends.
 */
GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
  const { module } = descriptor.compute;
  if (!made.find((one) => one.module === module).code.includes("subgroup_matrix")) return createComputePipelineAsync.call(this, descriptor);
  if (module === made[0].module && !otherwise && (await complaints(module)).length === 0) return {};
  throw new Error("no such pipelines are made here");
};

async function complaints(module) {
  const { messages } = await module.getCompilationInfo();
  return messages.filter(({ type }) => type !== "info").map(({ message, lineNum }) => `${lineNum}: ${message}`);
}

try {
  const { default: init, requestDevice, bench } = await import(pathToFileURL(join(ROOT, "pkg", "tegula.js")).href);
  await init({ module_or_path: readFileSync(join(ROOT, "pkg", "tegula_bg.wasm")) });
  for (const library of libraries) {
    made = [];
    const device = await requestDevice(false);
    const { matrix } = device.info();
    // All kernels are begun before the first fails.
    const outcome = await bench(device, new Uint8Array(readFileSync(library)), [], () => {}).catch((error) => error);
    if (outcome && !/no such pipelines/.test(outcome.message)) throw outcome;
    const kernels = await Promise.all(made.map(async ({ module, code }) => ({ code, complaints: await complaints(module) })));
    // Texts are larger than a pipe, and what it has not taken when the process exits is lost.
    await new Promise((taken) => process.stdout.write(`${JSON.stringify({ matrix, kernels })}\n`, taken));
  }
  process.exit(0);
} catch (error) {
  console.error(error?.stack ?? error);
  process.exit(1);
}
