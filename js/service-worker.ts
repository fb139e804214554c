/**
 * The entry for service workers, among them the background scripts of extensions, and for shared workers. The runtime is part of this file:
 * service workers forbid `import()`, and neither kind can start workers.
 */

import { InvalidRequestError } from "./api/errors.js";
import type { Engine } from "./engine/engine.js";
import type { EngineOptions } from "./engine/options.js";
import { localSession } from "./runtime.js";
import { start } from "./engine/start.js";

export * from "./surface.js";

/** As `createEngine` of the package's main entry; the engine always runs in this thread. */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return start(options, ({ worker, gpu }) => {
    if (worker) throw new InvalidRequestError("worker must be false or left out here: tegula/service-worker runs the engine in its own thread", { field: "worker" });
    return localSession(gpu);
  });
}
