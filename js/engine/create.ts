/** `createEngine` for pages, workers, Node and Deno. service-worker.ts has the one for scopes that cannot import scripts later. */

import { WorkerBackend } from "../worker/client.js";
import { DeviceError, InvalidRequestError } from "../api/errors.js";
import type { Engine } from "./engine.js";
import { absolute, isAddress } from "../load/address.js";
import type { EngineOptions } from "./options.js";
import type { Backend } from "../api/backend.js";
import type { Port } from "../worker/protocol.js";
import { spawn } from "../worker/spawn.js";
import { start } from "./start.js";

/**
 * Loads a model and gives the engine that serves it.
 *
 * Files come from the cache where it holds them. The host is asked whether it has newer versions of the small ones, for two seconds without
 * an answer at most; a cached model loads offline.
 *
 * Rejects with the classes of errors.ts, or with the signal's reason.
 */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return start(options, makeBackend);
}

async function makeBackend({ worker, gpu }: EngineOptions): Promise<Backend> {
  if (gpu && worker) throw new InvalidRequestError("worker must be left out where gpu is given: a GPU object cannot be sent to a worker", { field: "worker" });
  // Node, service workers and shared workers have no workers of the web to start.
  worker ??= !gpu && typeof Worker === "function";
  if (worker === true) return spawn();
  if (worker === false) return (await runtime()).localSession(gpu);
  if (isAddress(worker)) return spawn(absolute(worker, "worker").href);
  return "terminate" in worker ? WorkerBackend.of(worker) : new WorkerBackend(worker as Port);
}

async function runtime(): Promise<typeof import("../runtime.js")> {
  try {
    return await import("../runtime.js");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError(`the runtime's script could not be imported here (${why}); in service workers import tegula/service-worker in place of tegula`, {}, { cause });
  }
}
