/**
 * Loads of the npm package in headless Chromium, end to end: real shards over HTTP, real WebGPU (SwiftShader), real IndexedDB. What is
 * damaged, missing or unfit is refused. Needs `npm run build:web` and `cargo build --package tegula-cli` before.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "./chromium.mjs";
import { context, folder, model, models, open, page, setUp, site } from "./engine-page.mjs";
import { TEGULA } from "./packages.mjs";

setUp(1);

const shardRequests = () => models.requests.filter((path) => path.endsWith(".bin"));

test("a cached model loads without the network", async () => {
  const load = async (page) =>
    page.evaluate(async (model) => {
      const reports = [];
      const engine = await start({ model, onProgress: (report) => reports.push(report) });
      const text = await textOf(engine.completions.create({ prompt: "hello", temperature: 0, max_tokens: 8 }));
      await engine.unload();
      return { text, reports };
    }, model("random"));
  const first = await load(page);
  assert.deepEqual(shardRequests().length, 4);
  await models.stop();
  await page.close();
  const second = await load(await open(context, site.url));
  assert.equal(second.text, first.text);
  const [cold, warm] = [first, second].map(({ reports }) => reports.findLast((report) => report.phase === "weights"));
  assert.deepEqual([cold.fromCache, warm.fromCache], [false, true]);
  for (const { loadedBytes, totalBytes } of [cold, warm]) assert.equal(loadedBytes, totalBytes);
  assert.ok(cold.totalBytes > 0);
  for (const { reports } of [first, second]) {
    const { compiled, total } = reports.at(-1).kernels;
    assert.ok(total > 0 && compiled === total, `${compiled} of ${total} kernels are compiled`);
  }
});

test("a corrected library arrives at the next load, and a host that hangs holds none up", async () => {
  const load = () =>
    page.evaluate(async (model) => {
      const warnings = [];
      const engine = await start({ model, onWarning: (warning) => warnings.push(warning) });
      const answer = await engine.completions.create({ prompt: "hello", temperature: 0, max_tokens: 4 });
      await engine.unload();
      return { warnings, text: answer.choices[0].text, fingerprint: answer.system_fingerprint };
    }, model("random"));
  const first = await load();
  assert.deepEqual(await load(), first, "equal files, equal fingerprints");
  // A library that is damaged takes the place of none.
  models.damage.set("random/library.wasm", (bytes) => Buffer.concat([bytes, Buffer.alloc(8)]));
  const { warnings, ...kept } = await load();
  assert.deepEqual({ ...kept, warnings: [] }, first);
  assert.match(warnings.join(), /newer files of this model, but they do not fit/);
  // Another one of the same shapes does.
  const other = join(folder, "corrected.wasm");
  execFileSync(TEGULA, ["compile", join(folder, "random"), "--max-batch-size", "2", "-o", other], { stdio: "ignore" });
  models.damage.set("random/library.wasm", () => readFileSync(other));
  const corrected = await load();
  assert.deepEqual([corrected.text, corrected.warnings], [first.text, []]);
  assert.notEqual(corrected.fingerprint, first.fingerprint);
  models.damage.clear();
  models.host = () => new Promise(() => {});
  assert.deepEqual(await load(), corrected, "it was kept");
  assert.equal(shardRequests().length, 4);
});

test("the first shard is on its way to the GPU while others download", async () => {
  let release;
  models.hold.set("random/params_shard_1.bin", new Promise((resolve) => (release = resolve)));
  await page.evaluate((model) => {
    globalThis.loaded = start({ model, onProgress: (report) => (globalThis.report = report) });
  }, model("random"));
  // The first shard is verified and cached while the second is still held back.
  while (!(await page.evaluate(() => cachedFiles())).includes("random/params_shard_0.bin")) await page.waitForTimeout(20);
  // On a busy machine the other requests may come later than what the first has brought.
  for (let wait = 0; wait < 500 && shardRequests().length < 4; wait++) await page.waitForTimeout(20);
  assert.equal(shardRequests().length, 4, "and all four are asked for");
  assert.equal((await page.evaluate(() => cachedFiles())).filter((path) => path.endsWith(".bin")).length, 1);
  release();
  await page.evaluate(async () => (await loaded).unload());
});

for (const [what, damage] of Object.entries({
  corrupt: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1) ^ 1])]),
  truncated: (bytes) => bytes.subarray(0, -8),
  "too long": (bytes) => Buffer.concat([bytes, Buffer.alloc(8)]),
})) {
  test(`a shard that is ${what} is refused with both hashes, and not cached`, async () => {
    models.damage.set("random/params_shard_1.bin", damage);
    // Held back until the one before it is in the cache: else it depends on the network which is handled first.
    let release;
    models.hold.set("random/params_shard_1.bin", new Promise((resolve) => (release = resolve)));
    await page.evaluate((model) => void (globalThis.refused = caught(start({ model }))), model("random"));
    while (!(await page.evaluate(() => cachedFiles())).includes("random/params_shard_0.bin")) await page.waitForTimeout(20);
    release();
    const [error, files] = await page.evaluate(async () => [await refused, await cachedFiles()]);
    assert.deepEqual([error.class, error.shard], ["CorruptShardError", "params_shard_1.bin"]);
    for (const hash of [error.expected, error.found]) assert.match(hash, /^[0-9a-f]{32}$/);
    assert.notEqual(error.expected, error.found);
    assert.deepEqual(files.filter((path) => path.endsWith(".bin")), ["random/params_shard_0.bin"]);
  });
}

test("a damaged shard in the cache is fetched again", async () => {
  const text = await page.evaluate(async (model) => {
    const ask = async () => {
      const engine = await start({ model });
      const text = await textOf(engine.completions.create({ prompt: "hello", temperature: 0, max_tokens: 8 }));
      await engine.unload();
      return text;
    };
    const first = await ask();
    const request = indexedDB.open("tegula");
    await new Promise((done) => (request.onsuccess = done));
    const store = request.result.transaction("files", "readwrite").objectStore("files");
    store.put({ url: `${model}params_shard_2.bin`, data: new Blob(["damaged"]) });
    await new Promise((done) => (store.transaction.oncomplete = done));
    request.result.close();
    return [first, await ask()];
  }, model("random"));
  assert.equal(text[1], text[0]);
  assert.equal(shardRequests().filter((path) => path.endsWith("_2.bin")).length, 2);
  assert.equal(shardRequests().length, 5);
});

test("a library for other parameters is refused before any shard is asked for", async () => {
  const library = `${model("other")}library.wasm`;
  const error = await page.evaluate(async (options) => caught(start(options)), { model: model("random"), library });
  assert.equal(error.class, "LibraryMismatchError");
  assert.ok(error.parameter && error.expected, JSON.stringify(error));
  assert.deepEqual(shardRequests(), []);
});

test("a library of another format version, and a file that is no library", async () => {
  const version = Buffer.from("tegula.version");
  models.damage.set("random/library.wasm", (bytes) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt32LE(999, changed.indexOf(version) + version.length);
    return changed;
  });
  const old = await page.evaluate(async (model) => caught(start({ model })), model("random"));
  assert.deepEqual([old.class, old.found], ["LibraryVersionError", 999]);
  assert.ok(old.supported < 999);
  const not = await page.evaluate(async (model) => caught(start({ model, library: `${model}tokenizer.json` })), model("random"));
  assert.equal(not.class, "InvalidLibraryError");
  assert.deepEqual(shardRequests(), []);
});

test("what is not there, what is not JSON, and what cannot be reached", async () => {
  const missing = await page.evaluate(async (model) => caught(start({ model })), model("nowhere"));
  assert.deepEqual([missing.class, missing.status], ["ModelNotFoundError", 404]);
  models.damage.set("random/tensor-cache.json", () => Buffer.from("<html>"));
  const html = await page.evaluate(async (model) => caught(start({ model })), model("random"));
  assert.equal(html.class, "InvalidPackageError");
  await models.stop();
  const unreachable = await page.evaluate(async (model) => caught(start({ model })), model("random"));
  assert.deepEqual([unreachable.class, unreachable.url.startsWith(models.url)], ["NetworkError", true]);
});

test("aborting a load rejects with AbortError at once", async () => {
  models.hold.set("random/params_shard_0.bin", new Promise(() => {}));
  const error = await page.evaluate(async (model) => {
    const abort = new AbortController();
    const onProgress = ({ phase }) => phase === "weights" && abort.abort();
    return caught(start({ model, signal: abort.signal, onProgress }));
  }, model("random"));
  assert.equal(error.name, "AbortError");
});

test("without an adapter the error says why, and nothing is fetched", async () => {
  const other = await launch({ webgpu: false });
  try {
    const page = await open(await other.newContext(), site.url);
    const error = await page.evaluate(async (model) => caught(start({ model })), model("random"));
    assert.equal(error.class, "WebGPUNotAvailableError");
    assert.ok(error.reason.length > 10, error.reason);
    assert.deepEqual(models.requests, []);
  } finally {
    await other.close();
  }
});
