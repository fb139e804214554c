/** Requests through the engine, in this thread and through a port: the same tests for both. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { WorkerBackend } from "../client.js";
import { Engine } from "../engine.js";
import { ContextWindowSizeExceededError, DeviceLostError, EngineNotLoadedError, InternalError, InvalidRequestError } from "../errors.js";
import { EngineHandler } from "../handler.js";
import type { ChatCompletionChunk } from "../openai.js";
import type { Backend, Port } from "../protocol.js";
import { Session } from "../session.js";
import { FakeServer, FakeWasm, type FakeEngine } from "./fakes.js";

const MODEL = "https://models.test/pkg/";
const channels: MessageChannel[] = [];
after(() => channels.forEach(({ port1 }) => port1.close()));

function inThread(session: Session): Backend {
  return session;
}

function throughPort(session: Session): Backend {
  const channel = new MessageChannel();
  channels.push(channel);
  new EngineHandler(channel.port2 as unknown as Port, session);
  channel.port1.start();
  channel.port2.start();
  return new WorkerBackend(channel.port1 as unknown as Port);
}

for (const [where, through] of Object.entries({ "in this thread": inThread, "through a port": throughPort })) {
  describe(where, () => {
    async function start(): Promise<{ engine: Engine; fake: FakeEngine; wasm: FakeWasm }> {
      const server = new FakeServer();
      server.install();
      server.publish("llama", [new Uint8Array(3)]);
      const wasm = new FakeWasm();
      const backend = through(new Session(() => Promise.resolve(wasm), () => Promise.resolve()));
      const loaded = await backend.load({ model: MODEL, library: `${MODEL}library.wasm`, cache: "none", baseline: false, kernels: "measure" }, {});
      return { engine: new Engine(backend, loaded, "pkg"), fake: wasm.engine!, wasm };
    }

    test("a streamed answer has a role, its texts, a reason and, if asked for, its usage", async () => {
      const { engine, fake } = await start();
      const messages = [{ role: "user" as const, content: "hi" }];
      const stream = await engine.chat.completions.create({ messages, stream: true, stream_options: { include_usage: true } });
      fake.say(0, "Hel", "", "lo");
      fake.finish(0);
      const chunks: ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      assert.deepEqual(chunks.map((chunk) => chunk.choices[0]?.delta), [{ role: "assistant", content: "Hel" }, { content: "lo" }, {}, undefined]);
      assert.deepEqual(chunks.map((chunk) => chunk.choices[0]?.finish_reason), [null, null, "stop", undefined]);
      assert.deepEqual(chunks.map((chunk) => chunk.usage?.total_tokens), [undefined, undefined, undefined, 5]);
      assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    });

    test("a whole answer", async () => {
      const { engine, fake } = await start();
      const answer = engine.chat.completions.create({ messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 9, stop: "\n" });
      await until(() => fake.requests.length === 1);
      const [, body, prompt] = fake.requests[0]!;
      assert.deepEqual(body, { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 9, stop: "\n" });
      assert.equal(prompt, undefined);
      fake.say(0, "a", "b");
      fake.finish(0, "length");
      const { choices, usage, model } = await answer;
      assert.deepEqual(choices, [{ index: 0, message: { role: "assistant", content: "ab", refusal: null }, finish_reason: "length", logprobs: null }]);
      assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, model], [3, 2, "pkg"]);
      assert.deepEqual(await engine.stats(), { active: 0, prefillTokensPerSecond: 6, decodeTokensPerSecond: 2, promptTokens: 3, completionTokens: 2 });
    });

    test("requests at the same time do not mix", async () => {
      const { engine, fake } = await start();
      const streams = await Promise.all(["x", "y"].map((prompt) => engine.completions.create({ prompt, stream: true, echo: true })));
      fake.emit([
        { kind: "token", request: 0, token: 1, text: "0" },
        { kind: "token", request: 1, token: 1, text: "1" },
      ]);
      fake.finish(1);
      fake.finish(0);
      const texts = await Promise.all(
        streams.map(async (stream) => {
          let text = "";
          for await (const chunk of stream) text += chunk.choices[0]!.text;
          return text;
        }),
      );
      assert.deepEqual(texts, ["x0", "y1"]);
    });

    test("interruptGenerate ends every answer with reason abort", async () => {
      const { engine, fake } = await start();
      const answers = ["x", "y"].map((prompt) => engine.completions.create({ prompt }));
      await until(() => fake.requests.length === 2);
      engine.interruptGenerate();
      for (const answer of await Promise.all(answers)) assert.equal(answer.choices[0]!.finish_reason, "abort");
      assert.deepEqual(fake.interrupted, [0, 1]);
    });

    test("leaving a stream interrupts its request, read or not", async () => {
      const { engine, fake } = await start();
      const read = await engine.completions.create({ prompt: "x", stream: true });
      const unread = await engine.completions.create({ prompt: "y", stream: true });
      fake.say(0, "a", "b");
      for await (const _ of read) break;
      await unread.return!();
      await until(() => fake.interrupted.length === 2);
      assert.deepEqual(fake.interrupted, [0, 1]);
      assert.equal((await unread.next()).done, true);
    });

    test("a signal ends its request with its reason", async () => {
      const { engine, fake } = await start();
      const abort = new AbortController();
      const answer = engine.completions.create({ prompt: "x" }, { signal: abort.signal });
      await until(() => fake.requests.length === 1);
      abort.abort();
      await assert.rejects(answer, { name: "AbortError" });
      await until(() => fake.interrupted.length === 1);
    });

    test("what the runtime refuses rejects with class and fields, before the stream begins", async () => {
      const { engine } = await start();
      const refused = await engine.completions.create({ prompt: "much too long", stream: true }).catch((error: unknown) => error);
      assert.ok(refused instanceof ContextWindowSizeExceededError);
      assert.deepEqual([refused.prompt, refused.context, refused.message], [13, 8, "too long"]);
      await assert.rejects(engine.completions.create({ prompt: "x", top_p: 2 }), (error) => error instanceof InvalidRequestError && error.field === "top_p");
      await assert.rejects(engine.completions.create({ prompt: "x", top_k: -2 }), (error) => error instanceof InvalidRequestError && error.field === "top_k");
    });

    test("a lost device fails what runs and what comes", async () => {
      const { engine, fake } = await start();
      const answers = ["x", "y"].map((prompt) => engine.completions.create({ prompt }));
      await until(() => fake.requests.length === 2);
      fake.emit([{ kind: "failed", request: 0, code: "DeviceLostError", message: "reset", fields: { reason: "reset" } }]);
      for (const answer of [...answers, engine.completions.create({ prompt: "z" })]) await assert.rejects(answer, DeviceLostError);
    });

    test("a panic fails what runs", async () => {
      const { engine, fake, wasm } = await start();
      const answer = engine.completions.create({ prompt: "x" });
      await until(() => fake.requests.length === 1);
      wasm.panic("index out of bounds");
      await assert.rejects(answer, (error) => error instanceof InternalError && /index out of bounds/.test(error.message));
      await engine.unload();
      assert.equal(wasm.alive, 1, "nothing of a module that panicked is called again");
    });

    test("unloading frees the model; requests fail afterwards", async () => {
      const { engine, fake, wasm } = await start();
      const answer = engine.completions.create({ prompt: "x" });
      await until(() => fake.requests.length === 1);
      const failed = assert.rejects(answer, EngineNotLoadedError);
      await engine.unload();
      await failed;
      assert.equal(wasm.alive, 0);
      await assert.rejects(engine.completions.create({ prompt: "x" }), EngineNotLoadedError);
      await engine.unload();
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.fail("it never happened");
}
