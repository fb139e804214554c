/**
 * The globals that the generated glue sees. Browsers offer WebGPU as globals (`navigator.gpu`, classes such as `GPUDevice`); Node and
 * Deno have a package that gives a `GPU` object instead. The build puts this module's names in front of the glue (js/build.mjs), so
 * that a `gpu` of the caller's is found where the glue looks for it, and no global of the page or the program is ever changed.
 */

import { InternalError } from "./errors.js";

/** The `GPU` object that the caller gave, or nothing where the browser's is used. */
let given: object | undefined;

/** `globalThis` for the glue. wgpu asks it for `Window`, to know that it may use `navigator`. */
export let scope: object = globalThis;

/** Makes `gpu` the one that the glue finds; nothing means the browser's. A thread has one, since all its models share a module. */
export function useGpu(gpu: object | undefined): void {
  if (gpu === given) return;
  if (given) throw new InternalError("models in one thread share one gpu; give createEngine the same object each time");
  given = gpu;
  const own: Record<PropertyKey, unknown> = { Window: class {}, navigator: { gpu } };
  scope = new Proxy(globalThis, { get: (target, key) => (key in own ? own[key] : Reflect.get(target, key, target)) });
}

const isOutOfMemory = (error: unknown): boolean => (error as object | null)?.constructor?.name === "GPUOutOfMemoryError";

/** Stands in for the class of this name, which not every host has as a global. */
export class GPUOutOfMemoryError {
  static [Symbol.hasInstance](error: unknown): boolean {
    return isOutOfMemory(error);
  }
}

/** The same. All other errors count as validation errors: wgpu panics on a class that it does not know, such as GPUInternalError. */
export class GPUValidationError {
  static [Symbol.hasInstance](error: unknown): boolean {
    return typeof error === "object" && error !== null && !isOutOfMemory(error);
  }
}

let panicked = false;

/** The module has panicked: what it throws from now on was reported, and says nothing new. */
export function notePanic(): void {
  panicked = true;
}

/**
 * Runs a call that the host makes into the module, such as the next part of an `async` function. After a panic it does not throw:
 * nobody could catch that, and Node ends a process for it. Whoever waits for the module hears of the panic by `onPanic`.
 */
export function guarded<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (panicked) return undefined;
    throw error;
  }
}
