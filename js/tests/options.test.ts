/** What is said of options before anything is done. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidRequestError } from "../errors.js";
import { type EngineOptions, loadOptions } from "../options.js";

// Where a page would be.
Object.defineProperty(globalThis, "location", { value: new URL("https://app.example/chat/"), configurable: true });

test("URLs become absolute, and what is left open gets its default", () => {
  const model = "https://app.example/models/m/";
  assert.deepEqual(loadOptions({ model: "../models/m" }), {
    model, library: `${model}library.wasm`, cache: "indexeddb", kernels: "measure", runAhead: undefined, baseline: false,
  });
  assert.equal(loadOptions({ model: "https://huggingface.co/a/b" }).model, "https://huggingface.co/a/b/resolve/main/");
  assert.equal(loadOptions({ model, runAhead: 8 }).runAhead, 8);
});

test("an option that is none is named", () => {
  const wrong: [string, unknown][] = [
    ["model", ""],
    ["library", 7],
    ["cache", "disk"],
    ["kernels", "fastest"],
    ["runAhead", 0],
    ["runAhead", 1.5],
    ["runAhead", 65],
    ["runAhead", "8"],
  ];
  for (const [field, value] of wrong) {
    const options = { model: "https://models.example/m/", [field]: value } as EngineOptions;
    const named = (error: unknown): boolean => error instanceof InvalidRequestError && error.field === field && error.message.startsWith(field);
    assert.throws(() => loadOptions(options), named, `${field}: ${String(value)}`);
  }
});
