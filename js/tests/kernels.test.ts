/** Choices among kernels. They are made once for a library and a device and kept, and made again if the kept choice cannot be used. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { IndexedDbCache } from "../load/cache.js";
import type { LoadListeners, LoadOptions } from "../api/backend.js";
import { Session } from "../engine/session.js";
import { browserVersion } from "../wasm/webgpu.js";
import { FakeServer } from "./fake-server.js";
import { FakeWasm, forgetEverything, rustError } from "./fakes.js";

const MODEL = "https://models.test/pkg/";
const OPTIONS: LoadOptions = { model: MODEL, library: `${MODEL}library.wasm`, cache: "indexeddb", baseline: false, kernels: "measure", name: "pkg", precision: "auto" };

let keys = 0;
let key: string;

beforeEach(async () => {
  await forgetEverything();
  const server = new FakeServer();
  server.install();
  server.publish("llama", [new Uint8Array(10)]);
  key = `device ${keys++}`;
});

/** Loads on a device where these are the fastest; gives what was chosen, and whether by measuring. */
async function load(fastest: number[], options: Partial<LoadOptions> = {}, listeners: LoadListeners = {}, device = key, refusal?: Error) {
  const wasm = new FakeWasm();
  Object.assign(wasm, { choiceKey: device, fastest, refusal });
  const session = new Session(() => Promise.resolve(wasm), () => Promise.resolve());
  const loaded = await session.load({ ...OPTIONS, ...options }, listeners);
  assert.deepEqual(loaded.kernels.map(({ chosen }) => chosen), wasm.kernels);
  return { chosen: wasm.kernels, measured: wasm.measured };
}

/** Runs a task on the cache, under the key of this device in this browser. */
async function kept<T>(task: (cache: IndexedDbCache, key: string) => Promise<T>): Promise<T> {
  const cache = (await IndexedDbCache.open(assert.fail)) as IndexedDbCache;
  const result = await task(cache, `${key} ${await browserVersion()}`);
  cache.database.close();
  return result;
}

const keep = (value: unknown): Promise<void> => kept((cache, key) => cache.keepChoice(key, value as number[]));

/** Runs a task in a browser of this kind. */
async function inBrowser<T>(navigator: object, task: () => Promise<T>): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  try {
    return await task();
  } finally {
    if (own) Object.defineProperty(globalThis, "navigator", own);
    else Reflect.deleteProperty(globalThis, "navigator");
  }
}

test("a choice is made once and remembered", async () => {
  const texts: string[] = [];
  const first = await load([2, 0, 1], {}, { onProgress: ({ text }) => texts.push(text) });
  assert.deepEqual(first, { chosen: [2, 0, 1], measured: true });
  assert.ok(texts.includes("Compiling kernels: 0 of 3") && texts.includes("Choosing among kernels"), texts.join("\n"));
  assert.ok(texts.some((text) => text.startsWith("Kernels chosen, 2 of 3 for this device; choice 0: schedule 2 (1.0 us)")), texts.join("\n"));
  assert.deepEqual(await load([1, 1, 1]), { chosen: [2, 0, 1], measured: false });
});

test("another device or library chooses for itself", async () => {
  await load([2, 0]);
  assert.deepEqual(await load([0, 1], {}, {}, `${key} of another kind`), { chosen: [0, 1], measured: true });
  assert.deepEqual(await load([1, 1]), { chosen: [2, 0], measured: false });
});

test("another version of the browser chooses for itself, though its short name is the same", async () => {
  const chrome = (version: string): object => ({
    userAgent: "Chrome/140.0.0.0",
    userAgentData: { getHighEntropyValues: () => Promise.resolve({ fullVersionList: [{ brand: "Chromium", version }] }) },
  });
  const silent = { userAgent: "Chrome/140.0.0.0", userAgentData: { getHighEntropyValues: () => Promise.reject(new Error("no")) } };
  const browsers = [chrome("140.0.1.2"), chrome("140.0.1.3"), silent, { userAgent: "Firefox/141.0" }];
  for (const [index, browser] of browsers.entries()) {
    assert.deepEqual(await inBrowser(browser, () => load([index, 0])), { chosen: [index, 0], measured: true });
  }
  for (const [index, browser] of browsers.entries()) {
    assert.deepEqual(await inBrowser(browser, () => load([9, 9])), { chosen: [index, 0], measured: false });
  }
});

