/**
 * The npm package in headless Chromium, end to end: real shards over HTTP, real WebGPU (SwiftShader), real IndexedDB. Needs `npm run
 * build:web` and `cargo build --package tegula-cli` before.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { launch } from "./chromium.mjs";
import { SITE, TEGULA, golden, makePackages, noStories } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

let browser;
let folder;
/** The page's own server, and that of the models, on another origin. */
let site;
let models;
let context;
let page;

before(async () => {
  folder = makePackages();
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  models = await TestServer.start(folder);
  context = await browser.newContext();
  page = await open(context);
});

afterEach(async () => {
  await context.close();
  await models.stop().catch(() => {});
});

async function open(context) {
  const page = await context.newPage();
  await page.goto(site.url + BLANK);
  // What the scripts below use, in the page.
  await page.evaluate(async () => {
    const tegula = await import("/tegula/index.js");
    globalThis.start = (options) => tegula.createEngine({ onWarning: () => {}, ...options });
    globalThis.caught = async (promise) => {
      const error = await promise.then(() => undefined, (error) => error);
      if (!error) return "no error";
      return { class: Object.keys(tegula).find((name) => tegula[name] === error.constructor), name: error.name, message: error.message, ...error };
    };
    globalThis.textOf = async (answer) => (await answer).choices[0].text;
    globalThis.cachedFiles = async () => {
      // Opening a database that is not there would make an empty one.
      if (!(await indexedDB.databases()).some(({ name }) => name === "tegula")) return [];
      const request = indexedDB.open("tegula");
      await new Promise((done, fail) => Object.assign(request, { onsuccess: done, onerror: fail }));
      const keys = request.result.transaction("files").objectStore("files").getAllKeys();
      await new Promise((done, fail) => Object.assign(keys, { onsuccess: done, onerror: fail }));
      request.result.close();
      return keys.result.map((url) => new URL(url).pathname.slice(1));
    };
  });
  return page;
}

const model = (name) => `${models.url}${name}/`;
const shardRequests = () => models.requests.filter((path) => path.endsWith(".bin"));
const MESSAGES = [{ role: "user", content: "hello" }];

