/**
 * The seam to the Rust runtime: what of its WebAssembly module this package uses. The type checker holds these types against those that
 * wasm-bindgen generated (see runtime.ts); tests put a fake in their place.
 */

import type { CompletionUsage, FinishReason } from "./openai.js";
import type { DeviceInfo, KernelChoice, ModelInfo } from "./protocol.js";
import { fromCode } from "./translate.js";

/** A GPU device. */
export interface WasmDevice {
  info(): DeviceInfo;
  free(): void;
}

/** Takes the shards of a package, one after the other. */
export interface WasmLoader {
  /** Waits until the device has said whether there is memory. */
  allocated(): Promise<void>;
  shards(): { path: string; bytes: number }[];
  begin(index: number): void;
  push(slice: Uint8Array): void;
  /** Verifies length and hash. */
  end(): void;
  /** Names library, device and driver, for which a choice among kernels holds; `undefined` where there is no choice. */
  choiceKey(): string | undefined;
  /**
   * Begins to compile the kernels. Where the library holds several for one piece of work, those will run that are remembered, else those that are
   * found to be the fastest in a second and a half, or (`measure` false) those that the compiler would have taken. `onKernels` hears how many are
   * compiled: none first, then each one more.
   */
  compile(measure: boolean, remembered: Uint32Array | undefined, onKernels: (compiled: number, total: number) => void): void;
  /** Makes the engine, which has `runAhead` steps under way at once if that is said. The loader is gone afterwards, whatever comes of it. */
  finish(runAhead: number | undefined, onEvents: (events: WasmEvent[]) => void): Promise<WasmEngine>;
  free(): void;
}

/** Texts of the package that the loader reads. */
export interface WasmPackage {
  config: string | undefined;
  manifest: string;
  tokenizer: string | undefined;
  tokenizerConfig: string | undefined;
  chatTemplate: string | undefined;
}

/** What happened to a request in a step. */
export type WasmEvent =
  | { kind: "accepted"; request: number }
  | { kind: "token"; request: number; token: number; text: string }
  | { kind: "finished"; request: number; reason: FinishReason; usage: CompletionUsage }
  | { kind: "failed"; request: number; code: string; message: string; fields: object };

/** A loaded model. It runs by itself while there are requests, and gives its events to the function that `finish` got. */
export interface WasmEngine {
  model(): ModelInfo;
  kernels(): KernelChoice[];
  /** Starts a request in OpenAI's form (JSON); `text` or `ids` take the place of its messages. */
  submit(request: number, body: string, text: string | undefined, ids: Uint32Array | undefined): void;
  interrupt(request: number): void;
  free(): void;
}

/** The module, instantiated. */
export interface Wasm {
  requestDevice(baseline: boolean): Promise<WasmDevice>;
  /** Checks that library and package fit each other and the device, then reserves memory. */
  newLoader(device: WasmDevice, library: Uint8Array, files: WasmPackage): WasmLoader;
  /** Calls `listener` when the module panics; nothing of it may be used afterwards. */
  onPanic(listener: (message: string) => void): void;
}

/** Runs a call into the module; what it throws becomes an error of this package. */
export function runtimeCall<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translate(error);
  }
}

/** {@link runtimeCall} for calls that take time. */
export async function runtimeAwait<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translate(error);
  }
}

/** Errors of the runtime carry `code` and `fields`; anything else that comes out of it is a fault. */
function translate(error: unknown): Error {
  const { code, message, fields } = (error ?? {}) as { code?: unknown; message?: unknown; fields?: object };
  const text = typeof message === "string" ? message : String(error);
  return fromCode(typeof code === "string" ? code : "InternalError", text, fields);
}
