/** What JavaScript checks of requests; the rest is checked, and tested, in Rust. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidRequestError } from "../api/errors.js";
import { bodyOf } from "../engine/request.js";

test("what JSON cannot carry is named", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const cases: [unknown, string][] = [
    [null, "request"],
    [undefined, "request"],
    ["a", "request"],
    [[], "request"],
    [{ prompt: "a", user: 1n }, "request"],
    [{ prompt: "a", logit_bias: circular }, "request"],
    [{ prompt: "a", temperature: NaN }, "temperature"],
    [{ prompt: [1, Infinity] }, "1"],
    [{ prompt: "a", logit_bias: { 5: Infinity } }, "5"],
  ];
  for (const [params, field] of cases) {
    const names = (error: unknown): boolean =>
      error instanceof InvalidRequestError && error.field === field && error.message.startsWith(field);
    assert.throws(() => bodyOf(params as object), names, field);
  }
});

test("a request goes to the runtime as it is", () => {
  const chat = { messages: [{ role: "user", content: "hi" }], n: 1, seed: -3, temperature: null };
  const completion = { prompt: [1, 2], echo: false, top_k: -1, min_p: 0 };
  for (const params of [chat, completion]) assert.deepEqual(JSON.parse(bodyOf(params)), params);
});