describe("answers", () => {
  /** An engine in a page of its own, for the tests that only ask. */
  let asking;

  before(async () => {
    const server = await TestServer.start(folder);
    asking = await open(await browser.newContext());
    await asking.evaluate(async (model) => void (globalThis.engine = await start({ model })), `${server.url}random/`);
    await server.stop();
  });

  after(async () => {
    await asking.evaluate(() => engine.unload());
    await asking.context().close();
  });

  test("stories260K continues as its reference does", { skip: noStories }, async () => {
    const { greedy_text_from_bos: expected } = golden();
    const answer = await page.evaluate(async (model) => {
      const engine = await start({ model });
      const answer = await engine.completions.create({ prompt: [1], temperature: 0, max_tokens: 256 });
      await engine.unload();
      return answer;
    }, model("stories"));
    assert.equal(answer.choices[0].text.trimStart(), expected);
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.choices[0].finish_reason], [1, 256, "length"]);
  });

  test("a long prompt is read as a short one is", { skip: noStories }, async () => {
    const { greedy_ids_from_bos: ids } = golden();
    // Long enough that every kernel walks its loops over keys more than once.
    const [read, written] = await page.evaluate(
      async ({ model, ids }) => {
        const engine = await start({ model });
        const ask = (prompt) => textOf(engine.completions.create({ prompt, temperature: 0, max_tokens: 256 - prompt.length + 1 }));
        const texts = [await ask(ids.slice(0, 180)), await ask(ids.slice(0, 1))];
        await engine.unload();
        return texts;
      },
      { model: model("stories"), ids },
    );
    assert.ok(written.endsWith(read), `${JSON.stringify(read)} does not end ${JSON.stringify(written)}`);
  });

  test("in a worker, in the page and on a baseline device they are the same, streamed or whole", async () => {
    const texts = await page.evaluate(
      async ({ model, messages }) => {
        const texts = [];
        for (const options of [{}, { worker: false }, { baseline: true }]) {
          const engine = await start({ model, ...options });
          const request = { messages, temperature: 0, max_tokens: 24, ignore_eos: true };
          const whole = await engine.chat.completions.create(request);
          let streamed = "";
          for await (const chunk of await engine.chat.completions.create({ ...request, stream: true })) streamed += chunk.choices[0].delta.content ?? "";
          texts.push(whole.choices[0].message.content, streamed);
          await engine.unload();
        }
        return texts;
      },
      { model: model("random"), messages: MESSAGES },
    );
    assert.ok(texts[0].length > 0);
    assert.equal(new Set(texts).size, 1, JSON.stringify(texts));
  });

  test("requests at the same time answer as they do alone, and a seed repeats", async () => {
    const { alone, together } = await asking.evaluate(async () => {
      const ask = (seed) => textOf(engine.completions.create({ prompt: "hello", seed, temperature: 1, max_tokens: 12, ignore_eos: true }));
      const seeds = [1, 2, 3, 4, 5, 6];
      const alone = [];
      for (const seed of seeds) alone.push(await ask(seed));
      return { alone, together: await Promise.all(seeds.map(ask)) };
    });
    assert.deepEqual(together, alone);
    assert.equal(new Set(alone).size, alone.length, "six seeds, six answers");
  });

  test("interruptGenerate ends an answer in the middle, and the next one is as ever", async () => {
    const { reason, tokens, before, after } = await asking.evaluate(async () => {
      const request = { prompt: "hello", temperature: 0, ignore_eos: true };
      const before = await textOf(engine.completions.create({ ...request, max_tokens: 8 }));
      let tokens = 0;
      let reason;
      for await (const chunk of await engine.completions.create({ ...request, stream: true })) {
        reason = chunk.choices[0].finish_reason;
        if (++tokens === 3) engine.interruptGenerate();
      }
      const after = await textOf(engine.completions.create({ ...request, max_tokens: 8 }));
      return { reason, tokens, before, after };
    });
    assert.equal(reason, "abort");
    assert.ok(tokens < 40, `${tokens} chunks after the interruption`);
    assert.equal(after, before);
  });

  test("a prompt longer than the context names both lengths; bad requests name the field", async () => {
    const [long, range, count, part, role, misspelt, type] = await asking.evaluate(async () => [
      await caught(engine.completions.create({ prompt: Array(5000).fill(1) })),
      await caught(engine.completions.create({ prompt: "a", top_p: 7 })),
      await caught(engine.completions.create({ prompt: "a", top_k: -7 })),
      await caught(engine.chat.completions.create({ messages: [{ role: "user", content: "a" }], min_p: 1.1 })),
      await caught(engine.chat.completions.create({ messages: [{ role: "robot", content: "" }], stream: true })),
      await caught(engine.completions.create({ prompt: "a", user: "u", temprature: 1 })),
      await caught(engine.chat.completions.create({ messages: [{ role: "user", content: 5 }] })),
    ]);
    assert.deepEqual([long.class, long.name, long.prompt], ["ContextWindowSizeExceededError", "ContextWindowSizeExceededError", 5000]);
    assert.ok(long.context > 0 && long.context <= 5000);
    for (const [error, field] of [[range, "top_p"], [count, "top_k"], [part, "min_p"]]) {
      assert.deepEqual([error.class, error.code, error.field], ["InvalidRequestError", "RangeError", field]);
    }
    assert.deepEqual([role.class, role.field], ["InvalidRequestError", "messages[0].role"]);
    assert.deepEqual([misspelt.class, misspelt.field], ["InvalidRequestError", "temprature"]);
    assert.equal(misspelt.message, "`temprature` is not a known field; did you mean `temperature`?");
    const { field, value, allowed } = type;
    assert.deepEqual({ field, value, allowed }, { field: "messages[0].content", value: "5", allowed: "a text or a list of parts" });
  });
});

describe("loading", () => {
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
    const second = await load(await open(context));
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
    execFileSync(TEGULA, ["compile", join(folder, "random"), "--max-batch-size", "3", "-o", other], { stdio: "ignore" });
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
});

test("without an adapter the error says why, and nothing is fetched", async () => {
  const other = await launch({ webgpu: false });
  try {
    const page = await open(await other.newContext());
    const error = await page.evaluate(async (model) => caught(start({ model })), model("random"));
    assert.equal(error.class, "WebGPUNotAvailableError");
    assert.ok(error.reason.length > 10, error.reason);
    assert.deepEqual(models.requests, []);
  } finally {
    await other.close();
  }
});
