/**
 * The globals that the generated glue sees. Browsers offer WebGPU as globals (`navigator.gpu`, classes such as `GPUDevice`). Node and Deno
 * may have a package that gives a `GPU` object instead. The build puts this module's names in front of the glue (js/build.mjs). So the glue
 * finds the caller's `gpu` where it looks for the browser's, and nobody has to make it a global.
 */

/** `globalThis` for the glue. wgpu asks it for `Window`, to know that it may use `navigator`. */
export let scope: object = globalThis;

/** Makes `gpu` the one that the glue finds; nothing means the browser's. */
export function useGpu(gpu: object | undefined): void {
  if (!gpu) {
    scope = globalThis;
    return;
  }
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

/** Who wants to know that the module has failed. */
const listeners: ((message: string) => void)[] = [];

/** Calls `listener` when a call into the module has thrown: nothing of the module may be used afterwards. */
export function onFailure(listener: (message: string) => void): void {
  listeners.push(listener);
}

/**
 * Runs a call that the host makes into the module, such as the next part of an `async` function. What it throws, a panic among it, goes
 * to {@link onFailure}: nobody awaits such a call, and Node would end the process.
 */
export function guarded<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    for (const listener of listeners) listener(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
