/**
 * The interface to the Rust runtime: the part of its WebAssembly module that this package uses. The type checker compares these types with
 * those that wasm-bindgen generated (see ../runtime.ts). Tests put a fake in their place.
 */

import type { DeviceInfo, Inquiry, KernelChoice, ModelInfo, Precision, Reply } from "../api/backend.js";
import { CLASSES } from "../api/classes.js";
import { InternalError, type TegulaError } from "../api/errors.js";
import type { CompletionUsage } from "../api/openai.js";
import type { WasmGrammar } from "./grammar.js";

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
   * Begins to compile the kernels. If the library holds several for one piece of work, the remembered ones run. Without any, the fastest
   * run, as measured in a second and a half, or (`measure` false) those that the compiler would have taken. `onKernels` hears how many are
   * compiled: 0 first, then each one more.
   */
  compile(measure: boolean, remembered: Uint32Array | undefined, onKernels: (compiled: number, total: number) => void): void;
  /** Makes the engine, with `runAhead` steps under way at once if that is said. The loader is gone afterwards, whatever comes of it. */
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

/** How the loader is to load it. */
export interface WasmLoaderOptions {
  /** What responses call the model. Each on a device has a name of its own. */
  name: string;
  precision: Precision;
  /** Names what compiles the kernels. */
  environment: string;
}

/** An error as the runtime tells it (src/web/fault.rs). */
export interface WasmFailure {
  /** The name of a class of api/errors.ts. */
  class: string;
  code: string;
  message: string;
  fields: object;
}

/** What happened to a request in a step. Responses are JSON. */
export type WasmEvent =
  | { kind: "accepted"; request: number; id: string; streams: boolean; responses: string[] }
  | { kind: "progress"; request: number; responses: string[] }
  | { kind: "finished"; request: number; responses: string[]; usage: CompletionUsage }
  | { kind: "failed"; request: number; failure: WasmFailure };

/** A loaded model. It runs by itself while there are requests, and gives its events to the function that `finish` got. */
export interface WasmEngine {
  model(): ModelInfo;
  kernels(): KernelChoice[];
  /** The list of models in OpenAI's form, as JSON. */
  models(): string;
  /** Starts a request: the body of a chat completion, or of a completion. With `named`, a model that it names must be this one. */
  submit(request: number, chat: boolean, body: string, named: boolean): void;
  /** Whether the request needs the grammar module, which `setGrammar` has not given yet. */
  needsGrammar(chat: boolean, body: string): boolean;
  setGrammar(module: WasmGrammar): void;
  /** What a server answers where it generates nothing. */
  inquire(inquiry: Inquiry): Reply;
  interrupt(request: number): void;
  free(): void;
}

/** The module, instantiated. */
export interface Wasm {
  requestDevice(baseline: boolean): Promise<WasmDevice>;
  /** Checks that library and package fit each other and the device, then reserves memory. */
  newLoader(device: WasmDevice, library: Uint8Array, files: WasmPackage, options: WasmLoaderOptions): WasmLoader;
  /** Calls `listener` when the module panics; nothing of it may be used afterwards. */
  onPanic(listener: (message: string) => void): void;
  /** The grammar module, which is loaded when it is first needed: from this address, or from beside the scripts. */
  loadGrammar(address: string | undefined): Promise<WasmGrammar>;
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

/** Errors of the runtime carry `class`, `code` and `fields`; anything else that comes out of it is a fault. */
function translate(error: unknown): Error {
  const { class: type, code, message, fields } = (error ?? {}) as Partial<WasmFailure>;
  const text = typeof message === "string" ? message : String(error);
  return fromRuntime({ class: type ?? "InternalError", code: code ?? "InternalError", message: text, fields: fields ?? {} });
}

/** The error for what the runtime says. A class that this package lacks gives an {@link InternalError}. */
export function fromRuntime(failure: WasmFailure): TegulaError {
  const type = CLASSES.get(failure.class) ?? InternalError;
  return new type(failure.message, { ...failure.fields, code: failure.code });
}
