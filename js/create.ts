/** `createEngine`: checks its options, makes the worker, loads the model. */

import { WorkerBackend } from "./client.js";
import { Engine } from "./engine.js";
import { type EngineOptions, loadOptions } from "./options.js";
import type { Backend } from "./protocol.js";

/**
 * Loads a model and gives the engine that serves it.
 *
 * Files come from the cache where it holds them, without asking the network; a cached model loads offline.
 *
 * Rejects with the classes of errors.ts, or with the signal's reason.
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { onProgress, onWarning = (message) => console.warn(`tegula: ${message}`), signal } = options;
  const load = loadOptions(options);
  signal?.throwIfAborted();
  const backend = await makeBackend((options.worker ?? true) as boolean | Worker);
  try {
    const loaded = await backend.load(load, { onProgress, onWarning, signal });
    return new Engine(backend, loaded, modelName(load.model));
  } catch (error) {
    // The reason is already on its way to the caller, and there may be no worker left to answer.
    void backend.unload().catch(() => {});
    throw error;
  }
}

/** The last telling part of the package's URL. */
function modelName(model: string): string {
  const path = new URL(model).pathname.replace(/\/resolve\/[^/]+\/$/, "/");
  return decodeURIComponent(path.split("/").findLast((part) => part !== "") ?? model);
}

async function makeBackend(worker: boolean | Worker): Promise<Backend> {
  if (worker === false) {
    const { localSession } = await import("./runtime.js");
    return localSession();
  }
  return WorkerBackend.of(worker === true ? makeWorker() : worker);
}

function makeWorker(): Worker {
  const url = new URL("./worker.js", import.meta.url);
  if (url.origin === location.origin) {
    // Spelt out, because bundlers look for exactly this.
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "tegula" });
  }
  // A worker's script must come from the page's origin; a module that it imports need not.
  const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
  const worker = new Worker(script, { type: "module", name: "tegula" });
  worker.addEventListener("message", () => URL.revokeObjectURL(script), { once: true });
  return worker;
}
