/** A server of models that is not there: it takes the place of `fetch`, and goes wrong where a test wants it to. */

import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { PATIENCE } from "../load/http.js";

/** A library for a model, as far as the fake runtime knows libraries. All revisions fit the same packages. */
export function libraryOf(model: string, revision = ""): string {
  return `\0asm${model}#${revision}`;
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
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
