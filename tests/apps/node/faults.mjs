/**
 * The package in Node on a GPU that fails in unexpected ways: `node faults.mjs MODEL`. Prints how each engine ended. The process must live
 * to print it: an error that nobody awaits ends a process of Node.
 */

import { createEngine } from "tegula";
import { create } from "webgpu";

/** How adapters and devices may go wrong: in a call of the runtime, as an error of a class that wgpu panics on, by a promise. */
const FAULTS = {
  "a property throws": (adapter) => Object.defineProperty(adapter, "limits", { get: () => fail("the driver is gone") }),
  "an unknown error": (adapter) => changeDevice(adapter, "popErrorScope", async () => new (class GPUInternalError extends Error {})("out of order")),
  "a method throws": (adapter) => changeDevice(adapter, "createBuffer", () => fail("no more buffers")),
  "a promise rejects": (adapter) => Object.assign(adapter, { requestDevice: async () => fail("no device") }),
};

function fail(message) {
  throw new Error(message);
}

function changeDevice(adapter, name, method) {
  const { requestDevice } = Object.getPrototypeOf(adapter);
  const request = async function (...args) {
    return Object.defineProperty(await requestDevice.apply(adapter, args), name, { value: method });
  };
  return Object.defineProperty(adapter, "requestDevice", { value: request, writable: true });
}

const [model, name] = process.argv.slice(2);
const gpu = create([]);
const faulty = { requestAdapter: async (options) => FAULTS[name](await gpu.requestAdapter(options)), wgslLanguageFeatures: gpu.wgslLanguageFeatures };
const outcome = await createEngine({ gpu: faulty, model }).then(() => "no error", ({ name, message }) => ({ name, message }));
await new Promise((done) => setTimeout(done, 100));
console.log(JSON.stringify(outcome));
