/** Loading: the order of checks, what is fetched when, the cache, damage, progress. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { IndexedDbCache } from "../load/cache.js";
import { hasModelInCache } from "../load/models.js";
import { CorruptShardError, LibraryMismatchError, LibraryVersionError, ModelNotFoundError, NetworkError } from "../api/errors.js";
import type { LoadListeners, LoadOptions, LoadProgress } from "../api/backend.js";
import { Session } from "../engine/session.js";
import { FakeServer, libraryOf } from "./fake-server.js";
import { FakeWasm, forgetEverything } from "./fakes.js";

const MODEL = "https://models.test/pkg/";
const OPTIONS: LoadOptions = { model: MODEL, library: `${MODEL}library.wasm`, cache: "indexeddb", baseline: false, kernels: "measure", name: "pkg", precision: "auto" };
const SHARDS = [1, 2, 3, 4, 5, 6].map((value) => new Uint8Array(10).fill(value));

let server: FakeServer;
let wasm: FakeWasm;

beforeEach(async () => {
  await forgetEverything();
  server = new FakeServer();
  server.install();
  server.publish("llama", SHARDS);
});

async function load(options: Partial<LoadOptions> = {}, listeners: LoadListeners = {}): Promise<Session> {
  wasm = new FakeWasm();
  const session = new Session(() => Promise.resolve(wasm), () => Promise.resolve());
  await session.load({ ...OPTIONS, ...options }, listeners);
  return session;
}

test("how far the engine runs ahead is handed on", async () => {
  await load({ runAhead: 8 });
  assert.equal(wasm.runAhead, 8);
  await load();
  assert.equal(wasm.runAhead, undefined);
});

test("kernels compile while shards go to the loader whole, in order, a few at a time", async () => {
  await load();
  const order = wasm.calls.filter((call) => !call.startsWith("push"));
  assert.deepEqual(order, ["compile", ...SHARDS.flatMap((_, index) => [`begin ${index}`, `end ${index}`]), "finish"]);
  assert.deepEqual(wasm.calls.slice(2, 5), ["push 0 4", "push 0 4", "push 0 2"]);
  assert.ok(server.mostOpen <= 5, `${server.mostOpen} bodies at once`);
});

test("a shard is pushed while later ones still download", async () => {
  let release = (): void => {};
  server.held.set("pkg/params_shard_1.bin", new Promise<void>((resolve) => (release = resolve)));
  const loading = load();
  await until(() => wasm.calls.includes("end 0"));
  assert.ok(server.requests.includes("pkg/params_shard_3.bin"));
  assert.ok(!server.requests.includes("pkg/params_shard_5.bin"), "no more than four are ahead");
  release();
  await loading;
});

test("a second load needs no network", async () => {
  await load();
  server.offline = true;
  server.requests = [];
  const reports: LoadProgress[] = [];
  await load({}, { onProgress: (progress) => reports.push(progress) });
  assert.deepEqual(server.shardRequests(), []);
  assert.deepEqual(reports.at(-1), {
    phase: "ready",
    loadedBytes: 60,
    totalBytes: 60,
    fromCache: true,
    kernels: { compiled: 3, total: 3 },
    text: "Ready",
  });
});

test("progress counts bytes from none to all", async () => {
  const reports: LoadProgress[] = [];
  await load({}, { onProgress: (progress) => reports.push(progress) });
  assert.deepEqual([...new Set(reports.map((report) => report.phase))], ["package", "weights", "pipelines", "ready"]);
  const weights = reports.filter((report) => report.phase === "weights");
  assert.deepEqual([weights[0]!.loadedBytes, weights.at(-1)!.loadedBytes, weights.at(-1)!.totalBytes], [0, 60, 60]);
  assert.equal(weights.at(-1)!.fromCache, false);
});

test("progress counts kernels from none to all, and nothing after the load", async () => {
  const reports: LoadProgress[] = [];
  await load({}, { onProgress: (progress) => reports.push(progress) });
  assert.equal(reports[0]!.kernels, undefined, "nothing compiles before the package is known");
  const pipelines = reports.filter((report) => report.phase === "pipelines");
  assert.deepEqual(pipelines[0]!.kernels, { compiled: 0, total: 3 });
  assert.deepEqual(pipelines.at(-1)!.kernels, { compiled: 3, total: 3 });
  assert.deepEqual([pipelines[0]!.text, pipelines.at(-1)!.text], ["Compiling kernels: 0 of 3", "Compiling kernels: 3 of 3"]);
  assert.ok(pipelines.length < 4, "no report for each");
  const count = reports.length;
  wasm.onKernels(1, 3);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(reports.length, count);
});

test("a library that does not fit is refused before any shard is asked for, and nothing is cached", async () => {
  server.put("pkg/library.wasm", libraryOf("qwen2"));
  await assert.rejects(load(), (error) => error instanceof LibraryMismatchError && /library qwen2, package llama/.test(error.message));
  assert.deepEqual(server.shardRequests(), []);
  assert.equal(await hasModelInCache(MODEL), false);
});

test("a corrupt shard names both hashes and is not cached, nor is any after it", async () => {
  server.put("pkg/params_shard_1.bin", new Uint8Array(10));
  const corrupt = await load().catch((error: unknown) => error);
  assert.ok(corrupt instanceof CorruptShardError);
  assert.equal(corrupt.shard, "params_shard_1.bin");
  assert.notEqual(corrupt.expected, corrupt.found);
  assert.equal(wasm.alive, 0, "the loader is freed");
  const cache = (await IndexedDbCache.open(assert.fail)) as IndexedDbCache;
  assert.deepEqual((await cache.list(MODEL)).filter((url) => url.includes("shard")), [`${MODEL}params_shard_0.bin`]);
  cache.database.close();
});

test("a damaged shard in the cache is fetched again, and the copy replaced", async () => {
  await load();
  const cache = await IndexedDbCache.open(assert.fail);
  await cache.put(`${MODEL}params_shard_2.bin`, new Blob([new Uint8Array(10)]));
  server.requests = [];
  const reports: LoadProgress[] = [];
  await load({}, { onProgress: (progress) => reports.push(progress) });
  assert.deepEqual(server.shardRequests(), ["pkg/params_shard_2.bin"]);
  assert.equal(reports.at(-1)!.loadedBytes, 60);
  server.offline = true;
  await load();
});

test("cached files that no longer fit are fetched again", async () => {
  await load();
  server.publish("mistral", SHARDS.slice(0, 2));
  const cache = await IndexedDbCache.open(assert.fail);
  await cache.put(`${MODEL}library.wasm`, new Blob([libraryOf("old")]));
  const warnings: string[] = [];
  // The host does not say whether there are newer ones.
  let refused = false;
  server.host = ({ path }) => {
    if (refused || !path.endsWith("tensor-cache.json")) return undefined;
    refused = true;
    return new Response("", { status: 503 });
  };
  await load({}, { onWarning: (message) => warnings.push(message) });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /no longer fit \(version 0\)/);
  server.offline = true;
  await load();
});

test("an old library on the server is an error of its own", async () => {
  server.put("pkg/library.wasm", libraryOf("old"));
  await assert.rejects(load(), (error) => error instanceof LibraryVersionError && error.found === 0 && error.supported === 1);
});

test("what is missing and what cannot be reached are told apart", async () => {
  await assert.rejects(load({ library: "https://models.test/none.wasm" }), (error) => {
    return error instanceof ModelNotFoundError && error.status === 404 && error.url === "https://models.test/none.wasm";
  });
  server.offline = true;
  await assert.rejects(load(), (error) => error instanceof NetworkError && error.url.startsWith(MODEL) && error.status === undefined);
});

test("the manifest's old name is found", async () => {
  server.files.set("pkg/ndarray-cache.json", server.files.get("pkg/tensor-cache.json")!);
  server.files.delete("pkg/tensor-cache.json");
  await load();
  server.offline = true;
  await load();
});

test("aborting stops the downloads and frees the loader", async () => {
  server.held.set("pkg/params_shard_1.bin", new Promise(() => {}));
  const abort = new AbortController();
  const loading = load({}, { signal: abort.signal });
  await until(() => wasm.calls.includes("end 0"));
  abort.abort(new Error("changed my mind"));
  server.held.clear();
  await assert.rejects(loading, /changed my mind/);
  assert.equal(wasm.alive, 0);
});

test("a full cache is a warning, not a failure", async () => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function () {
    throw new DOMException("no room", "QuotaExceededError");
  };
  try {
    const warnings: string[] = [];
    await load({}, { onWarning: (message) => warnings.push(message) });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /quota/);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
});

test("without a cache every load downloads", async () => {
  await load({ cache: "none" });
  server.requests = [];
  await load({ cache: "none" });
  assert.equal(server.shardRequests().length, SHARDS.length);
});

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.fail("it never happened");
}
