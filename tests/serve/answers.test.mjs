/** Several answers, log probabilities, tools and reuse, as OpenAI's client asks for them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { MODEL, serve } from "./server.mjs";

const messages = [{ role: "user", content: "Write a short story about Karin." }];
const drawn = { model: MODEL, messages, temperature: 1, seed: 7, max_tokens: 24 };

/** What the embedded model has not seen in its training, with the right answers. */
const heldOut = readFileSync(fileURLToPath(new URL("../../models/tegula-tiny/heldout.jsonl", import.meta.url)), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

describe("answers", () => {
  let server, client;
  before(async () => {
    server = await serve();
    client = new OpenAI({ baseURL: `${server.base}/v1`, apiKey: "-", maxRetries: 0 });
  });
  after(() => server?.stop());

  it("that are several are those of seeds one after the other, whole and streamed", async () => {
    const { choices, usage } = await client.chat.completions.create({ ...drawn, n: 3 });
    assert.deepEqual(choices.map(({ index }) => index), [0, 1, 2]);
    const texts = choices.map(({ message }) => message.content);
    assert.equal(new Set(texts).size, 3);
    let completion = 0;
    for (const [index, text] of texts.entries()) {
      const alone = await client.chat.completions.create({ ...drawn, seed: 7 + index });
      assert.equal(alone.choices[0].message.content, text, `seed ${7 + index}`);
      completion += alone.usage.completion_tokens;
      assert.equal(alone.usage.prompt_tokens, usage.prompt_tokens, "the prompt counts once");
    }
    assert.equal(usage.completion_tokens, completion);
    const streamed = ["", "", ""];
    for await (const { choices } of await client.chat.completions.create({ ...drawn, n: 3, stream: true })) {
      for (const { index, delta } of choices) streamed[index] += delta.content ?? "";
    }
    assert.deepEqual(streamed, texts);
  });

  it("have log probabilities, whole and streamed", async () => {
    const asked = { ...drawn, temperature: 0, logprobs: true, top_logprobs: 3 };
    const { choices } = await client.chat.completions.create(asked);
    const { content } = choices[0].logprobs;
    assert.equal(Buffer.from(content.flatMap(({ bytes }) => bytes)).toString(), choices[0].message.content);
    for (const { token, logprob, top_logprobs } of content) {
      assert.equal(top_logprobs.length, 3);
      assert.deepEqual([top_logprobs[0].token, top_logprobs[0].logprob], [token, logprob], "the likeliest is taken");
      const together = top_logprobs.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
      assert.ok(logprob <= 0 && together <= 1 + 1e-5, `${together}`);
    }
    const streamed = [];
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) streamed.push(...chunk.choices[0].logprobs.content);
    assert.deepEqual(streamed, content);
    // Of the raw distribution: neither bias nor temperature changes them.
    const biased = await client.chat.completions.create({ ...asked, max_tokens: 1, temperature: 0.1, logit_bias: { 5: 3 } });
    assert.deepEqual(biased.choices[0].logprobs.content[0].top_logprobs, content[0].top_logprobs);
  });

  it("continue several prompts, each several times, and are the best of more", async () => {
    const asked = { model: MODEL, prompt: ["Once upon", "The cat"], n: 2, max_tokens: 6, seed: 3, temperature: 1, logprobs: 1 };
    const { choices } = await client.completions.create(asked);
    assert.equal(choices.length, 4);
    for (const { text, logprobs } of choices) {
      assert.equal(logprobs.tokens.length, 6);
      assert.deepEqual(logprobs.text_offset, logprobs.tokens.map((_, place) => [...logprobs.tokens.slice(0, place).join("")].length));
      assert.equal(logprobs.tokens.join(""), text);
    }
    const alone = await client.completions.create({ ...asked, prompt: "The cat", n: 1, seed: 4 });
    assert.equal(alone.choices[0].text, choices[3].text);
    const mean = ({ logprobs: { token_logprobs } }) => token_logprobs.reduce((sum, one) => sum + one, 0) / token_logprobs.length;
    const all = await client.completions.create({ ...asked, prompt: "The cat", n: 4 });
    const best = await client.completions.create({ ...asked, prompt: "The cat", n: 1, best_of: 4 });
    const likeliest = all.choices.toSorted((one, other) => mean(other) - mean(one))[0];
    assert.equal(best.choices[0].text, likeliest.text);
    await assert.rejects(client.completions.create({ ...asked, suffix: "end" }), { status: 400, param: "suffix" });
  });

  it("to a conversation that goes on compute only what is new", async () => {
    const conversation = [{ role: "user", content: "I need the product of 4 and 1. ".repeat(4) }];
    const ask = () => client.chat.completions.create({ model: MODEL, messages: conversation, temperature: 0, max_tokens: 16 });
    await ask();
    const again = await ask();
    const { prompt_tokens, prompt_tokens_details } = again.usage;
    assert.ok(prompt_tokens_details.cached_tokens >= prompt_tokens - 16, JSON.stringify(again.usage));
    conversation.push(again.choices[0].message, { role: "user", content: "And 2 times 3?" });
    const { usage } = await ask();
    assert.ok(usage.prompt_tokens_details.cached_tokens >= prompt_tokens - 16, JSON.stringify(usage));
  });

  it("call the tools that held-out cases expect, whole and streamed", async () => {
    const cases = heldOut.filter(({ expected }) => expected.call ?? expected.no_call);
    assert.ok(cases.length >= 4);
    for (const { messages, tools, max_tokens, expected } of cases) {
      const history = messages.map((message) => ({
        ...message,
        tool_calls: message.tool_calls?.map(({ function: called }) => ({
          id: "call00001",
          type: "function",
          function: { ...called, arguments: JSON.stringify(called.arguments) },
        })),
        ...(message.role === "tool" && { tool_call_id: "call00001" }),
      }));
      const asked = { model: MODEL, messages: history, tools, max_tokens, temperature: 0 };
      const { choices } = await client.chat.completions.create(asked);
      const calls = (choices[0].message.tool_calls ?? []).map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));
      assert.deepEqual(calls, expected.call ? [expected.call] : []);
      assert.equal(choices[0].finish_reason, expected.call ? "tool_calls" : "stop");
      assert.equal(choices[0].message.content === null, Boolean(expected.call));
      const stream = client.chat.completions.stream(asked);
      const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0];
      const functions = (calls) => (calls ?? []).map((call) => call.function).map(({ name, arguments: text }) => ({ name, arguments: text }));
      assert.deepEqual(functions(message.tool_calls), functions(choices[0].message.tool_calls));
      assert.equal(finish_reason, choices[0].finish_reason);
    }
  });
});
