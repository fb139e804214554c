/**
 * Answers of the npm package in headless Chromium, end to end: real shards over HTTP, real WebGPU (SwiftShader). Needs `npm run build:web`
 * and `cargo build --package tegula-cli` before.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { browser, folder, model, open, page, setUp, site } from "./engine-page.mjs";
import { golden, noStories } from "./packages.mjs";
import { TestServer } from "./server.mjs";

setUp(4);

const MESSAGES = [{ role: "user", content: "hello" }];

describe("answers", () => {
  /** An engine in a page of its own, for the tests that only ask. */
  let asking;

  before(async () => {
    const server = await TestServer.start(folder);
    asking = await open(await browser.newContext(), site.url);
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
