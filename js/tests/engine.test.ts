/** Requests through the engine, in this thread and through a port: the same tests for both. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ContextWindowSizeExceededError, DeviceLostError, EngineNotLoadedError, InternalError, InvalidRequestError, NetworkError } from "../api/errors.js";
import { GOLDEN, PLACES, until } from "./engines.js";

for (const [where, start] of Object.entries(PLACES)) {
  describe(where, () => {
    for (const { name, api, request, responses } of GOLDEN) {
      test(`the JSON of ${name} arrives as the runtime wrote it`, async () => {
        const { engine, fake } = await start();
        const apis = { chat: engine.chat.completions, completion: engine.completions };
        const { create } = apis[api] as unknown as { create(params: object): Promise<object> };
        const answer = create.call(apis[api], request);
        await until(() => fake.requests.length === 1);
        assert.deepEqual(fake.requests, [[0, request, api === "chat"]]);
        const failed = responses.at(-1)!.startsWith('{"error"');
        const [last, rest] = [responses.at(-1)!, responses.slice(0, -1)];
        fake.say(0, ...(request.stream ? rest : []));
        if (failed) {
          const fields = { status: 400, response: last };
          fake.emit([{ kind: "failed", request: 0, failure: { class: "InvalidRequestError", code: "x", message: "m", fields } }]);
        } else fake.finish(0, "stop", [last]);
        const arrived: string[] = [];
        try {
          if (!request.stream) arrived.push(JSON.stringify(await answer));
          else for await (const chunk of (await answer) as AsyncIterable<object>) arrived.push(JSON.stringify(chunk));
        } catch (error) {
          assert.ok(failed && error instanceof InvalidRequestError);
          arrived.push(error.response!);
        }
        assert.deepEqual(arrived, responses);
      });
    }

    test("the loaded model is listed, and runs as it was asked for", async () => {
      const { engine, fake, wasm } = await start();
      const models = await engine.models.list();
      assert.deepEqual(models, { object: "list", data: [{ id: "pkg", object: "model", created: 5, owned_by: "tegula" }] });
      assert.equal(wasm.precision, "f32");
      const answer = engine.completions.create({ prompt: "x" });
      await until(() => fake.requests.length === 1);
      fake.finish(0);
      await answer;
      assert.deepEqual(await engine.stats(), { active: 0, prefillTokensPerSecond: 6, decodeTokensPerSecond: 2, promptTokens: 3, completionTokens: 2 });
    });

    test("requests at the same time do not mix", async () => {
      const { engine, fake } = await start();
      const streams = await Promise.all(["x", "y"].map((prompt) => engine.completions.create({ prompt, stream: true })));
      const chunk = (text: string): string => JSON.stringify({ choices: [{ text }] });
      fake.emit([
        { kind: "progress", request: 0, responses: [chunk("0"), chunk("2")] },
        { kind: "progress", request: 1, responses: [chunk("1")] },
      ]);
      fake.finish(1, "stop", [chunk("!")]);
      fake.finish(0, "stop", [chunk("?")]);
      const texts = await Promise.all(
        streams.map(async (stream) => {
          let text = "";
          for await (const chunk of stream) text += chunk.choices[0]!.text;
          return text;
        }),
      );
      assert.deepEqual(texts, ["02?", "1!"]);
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
      fake.say(0, "{}", "{}");
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
      assert.equal(refused.response, "{}");
      await assert.rejects(engine.completions.create({ prompt: "x", top_p: 2 }), (error) => error instanceof InvalidRequestError && error.field === "top_p");
    });

    test("the grammar module is loaded for the first request that needs it, and once", async () => {
      const { engine, fake, wasm } = await start();
      const free = engine.completions.create({ prompt: "x" });
      await until(() => fake.requests.length === 1);
      assert.equal(wasm.grammars.length, 0);
      const held = { messages: [{ role: "user" as const, content: "x" }], response_format: { type: "json_object" as const } };
      const answers = [1, 2].map(() => engine.chat.completions.create(held));
      await until(() => fake.requests.length === 3);
      const later = engine.chat.completions.create(held);
      await until(() => fake.requests.length === 4);
      // Both of the first may have asked before it was there; the runtime's module loads it once.
      assert.ok(wasm.grammars.length <= 2);
      for (const [number] of fake.requests) fake.finish(number);
      await Promise.all([free, later, ...answers]);
    });

    test("without the grammar module a request fails, and others go on", async () => {
      const { engine, fake, wasm } = await start();
      wasm.grammarRefusal = new NetworkError("tegula-grammar.wasm answered with status 404", { status: 404 });
      const held = { messages: [{ role: "user" as const, content: "x" }], response_format: { type: "json_object" as const } };
      await assert.rejects(engine.chat.completions.create(held), (error) => error instanceof NetworkError && error.status === 404);
      const free = engine.completions.create({ prompt: "x" });
      await until(() => fake.requests.length === 1);
      fake.finish(fake.requests[0]![0]);
      await free;
      // Who goes away while the module is on its way gets no answer.
      wasm.grammarRefusal = undefined;
      const signal = AbortSignal.abort();
      await assert.rejects(engine.chat.completions.create(held, { signal }), { name: "AbortError" });
    });

    test("a lost device fails what runs and what comes", async () => {
      const { engine, fake } = await start();
      const answers = ["x", "y"].map((prompt) => engine.completions.create({ prompt }));
      await until(() => fake.requests.length === 2);
      fake.emit([{ kind: "failed", request: 0, failure: { class: "DeviceLostError", code: "DeviceLostError", message: "reset", fields: { reason: "reset" } } }]);
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
