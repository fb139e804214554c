/** A runtime and a server that are not there: just enough of both for tests of what lies between them. */

import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Wasm, WasmDevice, WasmEngine, WasmEvent, WasmLoader, WasmPackage } from "../wasm.js";

/** An error as the Rust runtime throws it. */
export function rustError(code: string, message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { code, fields });
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
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
  /** What was chosen, and whether by measuring. */
  kernels: number[] = [];
  measured = false;
  runAhead: number | undefined;
  onKernels: (compiled: number, total: number) => void = () => {};
  /** Loaders and engines that were not freed. */
  alive = 0;

  requestDevice(): Promise<WasmDevice> {
    return Promise.resolve(DEVICE);
  }

  newLoader(_device: WasmDevice, library: Uint8Array, files: WasmPackage): WasmLoader {
    const { model } = JSON.parse(files.config ?? "{}") as { model?: string };
    const text = new TextDecoder().decode(library);
    if (text.startsWith("old")) throw rustError("LibraryVersionError", "version 0", { found: 0, supported: 1 });
    if (text !== model) throw rustError("ParameterMismatchError", `library ${text}, package ${model}`, { name: "w" });
    this.alive += 1;
    return new FakeLoader(this, JSON.parse(files.manifest) as Manifest);
  }

  onPanic(listener: (message: string) => void): void {
    this.panic = listener;
  }
}

interface Manifest {
  records: { dataPath: string; nbytes: number; md5sum: string }[];
}

class FakeLoader implements WasmLoader {
  #current = 0;
  #slices: Uint8Array[] = [];

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
    if (found !== expected) throw rustError("IntegrityError", `shard ${shard} is corrupt`, { shard, expected, found });
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
    this.wasm.measured = measure && known === undefined && this.wasm.choiceKey !== undefined;
  }

  async finish(runAhead: number | undefined, onEvents: (events: WasmEvent[]) => void): Promise<WasmEngine> {
    this.wasm.calls.push("finish");
    this.wasm.runAhead = runAhead;
    for (const compiled of [1, 2, 3]) {
      await Promise.resolve();
      this.wasm.onKernels(compiled, 3);
    }
    this.wasm.engine = new FakeEngine(this.wasm, onEvents);
    return this.wasm.engine;
  }

  free(): void {
    this.wasm.alive -= 1;
  }
}

export class FakeEngine implements WasmEngine {
  requests: [number: number, body: Record<string, unknown>, prompt: string | number[] | undefined][] = [];
  interrupted: number[] = [];

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

  submit(request: number, body: string, text: string | undefined, ids: Uint32Array | undefined): void {
    const fields = JSON.parse(body) as Record<string, unknown>;
    if (fields["top_p"] === 2) throw rustError("RangeError", "`top_p` is 2", { field: "top_p" });
    if (fields["top_k"] === -2) throw rustError("RangeError", "`top_k` is -2", { field: "top_k" });
    if (text !== undefined && text.length > 8) throw rustError("ContextWindowSizeExceededError", "too long", { prompt: text.length, context: 8 });
    this.requests.push([request, fields, text ?? (ids && [...ids])]);
    queueMicrotask(() => this.emit([{ kind: "accepted", request }]));
  }

  interrupt(request: number): void {
    this.interrupted.push(request);
    queueMicrotask(() => this.finish(request, "abort"));
  }

  say(request: number, ...texts: string[]): void {
    this.emit(texts.map((text, token) => ({ kind: "token", request, token, text })));
  }

  finish(request: number, reason: "stop" | "length" | "abort" = "stop"): void {
    const extra = { e2e_latency_s: 1, time_to_first_token_s: 0.5, time_per_output_token_s: 0.5, prefill_tokens_per_s: 6, decode_tokens_per_s: 2 };
    this.emit([{ kind: "finished", request, reason, usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, extra } }]);
  }

  free(): void {
    this.wasm.alive -= 1;
  }
}

/** A server under `https://models.test/` that takes the place of `fetch`. */
export class FakeServer {
  files = new Map<string, Uint8Array>();
  /** Paths that were asked for, in order. */
  requests: string[] = [];
  offline = false;
  /** Bytes a body gives at a time. */
  slice = 4;
  /** Bodies of these paths wait until the test lets them go on. */
  held = new Map<string, Promise<void>>();
  open = 0;
  /** The most bodies that were open at once. */
  mostOpen = 0;

  put(path: string, content: string | Uint8Array): void {
    this.files.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }

  /** A package of `model` with these shards, and a library that fits it. */
  publish(model: string, shards: Uint8Array[]): void {
    this.put("pkg/mlc-chat-config.json", JSON.stringify({ model }));
    this.put("pkg/library.wasm", model);
    const records = shards.map((bytes, index) => ({ dataPath: `params_shard_${index}.bin`, nbytes: bytes.length, md5sum: md5(bytes) }));
    this.put("pkg/tensor-cache.json", JSON.stringify({ records }));
    this.put("pkg/tokenizer.json", "{}");
    for (const [index, bytes] of shards.entries()) this.put(`pkg/params_shard_${index}.bin`, bytes);
  }

  shardRequests(): string[] {
    return this.requests.filter((path) => path.includes("shard"));
  }

  install(): void {
    // Every body listens to the load's one signal.
    setMaxListeners(0);
    globalThis.fetch = ((url: string, init?: RequestInit) => this.#answer(url, init?.signal ?? undefined)) as typeof fetch;
  }

  async #answer(url: string, signal: AbortSignal | undefined): Promise<Response> {
    signal?.throwIfAborted();
    const path = new URL(url).pathname.slice(1);
    this.requests.push(path);
    await new Promise((resolve) => setTimeout(resolve));
    if (this.offline) throw new TypeError("fetch failed");
    const bytes = this.files.get(path);
    if (!bytes) return new Response("no such file", { status: 404 });
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let sent = 0;
    const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve));
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await Promise.race([this.held.get(path), aborted]);
        if (signal?.aborted) return controller.error(signal.reason);
        controller.enqueue(bytes.slice(sent, sent + this.slice));
        sent += this.slice;
        if (sent < bytes.length) return;
        this.open -= 1;
        controller.close();
      },
    });
    return new Response(body);
  }
}
