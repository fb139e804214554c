/** What tests of loading share: a server with a model, a fake runtime, and the cache. */

import assert from "node:assert/strict";
import { IndexedDbCache } from "../load/cache.js";
import type { LoadListeners, LoadOptions } from "../api/backend.js";
import { Session } from "../engine/session.js";
import { FakeServer, type Host } from "./fake-server.js";
import { FakeWasm, forgetEverything } from "./fakes.js";

export const MODEL = "https://models.test/pkg/";
export const SHARDS = [1, 2].map((value) => new Uint8Array(10).fill(value));
export const HTML = "<!doctype html><title>App</title>";
export const TEMPLATE = "{{ messages }}";

const OPTIONS: LoadOptions = {
  model: MODEL,
  library: `${MODEL}library.wasm`,
  cache: "indexeddb",
  name: "pkg",
  precision: "auto",
  baseline: false,
  kernels: "measure",
};

/** Loads from a server of its own; what the last load got and said is in `wasm` and `warnings`. */
export class Loading {
  server = new FakeServer();
  wasm = new FakeWasm();
  warnings: string[] = [];

  /** An empty cache, and a server with a model. */
  static async start(): Promise<Loading> {
    await forgetEverything();
    const loading = new Loading();
    loading.server.install();
    loading.server.publish("llama", SHARDS);
    return loading;
  }

  async load(options: Partial<LoadOptions> = {}, listeners: LoadListeners = {}): Promise<void> {
    const wasm = (this.wasm = new FakeWasm());
    const warnings: string[] = (this.warnings = []);
    const session = new Session(
      () => Promise.resolve(wasm),
      () => Promise.resolve(),
    );
    const onWarning = (message: string): void => void warnings.push(message);
    await session.load({ ...OPTIONS, ...options }, { onWarning, ...listeners });
  }

  /** The error of a load that must fail. */
  async failure(options: Partial<LoadOptions> = {}): Promise<Error> {
    return this.load(options).then(
      () => assert.fail("it loaded"),
      (error: Error) => error,
    );
  }
}

/** Runs a task on the cache. */
export async function withCache<T>(task: (cache: IndexedDbCache) => Promise<T>): Promise<T> {
  const cache = (await IndexedDbCache.open(assert.fail)) as IndexedDbCache;
  const result = await task(cache);
  cache.database.close();
  return result;
}

/** A host that answers so where there is no file. */
export function missing(answer: () => Response | Error): Host {
  return ({ file }) => (file ? undefined : answer());
}
