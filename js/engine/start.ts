/** Loads a model into a backend and gives its engine: what `createEngine` does wherever the runtime is. */

import { Engine } from "./engine.js";
import { type EngineOptions, loadOptions } from "./options.js";
import type { Backend } from "../api/backend.js";

/** Checks the options, makes the backend, loads the model. Rejects with the classes of errors.ts, or with the signal's reason. */
export async function start(options: EngineOptions, makeBackend: (options: EngineOptions) => Backend | Promise<Backend>): Promise<Engine> {
  const load = loadOptions(options);
  const { onProgress, onWarning = (message) => console.warn(`tegula: ${message}`), signal } = options;
  signal?.throwIfAborted();
  const backend = await makeBackend(options);
  try {
    const loaded = await backend.load(load, { onProgress, onWarning, signal });
    return new Engine(backend, loaded);
  } catch (error) {
    // The reason is already on its way to the caller, and there may be no worker left to answer.
    void backend.unload().catch(() => {});
    throw error;
  }
}
