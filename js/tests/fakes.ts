/** A fake runtime: just enough of it to test the code between runtime and page. */

import assert from "node:assert/strict";
import type { Inquiry, Precision, Reply } from "../api/backend.js";
import type { FinishReason } from "../api/openai.js";
import type { WasmGrammar } from "../wasm/grammar.js";
import type { Wasm, WasmDevice, WasmEngine, WasmEvent, WasmLoader, WasmLoaderOptions, WasmPackage } from "../wasm/seam.js";
import { md5 } from "./fake-server.js";

const TOO_LONG = "ContextWindowSizeExceededError";

/** An error as the Rust runtime throws it. */
export function rustError(type: string, code: string, message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { class: type, code, fields });
}

/** Empties the cache. */
export async function forgetEverything(): Promise<void> {
  const request = indexedDB.deleteDatabase("tegula");
  await new Promise((resolve, reject) => Object.assign(request, { onsuccess: resolve, onerror: reject }));
}

const DEVICE: WasmDevice = {
  info: () => ({
    name: "fake",
    vendor: "none",
    backend: "webgpu",
    driver: "",
    deviceType: "cpu",
    subgroups: false,
    subgroupMinSize: 0,
    subgroupMaxSize: 0,
    f16: false,
    matrix: false,
    timestamps: false,
    limits: {},
  }),
  free() {},
};

/** A runtime whose library fits a package if both texts name the same model, and whose engine says what a test tells it to. */
export class FakeWasm implements Wasm {
  /** What was called, in order. */
  calls: string[] = [];
  engine: FakeEngine | undefined;
  panic: (message: string) => void = () => {};
  /** What the device has to choose, and what is the fastest on it. */
  choiceKey: string | undefined;
  fastest: number[] = [];
  /** How it ends to compile kernels that were remembered; else it goes well. */
  refusal: Error | undefined;
  /** What was chosen, and whether by measuring. */
  kernels: number[] = [];
  measured = false;
  runAhead: number | undefined;
  precision: Precision | undefined;
  /** What responses call the model, and where it runs. */
  name = "";
  environment = "";
  /** The texts that the loader got. */
  files: WasmPackage | undefined;
  onKernels: (compiled: number, total: number) => void = () => {};
  /** The revision of the library that it got. */
  revision: string | undefined;
  /** Loaders and engines that were not freed. */
  alive = 0;
  /** Addresses from which the grammar module was loaded, and why it cannot be. */
  grammars: (string | undefined)[] = [];
  grammarRefusal: Error | undefined;
  hasGrammar = false;

  requestDevice(): Promise<WasmDevice> {
    return Promise.resolve(DEVICE);
  }

  newLoader(_device: WasmDevice, library: Uint8Array, files: WasmPackage, options: WasmLoaderOptions): WasmLoader {
    Object.assign(this, options);
    const { model } = JSON.parse(files.config ?? "{}") as { model?: string };
    const [text, revision] = new TextDecoder().decode(library.subarray(4)).split("#");
    this.files = files;
    this.revision = revision;
    if (text!.startsWith("old")) throw rustError("LibraryVersionError", "LibraryVersionError", "version 0", { found: 0, supported: 1 });
    if (text !== String(model)) throw rustError("LibraryMismatchError", "ParameterMismatchError", `library ${text}, package ${model}`, { name: "w" });
    this.alive += 1;
    return new FakeLoader(this, JSON.parse(files.manifest) as Manifest);
  }

  onPanic(listener: (message: string) => void): void {
    this.panic = listener;
  }

  loadGrammar(address: string | undefined): Promise<WasmGrammar> {
    this.grammars.push(address);
    const refusal = this.grammarRefusal;
    return refusal ? Promise.reject(refusal) : Promise.resolve({ vocabulary: () => assert.fail("only the runtime calls it") });
  }
}

interface Manifest {
  records: { dataPath: string; nbytes: number; md5sum: string }[];
}

class FakeLoader implements WasmLoader {
  #current = 0;
  #slices: Uint8Array[] = [];
  #refusal: Error | undefined;

  constructor(
    readonly wasm: FakeWasm,
    readonly manifest: Manifest,
  ) {}

  shards() {
    return this.manifest.records.map(({ dataPath, nbytes }) => ({ path: dataPath, bytes: nbytes }));
  }

  allocated(): Promise<void> {
    return Promise.resolve();
  }

  begin(index: number): void {
    this.wasm.calls.push(`begin ${index}`);
    this.#current = index;
    this.#slices = [];
  }

  push(slice: Uint8Array): void {
    this.wasm.calls.push(`push ${this.#current} ${slice.length}`);
    this.#slices.push(slice.slice());
  }

