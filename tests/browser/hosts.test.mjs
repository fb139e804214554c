/**
 * Kinds of real hosts, in headless Chromium: what loads from each, or what the error says. All files may be there, optional ones may be
 * missing, or one that a model needs. Prints the table.
 *
 * Most loads end when the small files have been read, at a library that holds nothing, since a software GPU takes seconds to compile
 * kernels. Hosts that matter to the weights are loaded whole, and the embedded model must add; with HOSTS=whole all are.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch } from "./chromium.mjs";
import { HOSTS, asked } from "./hosts.mjs";
import { ROOT, SITE, TEGULA } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

/** A WebAssembly module, and no library. */
const EMPTY = "empty.wasm";

let folder;
let browser;
let page;
/**
 * The page's own server, that of the models, and one that it redirects to; each is another origin.
 */
let site;
let models;
let elsewhere;
const table = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-hosts-"));
  cpSync(join(ROOT, "models", "tegula-tiny"), folder, { recursive: true });
  const small = [
    "--alternatives",
    "1",
    "--max-batch-size",
    "1",
    "--prefill-chunk-size",
    "32",
    "--context-window-size",
    "256",
  ];
  execFileSync(TEGULA, ["compile", folder, "-o", join(folder, "library.wasm"), ...small], {
    stdio: "ignore",
  });
  writeFileSync(join(folder, EMPTY), Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  [browser, site, models, elsewhere] = await Promise.all([
    launch(),
    TestServer.start(SITE),
    TestServer.start(folder),
    TestServer.start(folder),
  ]);
  page = await open();
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop(), elsewhere?.stop()]);
  rmSync(folder, { recursive: true, force: true });
  for (const [host, files, outcome] of table)
    console.log(`${host.padEnd(34)} | ${files.padEnd(16)} | ${outcome}`);
});

async function open() {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  return page;
}

/**
 * Creates an engine, and asks it. Gives the answer, or the error's fields; the warnings, and how
 * far it came.
 */
function load(options, on = page) {
  return on.evaluate(async (options) => {
    const { createEngine } = await import("/tegula/index.js");
    const warnings = [];
    let progress;
    try {
      const listeners = {
        onProgress: (report) => (progress = report),
        onWarning: (text) => warnings.push(text),
      };
      const engine = await createEngine({
        cache: "none",
        kernels: "default",
        ...options,
        ...listeners,
      });
      const messages = [{ role: "user", content: "What is 7 x 12?" }];
      const { choices } = await engine.chat.completions.create({
        messages,
        temperature: 0,
        max_tokens: 40,
      });
      await engine.unload();
      return { answer: choices[0].message.content, warnings, progress };
    } catch (error) {
      const { name, message, url, status, reason } = error;
      return { name, message, url, status, reason, warnings };
    }
  }, options);
}

/** Reads the small files only: `read` says that all that must be there are. */
async function read(query = "") {
  const found = await load({
    model: models.url + query,
    library: models.url + EMPTY + query,
    worker: false,
  });
  return { ...found, read: found.name === "InvalidLibraryError" && found.url === undefined };
}

/** Files that are not there: what the server has is left out of its answers. */
const OPTIONAL = ["tokenizer_config.json", "chat_template.jinja"];

function become({ host = () => {}, there = () => {} }, without = []) {
  asked.clear();
  for (const server of [models, elsewhere]) {
    server.requests = [];
    const kind = server === models ? host : there;
    server.host = (answer, path, request, response) => {
      if (without.includes(path)) Object.assign(answer, { status: 404, body: Buffer.alloc(0) });
      return kind(answer, path, request, response, elsewhere.url);
    };
  }
}

function note(host, files, { answer, read, name, message, warnings }) {
  const outcome =
    answer !== undefined
      ? `loaded: ${JSON.stringify(answer)}`
      : read
        ? "package read"
        : `${name}: ${message}`;
  table.push([
    host,
    files,
    [outcome, ...warnings.map((warning) => `warning: ${warning}`)]
      .join("; ")
      .replaceAll(models.url, "http://host/"),
  ]);
}

describe("where all is there", () => {
  for (const [name, kind] of Object.entries(HOSTS)) {
    test(name, async () => {
      become(kind);
      const whole = kind.whole || process.env.HOSTS === "whole";
      const found = whole
        ? await load({ model: models.url + (kind.query ?? "") })
        : await read(kind.query);
      note(name, "all there", found);
      if (kind.fails) {
        assert.equal(found.name, "NetworkError");
        assert.equal(found.reason, "cors");
        assert.match(found.message, kind.fails);
        return;
      }
      assert.deepEqual(found.warnings, []);
      if (!whole) return assert.ok(found.read, found.message);
      assert.match(found.answer ?? found.message, /\b84\b/);
      assert.equal(found.progress.loadedBytes, found.progress.totalBytes);
      if (kind.broken)
        assert.equal(models.requests.filter((path) => path.endsWith(".bin")).length, 2);
    });
  }
});

