/** A fake runtime and a fake server: just enough of both to test the code between them. */

import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Precision } from "../api/backend.js";
import type { FinishReason } from "../api/openai.js";
import { PATIENCE } from "../load/http.js";
import type { Wasm, WasmDevice, WasmEngine, WasmEvent, WasmLoader, WasmLoaderOptions, WasmPackage } from "../wasm/seam.js";

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

/** A library for a model, as far as {@link FakeWasm} knows libraries. All revisions fit the same packages. */
export function libraryOf(model: string, revision = ""): string {
  return `\0asm${model}#${revision}`;
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

  submit(request: number, chat: boolean, body: string): void {
    const fields = JSON.parse(body) as Record<string, unknown>;
    if (fields["top_p"] === 2) throw rustError("InvalidRequestError", "RangeError", "`top_p` is 2", { field: "top_p" });
    const { length } = String(fields["prompt"] ?? "");
    if (length > 8) throw rustError(TOO_LONG, TOO_LONG, "too long", { prompt: length, context: 8, status: 400, response: "{}" });
    this.requests.push([request, fields, chat]);
    queueMicrotask(() => this.emit([{ kind: "accepted", request, responses: [] }]));
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
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, extra };
    this.emit([{ kind: "finished", request, responses, usage }]);
  }

  free(): void {
    this.wasm.alive -= 1;
  }
}

/** What a host makes of a request: an answer of its own, or nothing, and the file is answered as it is. */
export type Host = (request: { path: string; url: URL; headers: Headers; file: Uint8Array<ArrayBuffer> | undefined }) => Response | Error | undefined;

/** A server under `https://models.test/` that takes the place of `fetch`. */
export class FakeServer {
  files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Paths that were asked for, in order. */
  requests: string[] = [];
  /** The same, with queries. */
  urls: string[] = [];
  /** How long anybody waited before asking again. */
  pauses: number[] = [];
  offline = false;
  /** Answers before anything else does. */
  host: Host = () => undefined;
  /** Bytes a body gives at a time. */
  slice = 4;
  /** Answers for these paths wait until the test lets them go on. */
  late = new Map<string, Promise<void>>();
  /** How long to wait between slices of a body, in milliseconds. */
  pace = 0;
  /** Bodies of these paths wait until the test lets them go on. */
  held = new Map<string, Promise<void>>();
  /** Bodies of these paths break after so many bytes, so often. */
  breaks = new Map<string, { after: number; times: number }>();
  /** Whether requests for a range get one. */
  ranges = false;
  /** How it tells versions of files apart, and whether it heeds conditions in requests. */
  versions: "none" | "etag" | "modified" | "unconditional" = "none";
  /** Paths whose bodies were sent, in order. */
  sent: string[] = [];
  #dates = new Map<string, string>();
  open = 0;
  /** The most bodies that were open at once. */
  mostOpen = 0;

  put(path: string, content: string | Uint8Array): void {
    this.files.set(path, new Uint8Array(typeof content === "string" ? new TextEncoder().encode(content) : content));
  }

  /** A package of `model` with these shards, and a library that fits it. */
  publish(model: string, shards: Uint8Array[], folder = "pkg"): void {
    this.put(`${folder}/mlc-chat-config.json`, JSON.stringify({ model }));
    this.put(`${folder}/library.wasm`, libraryOf(model));
    const records = shards.map((bytes, index) => ({ dataPath: `params_shard_${index}.bin`, nbytes: bytes.length, md5sum: md5(bytes) }));
    this.put(`${folder}/tensor-cache.json`, JSON.stringify({ records }));
    this.put(`${folder}/tokenizer.json`, "{}");
    for (const [index, bytes] of shards.entries()) this.put(`${folder}/params_shard_${index}.bin`, bytes);
  }

  shardRequests(): string[] {
    return this.requests.filter((path) => path.includes("shard"));
  }

  install(): void {
    // Every body listens to the load's one signal.
    setMaxListeners(0);
    globalThis.fetch = ((url: string, init?: RequestInit) => this.#answer(url, init)) as typeof fetch;
    PATIENCE.wait = (milliseconds) => {
      this.pauses.push(milliseconds);
      return Promise.resolve();
    };
  }

  async #answer(address: string, init: RequestInit = {}): Promise<Response> {
    const signal = init.signal ?? undefined;
    signal?.throwIfAborted();
    const url = new URL(address);
    const path = url.pathname.slice(1);
    this.requests.push(path);
    this.urls.push(address);
    await new Promise((resolve) => setTimeout(resolve));
    const given = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
    given.catch(() => {});
    await Promise.race([this.late.get(path), given]);
    if (this.offline) throw new TypeError("fetch failed");
    const headers = new Headers(init.headers);
    const own = this.host({ path, url, headers, file: this.files.get(path) });
    if (own instanceof Error) throw own;
    if (own) return own;
    const whole = this.files.get(path);
    if (!whole) return new Response("no such file", { status: 404 });
    const version = this.#version(path, whole);
    const asked = headers.get("If-None-Match") ?? headers.get("If-Modified-Since");
    if (asked !== null && this.versions !== "unconditional" && Object.values(version).includes(asked)) return new Response(null, { status: 304 });
    this.sent.push(path);
    const from = this.ranges ? Number(/^bytes=(\d+)-$/.exec(headers.get("Range") ?? "")?.[1] ?? 0) : 0;
    const bytes = whole.slice(from);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let sent = 0;
    const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve));
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await Promise.race([this.held.get(path), aborted]);
        if (this.pace > 0) await new Promise((resolve) => setTimeout(resolve, this.pace));
        if (signal?.aborted) return controller.error(signal.reason);
        const flaw = this.breaks.get(path);
        if (flaw && flaw.times > 0 && from + sent >= flaw.after) {
          flaw.times -= 1;
          this.open -= 1;
          return controller.error(new TypeError("terminated"));
        }
        controller.enqueue(bytes.slice(sent, sent + this.slice));
        sent += this.slice;
        if (sent < bytes.length) return;
        this.open -= 1;
        controller.close();
      },
    });
    return new Response(body, { status: from > 0 ? 206 : 200, headers: version });
  }

  #version(path: string, file: Uint8Array): Record<string, string> {
    if (this.versions === "none") return {};
    if (this.versions !== "modified") return { ETag: `"${md5(file)}"` };
    // A date for each content.
    const content = `${path} ${md5(file)}`;
    if (!this.#dates.has(content)) this.#dates.set(content, new Date(1e12 + 1e6 * this.#dates.size).toUTCString());
    return { "Last-Modified": this.#dates.get(content)! };
  }
}