  end(): void {
    const { dataPath: shard, md5sum: expected } = this.manifest.records[this.#current]!;
    const found = md5(Buffer.concat(this.#slices));
    if (found !== expected) throw rustError("CorruptShardError", "IntegrityError", `shard ${shard} is corrupt`, { shard, expected, found });
    this.wasm.calls.push(`end ${this.#current}`);
  }

  choiceKey(): string | undefined {
    return this.wasm.choiceKey;
  }

  compile(measure: boolean, remembered: Uint32Array | undefined, onKernels: (compiled: number, total: number) => void): void {
    this.wasm.calls.push("compile");
    this.wasm.onKernels = onKernels;
    onKernels(0, 3);
    const { fastest } = this.wasm;
    // As the runtime does: what is remembered holds where it fits, else it is measured.
    const known = remembered?.length === fastest.length ? [...remembered] : undefined;
    this.wasm.kernels = measure ? (known ?? fastest) : fastest.map(() => 0);
    if (this.wasm.kernels === known) this.#refusal = this.wasm.refusal;
    this.wasm.measured = measure && known === undefined && this.wasm.choiceKey !== undefined;
  }

  async finish(runAhead: number | undefined, onEvents: (events: WasmEvent[]) => void): Promise<WasmEngine> {
    this.wasm.calls.push("finish");
    this.wasm.runAhead = runAhead;
    for (const compiled of [1, 2, 3]) {
      await Promise.resolve();
      this.wasm.onKernels(compiled, 3);
    }
    if (this.#refusal) {
      this.wasm.alive -= 1;
      throw this.#refusal;
    }
    this.wasm.engine = new FakeEngine(this.wasm, onEvents);
    return this.wasm.engine;
  }

  free(): void {
    this.wasm.alive -= 1;
  }
}

export class FakeEngine implements WasmEngine {
  requests: [number: number, body: Record<string, unknown>, chat: boolean][] = [];
  interrupted: number[] = [];
  /** What was asked beside answers. It says so itself, with status 299. */
  inquiries: Inquiry[] = [];

  constructor(
    readonly wasm: FakeWasm,
    readonly emit: (events: WasmEvent[]) => void,
  ) {}

  model() {
    return { architecture: "fake", quantization: "q0f32", activations: "float" as const, contextWindowSize: 8, maxBatchSize: 4, vocabSize: 4, chat: true, tokenizer: true };
  }

  kernels() {
    return this.wasm.kernels.map((chosen, index) => ({ name: `choice ${index}`, chosen, schedule: `schedule ${chosen}`, why: "1.0 us" }));
  }

  models(): string {
    return JSON.stringify({ object: "list", data: [{ id: this.wasm.name, object: "model", created: 5, owned_by: "tegula" }] });
  }

  inquire(inquiry: Inquiry): Reply {
    this.inquiries.push(inquiry);
    return { status: 299, body: JSON.stringify(inquiry) };
  }

  needsGrammar(_: boolean, body: string): boolean {
    return !this.wasm.hasGrammar && body.includes("response_format");
  }

  setGrammar(): void {
    this.wasm.hasGrammar = true;
  }

  submit(request: number, chat: boolean, body: string, named: boolean): void {
    const fields = JSON.parse(body) as Record<string, unknown>;
    if (fields["top_p"] === 2) throw rustError("InvalidRequestError", "RangeError", "`top_p` is 2", { field: "top_p" });
    if (named && "model" in fields && fields["model"] !== this.wasm.name) {
      throw rustError("EngineNotLoadedError", "ModelNotLoadedError", "unknown", { status: 404, response: '{"error":"unknown"}' });
    }
    const { length } = String(fields["prompt"] ?? "");
    if (length > 8) throw rustError(TOO_LONG, TOO_LONG, "too long", { prompt: length, context: 8, status: 400, response: "{}" });
    this.requests.push([request, fields, chat]);
    const streams = fields["stream"] === true;
    queueMicrotask(() => this.emit([{ kind: "accepted", request, id: `answer-${request}`, streams, responses: [] }]));
  }

  interrupt(request: number): void {
    this.interrupted.push(request);
    queueMicrotask(() => this.finish(request, "abort"));
  }

  /** Sends responses, as the runtime would. */
  say(request: number, ...responses: string[]): void {
    this.emit(responses.map((json) => ({ kind: "progress", request, responses: [json] })));
  }

  /** Ends a request, by default with a response that has nothing but the reason. */
  finish(request: number, reason: FinishReason = "stop", responses = [JSON.stringify({ choices: [{ finish_reason: reason }] })]): void {
    const extra = { e2e_latency_s: 1, time_to_first_token_s: 0.5, time_per_output_token_s: 0.5, prefill_tokens_per_s: 6, decode_tokens_per_s: 2 };
    const details = { prompt_tokens_details: { cached_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } };
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ...details, extra };
    this.emit([{ kind: "finished", request, responses, usage }]);
  }

  free(): void {
    this.wasm.alive -= 1;
  }
}
