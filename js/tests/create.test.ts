/** What `createEngine` says of its options before it does anything. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type EngineOptions, createEngine } from "../create.js";
import { InvalidRequestError } from "../errors.js";

test("an option that is none is named, and nothing is loaded", async () => {
  const wrong: [string, unknown][] = [
    ["cache", "disk"],
    ["kernels", "fastest"],
    ["runAhead", 0],
    ["runAhead", 1.5],
    ["runAhead", 65],
    ["runAhead", "8"],
  ];
  for (const [field, value] of wrong) {
    const options = { model: "https://models.example/m/", worker: false, [field]: value } as EngineOptions;
    const named = (error: unknown): boolean => error instanceof InvalidRequestError && error.field === field && error.message.startsWith(field);
    await assert.rejects(createEngine(options), named, `${field}: ${String(value)}`);
  }
});
