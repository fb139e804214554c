/** The checks of options, before anything is done. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidRequestError } from "../api/errors.js";
import { type EngineOptions, loadOptions } from "../engine/options.js";

// Where a page would be.
Object.defineProperty(globalThis, "location", {
  value: new URL("https://app.example/chat/"),
  configurable: true,
});

test("URLs become absolute, and what is left open gets its default", () => {
  const model = "https://app.example/models/m/";
  assert.deepEqual(loadOptions({ model: "../models/m" }), {
    model,
    library: `${model}library.wasm`,
    name: "m",
    cache: "indexeddb",
    kernels: "measure",
    runAhead: undefined,
    precision: "auto",
    baseline: false,
  });
  assert.equal(
    loadOptions({ model: "https://huggingface.co/a/b" }).model,
    "https://huggingface.co/a/b/resolve/main/",
  );
  assert.equal(loadOptions({ model, runAhead: 8 }).runAhead, 8);
  assert.equal(loadOptions({ model, precision: "f32" }).precision, "f32");
  const names = [model, "m/", "https://huggingface.co/a/b", "https://hf.co/a/b/tree/main/c%20d"];
  assert.deepEqual(names.map((model) => loadOptions({ model }).name), ["m", "m", "b", "c d"]);
  assert.equal(
    loadOptions({ model, wasm: "tegula.wasm" }).wasm,
    "https://app.example/chat/tegula.wasm",
  );
  const grammar = new URL("https://cdn.example/tegula-grammar.wasm");
  assert.equal(loadOptions({ model, grammar }).grammar, grammar.href);
  assert.equal(
    loadOptions({ model, grammar: "tegula-grammar.wasm" }).grammar,
    "https://app.example/chat/tegula-grammar.wasm",
  );
});

test("all that is allowed is taken", () => {
  const port = new MessageChannel().port1;
  const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
  for (const worker of [
    true,
    false,
    undefined,
    port as unknown as MessagePort,
    "worker.js",
    new URL("https://app.example/worker.js"),
  ]) {
    loadOptions({
      model: "m",
      worker,
      gpu,
      onProgress: () => {},
      onWarning: () => {},
      signal: new AbortController().signal,
      cache: "none",
    });
  }
  port.close();
});

test("an option that cannot be is named, with what was given and what is allowed", () => {
  const wrong: [field: string, value: unknown, words: RegExp][] = [
    ["model", "", /an empty string/],
    ["library", 7, /an address .* not 7/],
    ["wasm", {}, /an address .* not an object/],
    ["grammar", "", /an empty string/],
    ["grammar", false, /an address .* not false/],
    ["worker", 1, /true, false, a Worker, a MessagePort or the address .* not 1/],
    ["worker", {}, /not an object/],
    ["worker", "", /an address/],
    ["gpu", {}, /requestAdapter, not an object/],
    ["gpu", null, /not null/],
    ["cache", "disk", /"indexeddb" or "none", not "disk"/],
    ["kernels", "fastest", /"measure" or "default", not "fastest"/],
    ["runAhead", 0, /from 1 to 64, not 0/],
    ["runAhead", 1.5, /not 1.5/],
    ["runAhead", 65, /not 65/],
    ["runAhead", "8", /not "8"/],
    ["baseline", "yes", /true or false, not "yes"/],
    ["onProgress", true, /a function, not true/],
    ["onWarning", [], /a function, not an array/],
    ["signal", new AbortController(), /an AbortSignal, not an object of the class AbortController/],
  ];
  for (const [field, value, words] of wrong) {
    const options = { model: "https://models.example/m/", [field]: value } as EngineOptions;
    assert.throws(
      () => loadOptions(options),
      (error) => {
        assert.ok(
          error instanceof InvalidRequestError &&
            error.field === field &&
            error.message.startsWith(`${field} must be`),
          String(error),
        );
        assert.match(error.message, words);
        return true;
      },
    );
  }
});

test("an option that is none is refused by name, with the nearest that there is", () => {
  for (const [name, meant] of [
    ["modle", "model"],
    ["Model", "model"],
    ["modelUrl", "model"],
    ["libary", "library"],
    ["onprogress", "onProgress"],
    ["onWarnings", "onWarning"],
    ["runahead", "runAhead"],
    ["chache", "cache"],
    ["grammars", "grammar"],
    ["workerUrl", "worker"],
  ] as const) {
    const options = { model: "m", [name]: "x" } as unknown as EngineOptions;
    const refused = (error: unknown): boolean =>
      error instanceof InvalidRequestError &&
      error.field === name &&
      error.message === `${name} is no option of createEngine; did you mean ${meant}?`;
    assert.throws(() => loadOptions(options), refused, name);
  }
  assert.throws(
    () => loadOptions({ model: "m", temperature: 1 } as unknown as EngineOptions),
    /there are model, library, /,
  );
});

test("what is no object of options is refused", () => {
  for (const options of [
    undefined,
    null,
    "https://models.example/m/",
    new URL("https://models.example/m/"),
  ]) {
    assert.throws(
      () => loadOptions(options as unknown as EngineOptions),
      /createEngine takes an object with the field model/,
    );
  }
});
