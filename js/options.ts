/** What `createEngine` is asked for, and its checks: apart from what starts workers, so that it can be tested without any. */

import { InvalidRequestError } from "./errors.js";
import type { LoadOptions, LoadProgress } from "./protocol.js";

/** What is used of a `GPU` object: that of a browser, or of the npm package `webgpu`. */
export interface GpuLike {
  requestAdapter(options?: object): Promise<object | null>;
}

/** Options of `createEngine`. */
export interface EngineOptions {
  /** URL of the folder that holds the weight package (mlc-chat-config.json, tensor-cache.json, shards, tokenizer). */
  model: string | URL;
  /** URL of the model library; by default `library.wasm` in the package. */
  library?: string | URL | undefined;
  /** Run in a Web Worker (the default), in a worker of yours whose script imports `tegula/worker`, or (`false`) in this thread. */
  worker?: boolean | Worker | string | URL | undefined;
  /** URL of the package's file tegula.wasm, where a bundler or host has put it elsewhere than beside the scripts. */
  wasm?: string | URL | undefined;
  /** The WebGPU to use in place of the browser's, such as `create([])` of the npm package `webgpu` in Node. The engine then runs in this thread. */
  gpu?: GpuLike | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Something went wrong that does not stop the load, such as a full cache. By default it is logged. */
  onWarning?: ((message: string) => void) | undefined;
  /** Aborts the load. */
  signal?: AbortSignal | undefined;
  /** Where verified files are kept for the next visit. Default `indexeddb`. */
  cache?: "indexeddb" | "none" | undefined;
  /**
   * How kernels are chosen where the library holds several for one piece of work: by timing them at the first load on a device, in a second and
   * a half, which is remembered where files are cached (`measure`, the default); or as the compiler would have, without knowing the device.
   */
  kernels?: "measure" | "default" | undefined;
  /**
   * Steps that may be under way on the GPU at once, 1 to 64, where not as many as were measured to be best. More hide the time in which a page learns of a
   * step's end, fewer waste less where an answer ends. Answers do not depend on it.
   */
  runAhead?: number | undefined;
  /** Use core WebGPU only: no features and no raised limits. */
  baseline?: boolean | undefined;
}

/** Makes URLs absolute here: a worker has another base. */
export function loadOptions(options: EngineOptions): LoadOptions {
  const model = folder(absolute(options.model, "model"));
  const library = options.library === undefined ? new URL("library.wasm", model).href : absolute(options.library, "library").href;
  const cache = options.cache ?? "indexeddb";
  if (cache !== "indexeddb" && cache !== "none") throw new InvalidRequestError('cache must be "indexeddb" or "none"', { field: "cache" });
  const kernels = options.kernels ?? "measure";
  if (kernels !== "measure" && kernels !== "default") throw new InvalidRequestError('kernels must be "measure" or "default"', { field: "kernels" });
  const { runAhead } = options;
  if (runAhead !== undefined && !(Number.isInteger(runAhead) && runAhead >= 1 && runAhead <= 64)) {
    throw new InvalidRequestError("runAhead must be a whole number from 1 to 64", { field: "runAhead" });
  }
  const wasm = options.wasm === undefined ? undefined : absolute(options.wasm, "wasm").href;
  return { model, library, wasm, cache, kernels, runAhead, baseline: options.baseline ?? false };
}

/** An address as it is taken: relative to the page, or to the worker. */
export function absolute(url: unknown, field: string): URL {
  const base = typeof document === "undefined" ? location.href : document.baseURI;
  const isUrl = (typeof url === "string" && url !== "") || url instanceof URL;
  try {
    if (isUrl) return new URL(url, base);
  } catch {
    // Refused below.
  }
  throw new InvalidRequestError(`${field} must be a URL, not ${JSON.stringify(url)}`, { field });
}

/** A folder's URL ends in a slash; that of a Hugging Face repository without a revision means its `main`. */
function folder(url: URL): string {
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  if (url.hostname === "huggingface.co" && !url.pathname.includes("/resolve/")) url.pathname += "resolve/main/";
  return url.href;
}
