/** What JavaScript checks of requests; the rest is checked, and tested, in Rust. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidRequestError } from "../errors.js";
import type { ChatCompletionCreateParams, CompletionCreateParams } from "../openai.js";
import { chatRequest, completionRequest } from "../request.js";

test("limits of a draw reach the runtime, those that are off as well", () => {
  const limits = [{ top_k: 40, min_p: 0.05, top_p: 0.9 }, { top_k: 0, min_p: 0 }, { top_k: -1, min_p: null }];
  for (const fields of limits) {
    assert.deepEqual(JSON.parse(completionRequest({ prompt: "a", ...fields }).body), fields);
    const messages: ChatCompletionCreateParams["messages"] = [{ role: "user", content: "a" }];
    assert.deepEqual(JSON.parse(chatRequest({ messages, ...fields }).body), { messages, ...fields });
  }
});

test("a bad field is named", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const cases: [unknown, string][] = [
    [null, "request"],
    [{ prompt: "a", user: 1n }, "request"],
    [{ prompt: "a", logit_bias: circular }, "request"],
    [{}, "prompt"],
    [{ prompt: [] }, "prompt"],
    [{ prompt: null }, "prompt"],
    [{ prompt: [1, -1] }, "prompt[1]"],
    [{ prompt: [1.5] }, "prompt[0]"],
    [{ prompt: [[2 ** 32]] }, "prompt[0]"],
    [{ prompt: ["a", "b"] }, "prompt"],
    [{ prompt: [[1], [2]] }, "prompt"],
    [{ prompt: [1], echo: true }, "echo"],
    [{ prompt: "a", echo: "yes" }, "echo"],
    [{ prompt: "a", temperature: NaN }, "temperature"],
    [{ prompt: "a", logit_bias: { 5: Infinity } }, "5"],
    [[], "request"],
  ];
  for (const [params, field] of cases) {
    const names = (error: unknown): boolean => error instanceof InvalidRequestError && error.field === field && error.message.startsWith(field);
    assert.throws(() => completionRequest(params as CompletionCreateParams), names, field);
  }
  assert.throws(() => chatRequest(undefined as unknown as ChatCompletionCreateParams), InvalidRequestError);
});

test("a good request goes to the runtime as it is", () => {
  const chat = { messages: [{ role: "user" as const, content: "hi" }], n: 1, seed: -3, temperature: null };
  assert.deepEqual(JSON.parse(chatRequest(chat).body), chat);
  assert.deepEqual(completionRequest({ prompt: "once", ignore_eos: true }), { body: '{"ignore_eos":true}', prompt: "once" });
  assert.deepEqual(completionRequest({ prompt: [1, 2] }), { body: "{}", prompt: [1, 2] });
  // A list of one prompt is that prompt.
  assert.deepEqual(completionRequest({ prompt: ["once"], echo: true }), { body: "{}", prompt: "once" });
  assert.deepEqual(completionRequest({ prompt: [[1, 2]] }), { body: "{}", prompt: [1, 2] });
});
