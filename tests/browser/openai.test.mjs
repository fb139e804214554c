/**
 * OpenAI's own client in a page of headless Chromium, over `engine.fetch`, with the embedded model: what tests/serve/client.test.mjs does
 * with `tegula serve`. Needs `npm run build:web` and `cargo build --package tegula-cli` before.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { launch } from "./chromium.mjs";
import { testForms } from "./forms.mjs";
import { ROOT, SITE, TEGULA } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

const MODEL = "tegula-tiny";

/** A conversation that the embedded model has not seen, in which it should call a tool. */
const TOOL_CASE = readFileSync(join(ROOT, "models", MODEL, "heldout.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .find(({ expected, messages }) => expected.call && messages.every(({ role }) => role !== "tool"));

/** A service worker that answers what its pages ask of `/v1/`. */
const WORKER = `
  import { createEngine } from "/tegula/service-worker.js";
  const engine = createEngine({ model: new URL(location.href).searchParams.get("model") });
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", (event) => {
    if (!new URL(event.request.url).pathname.startsWith("/v1/")) return;
    event.respondWith(engine.then(({ fetch }) => fetch(event.request)));
  });
`;

let folder;
let browser;
let site;
let models;
let model;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-openai-"));
  const there = join(folder, MODEL);
  cpSync(join(ROOT, "models", MODEL), there, { recursive: true });
  execFileSync(TEGULA, ["compile", there, "-o", join(there, "library.wasm"), "--max-batch-size", "2"], { stdio: "ignore" });
  [browser, site, models] = await Promise.all([launch(), TestServer.start(SITE), TestServer.start(folder)]);
  model = `${models.url}${MODEL}/`;
  const client = { contents: 'export { default } from "openai";', resolveDir: ROOT };
  const { outputFiles } = await build({ stdin: client, bundle: true, format: "esm", platform: "browser", write: false, logLevel: "error" });
  site.damage.set("openai.js", () => Buffer.from(outputFiles[0].contents));
  site.damage.set("sw.js", () => Buffer.from(WORKER));
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** A page with the client, and what tests say there. */
async function open() {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  await page.evaluate(async (model) => {
    globalThis.OpenAI = (await import("/openai.js")).default;
    globalThis.connect = (options) => new OpenAI({ apiKey: "-", maxRetries: 0, dangerouslyAllowBrowser: true, ...options });
    const messages = [{ role: "user", content: "What is the capital of France?" }];
    globalThis.greedy = { model, messages, temperature: 0, max_tokens: 12 };
    globalThis.caught = async (promise) => {
      const error = await promise.then(() => undefined, (error) => error);
      const name = Object.keys(OpenAI).find((name) => OpenAI[name] === error?.constructor);
      return { name, status: error?.status, param: error?.param, code: error?.code, message: error?.message };
    };
    globalThis.textOf = async (stream) => {
      let text = "";
      for await (const { choices } of await stream) text += choices[0]?.delta.content ?? "";
      return text;
    };
  }, MODEL);
  return page;
}

describe("the official client", () => {
  let page;

  before(async () => {
    page = await open();
    await page.evaluate(
      async (options) => {
        const { createEngine } = await import("/tegula/index.js");
        globalThis.engine = await createEngine(options);
        globalThis.client = connect({ baseURL: "http://tegula/v1", fetch: engine.fetch });
      },
      { model },
    );
  });

  after(() => page?.context().close());

  test("lists the models", async () => {
    const [list, one, other, own] = await page.evaluate(async () => [
      (await client.models.list()).data,
      await client.models.retrieve(greedy.model),
      await caught(client.models.retrieve("other")),
      (await engine.models.list()).data,
    ]);
    const [{ created, ...listed }] = list;
    assert.deepEqual([list.length, listed], [1, { id: MODEL, object: "model", owned_by: "tegula" }]);
    assert.deepEqual([one.id, one.created], [MODEL, created]);
    assert.deepEqual(own, list);
    assert.deepEqual([other.name, other.status, other.code], ["NotFoundError", 404, "model_not_found"]);
  });

  test("gets the same answer whole and streamed, and as the engine's own", async () => {
    const { whole, id, chunks, own } = await page.evaluate(async () => {
      const whole = await client.chat.completions.create(greedy);
      const stream = await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      return { whole, id: whole._request_id, chunks, own: await engine.chat.completions.create(greedy) };
    });
    assert.equal(whole.object, "chat.completion");
    assert.ok(whole.choices[0].message.content.length > 0);
    assert.equal(id, whole.id);
    assert.equal(own.choices[0].message.content, whole.choices[0].message.content);
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), whole.choices[0].message.content);
    assert.ok(chunks.length > 2, `${chunks.length} chunks`);
    const counts = ({ prompt_tokens, completion_tokens, total_tokens }) => ({ prompt_tokens, completion_tokens, total_tokens });
    assert.deepEqual(counts(chunks.at(-1).usage), counts(whole.usage));
    assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
  });

  test("continues a text", async () => {
    const { choices, usage } = await page.evaluate(() => {
      const { model, temperature } = greedy;
      return client.completions.create({ model, prompt: "Once upon", max_tokens: 8, temperature, echo: true });
    });
    assert.ok(choices[0].text.startsWith("Once upon"));
    assert.equal(usage.completion_tokens, 8);
  });

  test("gets several answers, log probabilities and tool calls", async () => {
    const { several, alone, likely, called, streamed } = await page.evaluate(
      async ({ messages, tools }) => {
        const drawn = { ...greedy, temperature: 1, seed: 3, max_tokens: 6 };
        const several = await client.chat.completions.create({ ...drawn, n: 2 });
        const alone = await client.chat.completions.create({ ...drawn, seed: 4 });
        const likely = await client.chat.completions.create({ ...greedy, max_tokens: 4, logprobs: true, top_logprobs: 2 });
        const asked = { ...greedy, messages, tools, max_tokens: 64 };
        const called = await client.chat.completions.create(asked);
        const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
        return { several, alone, likely, called, streamed };
      },
      TOOL_CASE,
    );
    assert.equal(several.choices[1].message.content, alone.choices[0].message.content);
    const { content } = likely.choices[0].logprobs;
    assert.equal(Buffer.from(content.flatMap(({ bytes }) => bytes)).toString(), likely.choices[0].message.content);
    for (const { token, top_logprobs } of content) assert.deepEqual([top_logprobs.length, top_logprobs[0].token], [2, token]);
    for (const { choices } of [called, streamed]) {
      const calls = choices[0].message.tool_calls.map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));
      assert.deepEqual([calls, choices[0].finish_reason], [[TOOL_CASE.expected.call], "tool_calls"]);
    }
  });

  test("has two requests answered at once as alone", async () => {
    const { alone, together } = await page.evaluate(async () => {
      const ask = (seed) => textOf(client.chat.completions.create({ ...greedy, temperature: 1, seed, max_tokens: 16, stream: true }));
      return { alone: [await ask(1), await ask(2)], together: await Promise.all([ask(1), ask(2)]) };
    });
    assert.deepEqual(together, alone);
  });

  test("is told which field is wrong, as by a server", async () => {
    const errors = await page.evaluate(async () => {
      const wrong = (fields) => caught(client.chat.completions.create({ ...greedy, ...fields }));
      return [
        await wrong({ temperature: 3 }),
        await wrong({ temprature: 1, stream: true }),
        await wrong({ model: "gpt-4o" }),
        await wrong({ messages: [{ role: "user", content: "a ".repeat(20_000) }] }),
        await caught(client.embeddings.create({ model: greedy.model, input: "a" })),
        await caught(client.images.generate({ prompt: "a" })),
        await caught(client.post("/models")),
      ];
    });
    assert.deepEqual(
      errors.map(({ name, status, param, code }) => [name, status, param, code]),
      [
        ["BadRequestError", 400, "temperature", "invalid_value"],
        ["BadRequestError", 400, "temprature", "unknown_parameter"],
        ["NotFoundError", 404, "model", "model_not_found"],
        ["BadRequestError", 400, null, "context_length_exceeded"],
        ["InternalServerError", 501, null, "unsupported_operation"],
        ["NotFoundError", 404, null, "unknown_url"],
        ["APIError", 405, null, "method_not_supported"],
      ],
    );
    assert.match(errors[4].message, /no model of this server makes embeddings/);
  });

  test("ends a request that is aborted, and is answered on", async () => {
    const { aborted, health, text } = await page.evaluate(async () => {
      const long = { ...greedy, max_tokens: 400, ignore_eos: true };
      const stream = await client.chat.completions.create({ ...long, stream: true });
      for await (const _ of stream) stream.controller.abort();
      const gone = new AbortController();
      const streamed = textOf(client.chat.completions.create({ ...long, stream: true }, { signal: gone.signal }));
      const whole = caught(client.chat.completions.create(long, { signal: gone.signal }));
      setTimeout(() => gone.abort(), 100);
      const aborted = await whole;
      await streamed.catch(() => {});
      const until = Date.now() + 20_000;
      let health;
      do {
        health = await (await engine.fetch("http://tegula/health")).json();
      } while (health.running > 0 && Date.now() < until);
      return { aborted, health, text: await textOf(client.chat.completions.create({ ...greedy, stream: true })) };
    });
    assert.equal(aborted.name, "APIUserAbortError");
    assert.deepEqual(health, { status: "ok", models: [MODEL], running: 0, most: null });
    assert.ok(text.length > 0);
  });

  testForms(
    () => page,
    () => site,
  );

  test("hears of an engine that is gone", async () => {
    const error = await page.evaluate(async () => {
      await engine.unload();
      return caught(client.chat.completions.create(greedy));
    });
    assert.deepEqual([error.name, error.status], ["InternalServerError", 503]);
  });
});

test("a service worker answers its page's client, which has nothing special", async () => {
  const page = await open();
  const { text, wrong } = await page.evaluate(async (model) => {
    const claimed = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done));
    await navigator.serviceWorker.register(`/sw.js?model=${encodeURIComponent(model)}`, { type: "module" });
    await claimed;
    const client = connect({ baseURL: `${location.origin}/v1` });
    const text = await textOf(client.chat.completions.create({ ...greedy, stream: true }));
    return { text, wrong: await caught(client.chat.completions.create({ ...greedy, temperature: 3 })) };
  }, model);
  assert.ok(text.length > 0);
  assert.deepEqual([wrong.name, wrong.param], ["BadRequestError", "temperature"]);
  await page.context().close();
});
