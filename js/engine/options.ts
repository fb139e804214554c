/** The options of `createEngine`, and their checks. They are apart from the code that starts workers, so that tests need no worker. */

import { absolute, given, isAddress, modelAddress, nameOf } from "../load/address.js";
import { InvalidRequestError } from "../api/errors.js";
import type { LoadOptions, LoadProgress, Precision } from "../api/backend.js";
import type { GpuLike } from "../wasm/webgpu.js";

/** Options of `createEngine`. */
export interface EngineOptions {
  /**
   * Address of the folder that holds the weight package (mlc-chat-config.json, tensor-cache.json, shards, tokenizer), absolute or relative
   * to the page. A repository of Hugging Face or GitHub means its files; a file of the package means its folder. A query, such as a
   * signature, goes with the address of each file; files are cached without signatures, so that a new one does not download them again.
   */
  model: string | URL;
  /** Address of the model library; by default `library.wasm` in the package. */
  library?: string | URL | undefined;
  /**
   * Run in a Web Worker (the default); in a worker of yours whose script imports `tegula/worker`, or behind a port of one; in a worker
   * whose script is at this address; or (`false`) in this thread.
   */
  worker?: boolean | Worker | MessagePort | string | URL | undefined;
  /** Address of the runtime, `tegula.wasm`, where it is not beside the package's scripts. */
  wasm?: string | URL | undefined;
  /** Address of the grammar module, `tegula-grammar.wasm`, likewise. It is loaded when a request first asks for an answer of some form. */
  grammar?: string | URL | undefined;
  /** WebGPU where it is not `navigator.gpu`, as in Node. */
  gpu?: GpuLike | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Something went wrong that does not stop the load, such as a full cache. By default it is logged. */
  onWarning?: ((message: string) => void) | undefined;
  /** Aborts the load. */
  signal?: AbortSignal | undefined;
  /** Where verified files are kept for the next visit. Default `indexeddb`. */
  cache?: "indexeddb" | "none" | undefined;
  /**
   * How kernels are chosen where the library holds several for one piece of work. `measure`, the default, times them at the first load on
   * a device, for a second and a half, and remembers the choice where files are cached. `default` takes those that the compiler would.
   */
  kernels?: "measure" | "default" | undefined;
  /**
   * Steps that may be under way on the GPU at once, 1 to 64, where not as many as were measured to be best. More hide the time in which a
   * page learns of a step's end, fewer waste less where an answer ends. Answers do not depend on it.
   */
  runAhead?: number | undefined;
  /**
   * `f32` computes in 32-bit floats only, so that all hosts draw the same tokens for a seed. It needs a library that was compiled so
   * (`tegula compile --precision f32`) and is slower. Default `auto`: the fastest that the device has.
   */
  precision?: Precision | undefined;
  /** Use core WebGPU only: no features and no raised limits. */
  baseline?: boolean | undefined;
}

/** What each option may be: words for people, and the check. `undefined` is always allowed, but for the model. */
const ALLOWED: { [Name in keyof Required<EngineOptions>]: [allowed: string, check: (value: unknown) => boolean] } = {
  // Addresses are checked where they are resolved.
  model: ["an address", () => true],
  library: ["an address", () => true],
  wasm: ["an address", () => true],
  grammar: ["an address", () => true],
  worker: [
    "true, false, a Worker, a MessagePort or the address of a worker's script",
    (value) => typeof value === "boolean" || isAddress(value) || isPort(value),
  ],
  gpu: ["WebGPU's GPU object, which has the method requestAdapter", (value) => has(value, "requestAdapter")],
  onProgress: ["a function", (value) => typeof value === "function"],
  onWarning: ["a function", (value) => typeof value === "function"],
  signal: ["an AbortSignal", (value) => has(value, "addEventListener") && typeof (value as { aborted?: unknown }).aborted === "boolean"],
  cache: ['"indexeddb" or "none"', (value) => value === "indexeddb" || value === "none"],
  kernels: ['"measure" or "default"', (value) => value === "measure" || value === "default"],
  runAhead: ["a whole number from 1 to 64", (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 64],
  precision: ['"auto" or "f32"', (value) => value === "auto" || value === "f32"],
  baseline: ["true or false", (value) => typeof value === "boolean"],
};

/** Checks all options, and makes addresses absolute here: a worker has another base. Throws {@link InvalidRequestError}. */
export function loadOptions(options: EngineOptions): LoadOptions {
  if (typeof options !== "object" || options === null || options instanceof URL) {
    const example = '{ model: "https://host/model/" }';
    throw new InvalidRequestError(`createEngine takes an object with the field model, such as ${example}, not ${given(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(ALLOWED, name)) throw new InvalidRequestError(unknownOption(name), { field: name });
    const [allowed, check] = ALLOWED[name as keyof EngineOptions];
    if (value === undefined || check(value)) continue;
    throw new InvalidRequestError(`${name} must be ${allowed}, not ${given(value)}`, { field: name });
  }
  const { runAhead, cache = "indexeddb", kernels = "measure", precision = "auto", baseline = false } = options;
  const { model, library } = modelAddress(options.model, options.library);
  const wasm = options.wasm === undefined ? undefined : absolute(options.wasm, "wasm").href;
  const grammar = options.grammar === undefined ? undefined : absolute(options.grammar, "grammar").href;
  if (isAddress(options.worker)) absolute(options.worker, "worker");
  const name = modelName(model);
  return { model, library, name, cache, kernels, runAhead, precision, baseline, ...(wasm !== undefined && { wasm }), ...(grammar !== undefined && { grammar }) };
}

/** What responses call the model: the folder's name, or that of the repository. */
function modelName(model: string): string {
  const path = new URL(model).pathname.replace(/\/resolve\/[^/]+\/$/, "/");
  return nameOf(new URL(path.replace(/\/+$/, ""), model).href) || model;
}

function isPort(value: unknown): boolean {
  return has(value, "postMessage") && has(value, "addEventListener");
}

function has(value: unknown, method: string): boolean {
  return typeof value === "object" && value !== null && typeof (value as Record<string, unknown>)[method] === "function";
}

function unknownOption(name: string): string {
  const known = Object.keys(ALLOWED);
  const distance = (other: string): number => edits(name.toLowerCase(), other.toLowerCase());
  const nearest = known.reduce((best, other) => (distance(other) < distance(best) ? other : best));
  const within = known.find((other) => name.toLowerCase().includes(other.toLowerCase()));
  const meant = distance(nearest) <= Math.max(2, nearest.length / 3) ? nearest : within;
  return `${name} is no option of createEngine; ${meant ? `did you mean ${meant}?` : `there are ${known.join(", ")}`}`;
}

/** How many letters must be put in, left out, replaced or swapped with the next to make one word of the other. */
function edits(from: string, to: string): number {
  const rows = Array.from({ length: from.length + 1 }, (_, row) => [row, ...Array<number>(to.length).fill(0)]);
  rows[0] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const [above, here] = [rows[row - 1]!, rows[row]!];
      const swap = swapped ? rows[row - 2]![column - 2]! + 1 : Infinity;
      here[column] = Math.min(above[column]! + 1, here[column - 1]! + 1, above[column - 1]! + Number(!same), swap);
    }
  }
  return rows[from.length]![to.length]!;
}