describe("where optional files are missing", () => {
  for (const [name, kind] of Object.entries(HOSTS).filter(
    ([, { fails, broken }]) => !fails && !broken,
  )) {
    test(name, async () => {
      become(kind, OPTIONAL);
      const found = await read(kind.query);
      note(name, "no template", found);
      assert.ok(found.read, found.message);
      assert.equal(found.warnings.length, kind.without ? 1 : 0, String(found.warnings));
      if (kind.without) assert.match(found.warnings[0], kind.without);
    });
  }
});

describe("where a file is missing that must be there", () => {
  for (const [name, kind] of Object.entries(HOSTS).filter(
    ([, { fails, broken }]) => !fails && !broken,
  )) {
    test(name, async () => {
      become(kind, ["library.wasm"]);
      const found = await load({ model: models.url + (kind.query ?? ""), worker: false });
      note(name, "no library", found);
      assert.ok(
        found.message?.startsWith("there is no file at http") ||
          found.message?.startsWith(models.url),
        found.message,
      );
      assert.equal(found.url, `${models.url}library.wasm${kind.query ?? ""}`);
      assert.match(found.message, kind.missing ?? /there is no file at/);
      assert.match(
        found.message,
        /holds (the weights, but )?no library: make it with "tegula compile/,
      );
    });
  }
});

test("wrong files in the cache heal, and a new signature downloads nothing", async () => {
  const other = await open();
  become(HOSTS["single-page rewrite"]);
  const signed = (signature) => `${models.url}?sig=${signature}&exp=1`;
  note(
    "single-page rewrite",
    "signed",
    await load({ model: signed("a"), cache: "indexeddb" }, other),
  );
  await other.evaluate(async (model) => {
    const request = indexedDB.open("tegula");
    await new Promise((done) => (request.onsuccess = done));
    const store = request.result.transaction("files", "readwrite").objectStore("files");
    const page = new Blob(["<!doctype html><title>App</title>"], { type: "text/html" });
    for (const name of ["tokenizer_config.json", "chat_template.jinja", "library.wasm"])
      store.put({ url: model + name, data: page });
    store.put({ url: `${model}mlc-chat-config.json`, data: null });
    await new Promise((done) => (store.transaction.oncomplete = done));
    request.result.close();
  }, models.url);
  models.requests = [];
  const healed = await load({ model: signed("b"), cache: "indexeddb" }, other);
  note("single-page rewrite", "pages in cache", healed);
  assert.match(healed.answer ?? healed.message, /\b84\b/);
  assert.deepEqual(models.requests.toSorted(), [
    "library.wasm",
    "mlc-chat-config.json",
    // Those that are in the cache: whether they are newer.
    "tensor-cache.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const known = await other.evaluate(
    async (addresses) => {
      const { hasModelInCache, deleteModelInCache } = await import("/tegula/index.js");
      const before = await Promise.all(addresses.map((address) => hasModelInCache(address)));
      await deleteModelInCache(addresses[0]);
      return [...before, await hasModelInCache(addresses[0])];
    },
    [signed("c"), models.url, `${models.url}other`],
  );
  assert.deepEqual(known, [true, true, false, false]);
  await other.context().close();
});

test("a Content Security Policy that forbids the host is named with what to allow", async () => {
  become({});
  site.host = (answer) => void (answer.headers["Content-Security-Policy"] = "connect-src 'self'");
  const strict = await open();
  for (const worker of [true, false]) {
    const found = await load({ model: models.url, worker }, strict);
    if (worker) note("CSP without the host", "all there", found);
    assert.equal(found.reason, "policy", found.message);
    assert.ok(
      found.message.includes(
        `Content Security Policy forbids it; add ${new URL(models.url).origin} to its connect-src`,
      ),
      found.message,
    );
  }
  site.host = () => {};
  await strict.context().close();
});

test("a host that is not there is told from one that forbids", async () => {
  const gone = await TestServer.start(folder);
  const { url } = gone;
  await gone.stop();
  const found = await load({ model: url });
  note("not there", "all there", found);
  assert.deepEqual([found.name, found.reason], ["NetworkError", "connection"]);
});
