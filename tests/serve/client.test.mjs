/** OpenAI's own client against `tegula serve`, with the embedded model. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import OpenAI from "openai";
import { MODEL, serve } from "./server.mjs";

const messages = [{ role: "user", content: "What is the capital of France?" }];
const greedy = { model: MODEL, messages, temperature: 0, max_tokens: 24 };

describe("the official client", () => {
  let server, client;
  before(async () => {
    server = await serve();
    client = new OpenAI({ baseURL: `${server.base}/v1`, apiKey: "-", maxRetries: 0 });
  });
  after(() => server?.stop());

  it("lists the models", async () => {
    const { data } = await client.models.list();
    assert.deepEqual(data.map(({ id, object, owned_by }) => ({ id, object, owned_by })), [{ id: MODEL, object: "model", owned_by: "tegula" }]);
    const { id, max_model_len, capabilities } = await client.models.retrieve(MODEL);
    assert.deepEqual({ id, max_model_len, capabilities }, { id: MODEL, max_model_len: 1024, capabilities: { completion_chat: true } });
    await assert.rejects(client.models.retrieve("other"), { status: 404, code: "model_not_found" });
  });

  it("gets the same answer whole and streamed", async () => {
    const whole = await client.chat.completions.create(greedy);
    assert.equal(whole.object, "chat.completion");
    assert.ok(whole.choices[0].message.content.length > 0);
    const stream = await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), whole.choices[0].message.content);
    const counts = ({ prompt_tokens, completion_tokens, total_tokens }) => ({ prompt_tokens, completion_tokens, total_tokens });
    assert.deepEqual(counts(chunks.at(-1).usage), counts(whole.usage));
    assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
  });

  it("continues a text", async () => {
    const { choices, usage } = await client.completions.create({ model: MODEL, prompt: "Once upon", max_tokens: 8, temperature: 0, echo: true });
    assert.ok(choices[0].text.startsWith("Once upon"));
    assert.equal(usage.completion_tokens, 8);
  });

  it("gets equal answers for equal seeds, alone and beside others", async () => {
    const ask = (seed) => client.chat.completions.create({ ...greedy, temperature: 1, seed, max_tokens: 16 }).then(({ choices }) => choices[0].message.content);
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const together = await Promise.all(seeds.map(ask));
    for (const [place, seed] of seeds.entries()) assert.equal(await ask(seed), together[place], `seed ${seed}`);
  });

  it("is told which field is wrong", async () => {
    const wrong = (fields) => client.chat.completions.create({ ...greedy, ...fields });
    await assert.rejects(wrong({ temperature: 3 }), { status: 400, param: "temperature", code: "invalid_value" });
    await assert.rejects(wrong({ temprature: 1 }), { status: 400, param: "temprature", code: "unknown_parameter" });
    await assert.rejects(wrong({ model: "gpt-4o" }), { status: 404, param: "model", code: "model_not_found" });
    await assert.rejects(wrong({ messages: [{ role: "user", content: "a ".repeat(20_000) }] }), { status: 400, code: "context_length_exceeded" });
    await assert.rejects(client.embeddings.create({ model: MODEL, input: "a" }), { status: 501 });
  });

  it("ends a request that is aborted, and answers on", async () => {
    const stream = await client.chat.completions.create({ ...greedy, max_tokens: 400, ignore_eos: true, stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    const gone = new AbortController();
    const whole = client.chat.completions.create({ ...greedy, max_tokens: 400, ignore_eos: true }, { signal: gone.signal });
    setTimeout(() => gone.abort(), 100);
    await assert.rejects(whole, OpenAI.APIUserAbortError);
    const until = Date.now() + 20_000;
    let health;
    do {
      health = await (await fetch(`${server.base}/health`)).json();
    } while (health.running > 0 && Date.now() < until);
    assert.deepEqual(health, { status: "ok", models: [MODEL], running: 0, most: 256 });
    assert.ok((await client.chat.completions.create(greedy)).choices[0].message.content);
    const metrics = await (await fetch(`${server.base}/metrics`)).text();
    assert.match(metrics, /tegula_requests_total\{api="chat",outcome="aborted"\} 2/);
    assert.match(metrics, /tegula_time_to_first_token_seconds_bucket/);
  });
});
