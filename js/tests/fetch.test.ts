/** OpenAI's API over `engine.fetch`: texts arrive as the runtime wrote them, and statuses, headers and ends are HTTP's. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { GOLDEN, PLACES, until } from "./engines.js";

const BASE = "http://tegula/v1";
const JSON_TYPE = { "content-type": "application/json" };

/** What to post to have a request answered. */
function posted(request: object, more: RequestInit = {}): RequestInit {
  return { method: "POST", headers: JSON_TYPE, body: JSON.stringify(request), ...more };
}

for (const [where, start] of Object.entries(PLACES)) {
  describe(where, () => {
    for (const { name, api, request, responses } of GOLDEN) {
      test(`the bytes of ${name} are those of the runtime`, async () => {
        const { engine, fake } = await start();
        const answer = engine.fetch(`${BASE}/${api === "chat" ? "chat/completions" : "completions"}`, posted(request));
        await until(() => fake.requests.length === 1);
        assert.deepEqual(fake.requests, [[0, request, api === "chat"]]);
        const [last, rest] = [responses.at(-1)!, responses.slice(0, -1)];
        const failed = last.startsWith('{"error"');
        fake.say(0, ...(request.stream ? rest : []));
        if (failed) {
          const fields = { status: 418, response: last };
          fake.emit([{ kind: "failed", request: 0, failure: { class: "InvalidRequestError", code: "x", message: "m", fields } }]);
        } else fake.finish(0, "stop", [last]);
        const response = await answer;
        const [{ status, headers }, body] = [response, await response.text()];
        const events = [...responses, ...(failed ? [] : ["[DONE]"])].map((data) => `data: ${data}\n\n`).join("");
        assert.equal(body, request.stream ? events : last);
        assert.equal(status, failed && !request.stream ? 418 : 200);
        assert.equal(headers.get("content-type"), request.stream ? "text/event-stream" : "application/json");
        assert.equal(headers.get("x-request-id"), "answer-0");
        assert.equal(headers.get("cache-control"), request.stream ? "no-cache" : null);
      });
    }

    test("what is not generated is the runtime's too, by the end of the path", async () => {
      const { engine } = await start();
      const cases: [input: string | URL | Request, init: RequestInit | undefined, inquiry: object][] = [
        ["http://tegula/v1/models", undefined, { kind: "models" }],
        [new URL("https://any.host/at/all/models?limit=1#x"), {}, { kind: "models" }],
        [new Request("http://tegula/models/org%2Fname"), undefined, { kind: "model", name: "org/name" }],
        [`${BASE}/models/a/b`, { method: "get" }, { kind: "model", name: "a/b" }],
        [`${BASE}/models/100%`, {}, { kind: "model", name: "100%" }],
        ["http://tegula/health", {}, { kind: "health" }],
        [`${BASE}/embeddings`, { method: "POST", body: "{}" }, { kind: "embeddings" }],
        [`${BASE}/responses`, { method: "POST" }, { kind: "address", method: "POST", path: "/v1/responses" }],
        ["http://tegula", {}, { kind: "address", method: "GET", path: "/" }],
        [`${BASE}/chat/completions`, {}, { kind: "method", method: "GET", path: "/v1/chat/completions" }],
        [`${BASE}/models`, { method: "DELETE" }, { kind: "method", method: "DELETE", path: "/v1/models" }],
      ];
      for (const [input, init, inquiry] of cases) {
        const response = await engine.fetch(input, init);
        assert.deepEqual([response.status, response.headers.get("content-type")], [299, "application/json"]);
        assert.equal(await response.text(), JSON.stringify(inquiry));
        const allowed = (inquiry as { kind: string }).kind !== "method" ? null : String(input).endsWith("models") ? "GET,HEAD" : "POST";
        assert.equal(response.headers.get("allow"), allowed);
      }
      const head = await engine.fetch(`${BASE}/models`, { method: "HEAD" });
      assert.deepEqual([head.status, await head.text()], [299, ""]);
    });

    test("a body comes in any form that fetch takes", async () => {
      const { engine, fake } = await start();
      const text = JSON.stringify({ prompt: "ä" });
      const bytes = new TextEncoder().encode(text);
      const url = `${BASE}/completions`;
      const headers = { "Content-Type": "Application/JSON; charset=utf-8" };
      const parts = (): ReadableStream => new Blob([text]).stream();
      const calls: [input: string | Request, init?: RequestInit][] = [
        [url, { body: text, headers }],
        [url, { body: bytes, headers: new Headers(headers) }],
        [url, { body: bytes.buffer, headers: Object.entries(headers) }],
        [url, { body: new Blob([text], { type: "application/json" }) }],
        [url, { body: parts(), headers }],
        [new Request(url, { method: "POST", body: text, headers })],
        [new Request(url, { method: "POST", body: "not this", headers }), { body: text }],
      ];
      for (const [place, [input, init]] of calls.entries()) {
        const answer = engine.fetch(input, init && { method: "POST", ...init });
        await until(() => fake.requests.length === place + 1);
        fake.finish(place);
        assert.equal((await answer).status, 200);
        assert.deepEqual(fake.requests[place]![1], { prompt: "ä" });
      }
    });

    test("a body that is not said to be JSON, or is no text, is refused", async () => {
      const { engine, fake } = await start();
      const bodies: [RequestInit, string][] = [
        [{ body: "{}" }, "media"],
        [{ body: new URLSearchParams({ prompt: "a" }) }, "media"],
        [{ body: new Uint8Array([123, 125]) }, "media"],
        [{}, "media"],
        [{ body: new Uint8Array([0xff]), headers: JSON_TYPE }, "encoding"],
      ];
      for (const [init, kind] of bodies) {
        const { status } = await engine.fetch(`${BASE}/completions`, { method: "POST", ...init });
        assert.equal(status, 299, kind);
      }
      assert.deepEqual(fake.inquiries.map(({ kind }) => kind), bodies.map(([, kind]) => kind));
      assert.deepEqual(fake.requests, []);
    });

    test("a refusal has the runtime's status and words, streamed or not; another model is one", async () => {
      const { engine, fake } = await start();
      const ask = (request: object) => engine.fetch(`${BASE}/completions`, posted(request));
      for (const stream of [false, true]) {
        const long = await ask({ prompt: "much too long", stream });
        assert.deepEqual([long.status, await long.text(), long.headers.get("x-request-id")], [400, "{}", null]);
        const unknown = await ask({ prompt: "x", model: "other", stream });
        assert.deepEqual([unknown.status, await unknown.text()], [404, '{"error":"unknown"}']);
      }
      const answer = ask({ prompt: "x", model: "pkg" });
      await until(() => fake.requests.length === 1);
      // The refused ones have numbers, too.
      fake.finish(4);
      assert.equal((await answer).status, 200);
    });

    test("a runtime that is gone gives error objects all the same", async () => {
      const { engine, fake, wasm } = await start();
      const whole = engine.fetch(`${BASE}/completions`, posted({ prompt: "x" }));
      const stream = await engine.fetch(`${BASE}/completions`, posted({ prompt: "y", stream: true }));
      await until(() => fake.requests.length === 2);
      fake.say(1, "{}");
      const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
      assert.equal((await reader.read()).value, "data: {}\n\n");
      wasm.panic("index out of bounds");
      const body = '{"error":{"message":"the runtime failed: index out of bounds","type":"server_error","param":null,"code":null}}';
      assert.deepEqual([(await whole).status, await (await whole).text()], [500, body]);
      assert.equal((await reader.read()).value, `data: ${body}\n\n`);
      assert.equal((await reader.read()).done, true);
      const { engine: other } = await start();
      await other.unload();
      for (const init of [posted({ prompt: "x" }), undefined]) {
        const response = await other.fetch(init ? `${BASE}/completions` : `${BASE}/models`, init);
        const { error } = (await response.json()) as { error: object };
        assert.equal(response.status, 503);
        assert.deepEqual(error, { message: "the engine was unloaded", type: "server_error", param: null, code: null });
      }
    });

    test("a signal ends the request before, while and after it is answered", async () => {
      const { engine, fake } = await start();
      const url = `${BASE}/completions`;
      const ask = (signal: AbortSignal, stream: boolean) => engine.fetch(url, posted({ prompt: "x", stream }, { signal }));
      await assert.rejects(ask(AbortSignal.abort(), false), { name: "AbortError" });
      assert.equal(fake.requests.length, 0);
      const abort = new AbortController();
      const whole = ask(abort.signal, false);
      const streams = [await ask(abort.signal, true), await ask(abort.signal, true)];
      const request = new Request(url, posted({ prompt: "x", stream: true }, { signal: abort.signal }));
      streams.push(await engine.fetch(request));
      const finished = await ask(abort.signal, true);
      await until(() => fake.requests.length === 5);
      fake.finish(4, "stop", ["{}"]);
      const [read, ...unread] = streams.map((response) => response.body!.getReader());
      const pending = read!.read();
      abort.abort();
      await assert.rejects(whole, { name: "AbortError" });
      await assert.rejects(pending, (error) => error instanceof DOMException && error.name === "AbortError");
      for (const reader of unread) await assert.rejects(reader.read(), { name: "AbortError" });
      await assert.rejects(finished.text(), { name: "AbortError" });
      await until(() => fake.interrupted.length >= 4);
      assert.deepEqual(fake.interrupted.slice(0, 4).sort(), [0, 1, 2, 3]);
      const reason = new Error("mine");
      await assert.rejects(ask(AbortSignal.abort(reason), false), (error) => error === reason);
    });

    test("who cancels the body ends the request, with a read under way or not", async () => {
      const { engine, fake } = await start();
      const ask = () => engine.fetch(`${BASE}/completions`, posted({ prompt: "x", stream: true }));
      const [unread, read] = [await ask(), await ask()];
      await unread.body!.cancel();
      const reader = read.body!.getReader();
      const pending = reader.read();
      await reader.cancel();
      assert.equal((await pending).done, true);
      await until(() => fake.interrupted.length === 2);
      assert.deepEqual(fake.interrupted, [0, 1]);
    });

    test("events are taken one by one, as they are read", async () => {
      const { engine, fake } = await start();
      const { body } = await engine.fetch(`${BASE}/completions`, posted({ prompt: "x", stream: true }));
      const reader = body!.getReader();
      fake.say(0, "1", "2");
      fake.finish(0, "stop", ["3"]);
      const next = async () => new TextDecoder().decode((await reader.read()).value);
      for (const data of ["1", "2", "3", "[DONE]"]) assert.equal(await next(), `data: ${data}\n\n`);
      assert.equal((await reader.read()).done, true);
    });

    test("what is no request is a TypeError, as from any fetch", async () => {
      const { engine } = await start();
      await assert.rejects(engine.fetch("http://"), TypeError);
      await assert.rejects(engine.fetch(`${BASE}/models`, { method: "T R" }), TypeError);
    });

    test("OpenAI's client takes it", async () => {
      const { engine, fake } = await start();
      const { fetch } = engine;
      const client = new OpenAI({ baseURL: BASE, apiKey: "-", fetch, maxRetries: 0 });
      const messages = [{ role: "user" as const, content: "hi" }];
      const streamed = GOLDEN.find(({ api, request }) => api === "chat" && request.stream)!.responses;
      const stream = await client.chat.completions.create({ model: "pkg", messages, stream: true });
      fake.say(0, ...streamed.slice(0, -1));
      fake.finish(0, "stop", streamed.slice(-1));
      const chunks: string[] = [];
      for await (const chunk of stream) chunks.push(JSON.stringify(chunk));
      assert.deepEqual(chunks, streamed);
      const refused = await client.completions.create({ model: "other", prompt: "x" }).catch((error: unknown) => error);
      assert.ok(refused instanceof OpenAI.NotFoundError);
      const left = await client.chat.completions.create({ model: "pkg", messages, stream: true });
      left.controller.abort();
      for await (const _ of left) assert.fail("it was aborted");
      await until(() => fake.interrupted.length === 1);
    });
  });
}
