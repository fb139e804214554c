/** `tegula serve` below OpenAI's client: statuses, headers, keys, origins, limits, and its end. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MODEL, raw, refused, serve } from "./server.mjs";

const body = JSON.stringify({ messages: [{ role: "user", content: "Hi" }], temperature: 0, max_tokens: 4 });
const post = (base, path, options = {}) => fetch(`${base}${path}`, { method: "POST", body, ...options, headers: { "content-type": "application/json", ...options.headers } });

describe("a server for this machine", () => {
  it("answers mistakes with OpenAI's error object", async () => {
    const server = await serve("--max-body", "4096", "--max-requests", "1");
    const { base } = server;
    const error = async (response) => ({ status: response.status, ...(await response.json()).error });
    assert.equal((await post(base, "/v1/chat/completions")).status, 200, "the only model need not be named");
    const cases = [
      [await post(base, "/v1/chat/completions", { body: "{" }), 400, /no JSON/],
      [await post(base, "/v1/chat/completions", { body: "[]" }), 400, /object/],
      [await post(base, "/v1/chat/completions", { body: Buffer.from([0xff]) }), 400, /UTF-8/],
      [await post(base, "/v1/chat/completions", { headers: { "content-type": "text/plain" } }), 415, /application\/json/],
      [await post(base, "/v1/chat/completions", { body: " ".repeat(5000) }), 413, /4096 bytes/],
      [await post(base, "/v1/nothing"), 404, /\/v1\/nothing/],
      [await fetch(`${base}/v1/chat/completions`), 405, /GET/],
    ];
    for (const [response, status, message] of cases) {
      assert.match(response.headers.get("content-type"), /json/);
      const found = await error(response);
      assert.deepEqual([found.status, found.type], [status, "invalid_request_error"]);
      assert.match(found.message, message);
    }
    const long = JSON.stringify({ ...JSON.parse(body), max_tokens: 200, ignore_eos: true, stream: true });
    const busy = await post(base, "/v1/chat/completions", { body: long });
    const second = await post(base, "/v1/chat/completions");
    assert.deepEqual([second.status, second.headers.get("retry-after")], [429, "1"]);
    assert.equal((await second.json()).error.code, "rate_limit_exceeded");
    await busy.body.cancel();
    assert.equal(await server.stop(), 0);
  });

  it("is none for pages of others", async () => {
    const server = await serve("--cors", "https://example.org");
    const { base } = server;
    const preflight = (origin) => fetch(`${base}/v1/chat/completions`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-os" } });
    const allowed = await preflight("https://example.org");
    assert.equal(allowed.headers.get("access-control-allow-origin"), "https://example.org");
    assert.match(allowed.headers.get("access-control-allow-headers"), /x-stainless-os/);
    assert.equal((await preflight("https://evil.example")).headers.get("access-control-allow-origin"), null);
    assert.equal(await raw(base, "/v1/models", { host: "evil.example" }), 403, "a name that was made to point here");
    assert.equal(await raw(base, "/v1/models", { host: "localhost:1" }), 200);
    assert.equal(await server.stop(), 0);
  });

  it("finishes what runs before it ends", async () => {
    const server = await serve();
    const long = JSON.stringify({ ...JSON.parse(body), max_tokens: 60, ignore_eos: true, stream: true });
    const response = await post(server.base, "/v1/chat/completions", { body: long });
    const ending = server.stop();
    const text = await response.text();
    assert.match(text, /"finish_reason":"length"[^]*data: \[DONE\]\n\n$/);
    assert.equal(await ending, 0);
  });
});

describe("a server for others", () => {
  it("needs a key or a word", async () => {
    const { code, said } = await refused("--host", "0.0.0.0");
    assert.equal(code, 1);
    assert.match(said, /--api-key/);
  });

  it("asks for its key, but for its health", async () => {
    const server = await serve("--host", "0.0.0.0", "--api-key", "secret");
    const base = server.base.replace("0.0.0.0", "127.0.0.1");
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      const response = await post(base, "/v1/chat/completions", { headers });
      assert.deepEqual([response.status, response.headers.get("www-authenticate")], [401, "Bearer"]);
      assert.equal((await response.json()).error.code, "invalid_api_key");
    }
    assert.equal((await fetch(`${base}/metrics`)).status, 401);
    assert.equal((await fetch(`${base}/health`)).status, 200);
    const models = await fetch(`${base}/v1/models`, { headers: { authorization: "Bearer secret" } });
    assert.equal((await models.json()).data[0].id, MODEL);
    assert.equal(await server.stop(), 0);
  });
});