test("a choice that no longer compiles is forgotten and made again, once", async () => {
  for (const refusal of [
    rustError("DeviceError", "GpuError", "the kernel `qkv` does not compile"),
    rustError("DeviceError", "FeatureSupportError", "the kernel `qkv` needs f16"),
    rustError("LimitError", "DeviceLimitError", "too much workgroup memory", { limit: "maxComputeWorkgroupStorageSize" }),
  ]) {
    await keep([1, 1]);
    const warnings: string[] = [];
    const onWarning = (message: string): void => void warnings.push(message);
    assert.deepEqual(await load([2, 0], {}, { onWarning }, key, refusal), { chosen: [2, 0], measured: true });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /no longer work here .*; they are chosen again/);
    assert.deepEqual(await load([0, 1]), { chosen: [2, 0], measured: false });
  }
});

test("a choice with which the device is lost is forgotten, and what else goes wrong is no reason to", async () => {
  for (const [refusal, name, left] of [
    [rustError("DeviceLostError", "DeviceLostError", "the driver crashed"), "DeviceLostError", undefined],
    [rustError("LimitError", "OutOfMemoryError", "no memory", { limit: "memory" }), "LimitError", [1, 1]],
    [rustError("InvalidLibraryError", "LaunchError", "it traps"), "InvalidLibraryError", [1, 1]],
  ] as const) {
    await keep([1, 1]);
    await assert.rejects(load([2, 0], {}, {}, key, refusal), { name });
    assert.deepEqual(await kept((cache, key) => cache.choice(key)), left);
  }
});

test("what is damaged or does not fit is chosen again, and replaced", async () => {
  for (const damaged of ["nonsense", [-1, 0], [0.5, 0], ["1", 0], null, [1, 1, 1]]) {
    await keep(damaged);
    assert.deepEqual(await load([2, 0]), { chosen: [2, 0], measured: true }, JSON.stringify(damaged));
    assert.deepEqual(await load([0, 1]), { chosen: [2, 0], measured: false });
  }
});

test("nothing is measured, kept or remembered where the default is asked for", async () => {
  assert.deepEqual(await load([2, 0], { kernels: "default" }), { chosen: [0, 0], measured: false });
  assert.deepEqual(await load([2, 0]), { chosen: [2, 0], measured: true });
  assert.deepEqual(await load([2, 0], { kernels: "default" }), { chosen: [0, 0], measured: false });
});

test("without a cache it is chosen each time", async () => {
  await load([2, 0], { cache: "none" });
  assert.deepEqual(await load([0, 1], { cache: "none" }), { chosen: [0, 1], measured: true });
});

test("a choice that cannot be kept is a warning, not a failure", async () => {
  await load([0, 0], { kernels: "default" });
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function () {
    throw new DOMException("no room", "QuotaExceededError");
  };
  try {
    const warnings: string[] = [];
    await load([2, 0], {}, { onWarning: (message) => warnings.push(message) });
    assert.deepEqual(warnings.length, 1);
    assert.match(warnings[0]!, /choice among kernels could not be kept/);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
});

test("files of the first version of the cache survive", async () => {
  await new Promise((done) => Object.assign(indexedDB.deleteDatabase("tegula"), { onsuccess: done }));
  const opening = indexedDB.open("tegula", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files", { keyPath: "url" }).put({ url: `${MODEL}a`, data: new Blob(["a"]) });
  await new Promise((done) => (opening.onsuccess = done));
  opening.result.close();
  const cache = (await IndexedDbCache.open(assert.fail)) as IndexedDbCache;
  assert.equal(await (await cache.get(`${MODEL}a`))?.text(), "a");
  assert.equal(await cache.choice(`${key} ${await browserVersion()}`), undefined);
  cache.database.close();
});
