/**
 * Two models on one device, through the runtime's own module: they answer at once what they answer alone, and share the host. Needs what
 * engine.test.mjs needs.
 */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { ROOT, makePackages } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

let folder;
let browser;
let runtime;
let models;

before(async () => {
  folder = makePackages(2);
  [browser, runtime, models] = await Promise.all([launch(), TestServer.start(join(ROOT, "pkg")), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), runtime?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

test("two models on one device answer at once what they answer alone", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(runtime.url + BLANK);
  const found = await page.evaluate(async (model) => {
    const { default: init, requestDevice, Loader } = await import("/tegula.js");
    await init();
    const bytes = async (path) => new Uint8Array(await (await fetch(model + path)).arrayBuffer());
    const text = async (path) => new TextDecoder().decode(await bytes(path));
    const files = { config: await text("mlc-chat-config.json"), manifest: await text("tensor-cache.json"), tokenizer: await text("tokenizer.json") };
    const library = await bytes("library.wasm");
    const device = await requestDevice(false);
    const log = [];
    const waiting = new Map();
    let requests = 0;
    const load = async (name) => {
      const loader = new Loader(device, library, files, { name });
      await loader.allocated();
      for (const [index, { path }] of loader.shards().entries()) {
        loader.begin(index);
        loader.push(await bytes(path));
        loader.end();
      }
      loader.compile(false, undefined, () => {});
      const engine = await loader.finish(undefined, (events) => {
        for (const { kind, request, responses, usage } of events) {
          const { texts, done } = waiting.get(request);
          if (kind === "progress") log.push(name);
          texts.push(...responses.map((json) => JSON.parse(json).choices[0]?.text));
          if (kind === "finished") done({ text: texts.join(""), tokens: usage.completion_tokens });
          if (kind === "failed") done({ failed: true });
        }
      });
      const ask = (prompt) => {
        const request = requests++;
        return new Promise((done) => {
          waiting.set(request, { texts: [], done });
          engine.submit(request, false, JSON.stringify({ prompt, temperature: 0, max_tokens: 24, ignore_eos: true, stream: true }));
        });
      };
      return { engine, ask };
    };
    const refusal = (call) => {
      try {
        call();
        return "none";
      } catch (error) {
        return error.code;
      }
    };
    const [one, two] = [await load("one"), await load("two")];
    const taken = refusal(() => new Loader(device, library, files, { name: "one" }));
    const alone = [await one.ask("hello"), await two.ask("once upon")];
    log.length = 0;
    const together = await Promise.all([one.ask("hello"), two.ask("once upon")]);
    const order = log.join(" ");
    const held = device.memory();
    one.engine.free();
    const after = await two.ask("hello");
    const left = device.memory().map(({ model }) => model);
    const again = await load("one");
    return { taken, alone, together, order, held, after, left, again: await again.ask("hello") };
  }, `${models.url}random/`);
  assert.equal(found.taken, "ModelNameTakenError");
  assert.deepEqual(found.together, found.alone);
  assert.deepEqual(found.alone.map(({ tokens }) => tokens), [24, 24]);
  // Neither waits for the other's end: of every eight tokens in the middle, each has some.
  const middle = found.order.split(" ").slice(8, 40);
  for (let start = 0; start < middle.length; start += 8) assert.equal(new Set(middle.slice(start, start + 8)).size, 2, found.order);
  assert.deepEqual(found.held.map(({ model }) => model), ["one", "two"]);
  assert.ok(found.held.every(({ weights, activations, cache, cache_limit }) => weights > 0 && activations > 0 && cache > 0 && cache <= cache_limit));
  assert.deepEqual(found.left, ["two"]);
  assert.deepEqual([found.after, found.again], [found.alone[0], found.alone[0]]);
});
