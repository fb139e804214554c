/** Errors where they change sides. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as errors from "../errors.js";
import { CODES, fromCode, fromRecord, toRecord } from "../translate.js";
import { runtimeCall } from "../wasm.js";
import { rustError } from "./fakes.js";

test("every class crosses a worker boundary with its message, fields and stack", () => {
  for (const [name, type] of Object.entries(errors)) {
    if (type === errors.TegulaError) continue;
    const sent = new type("what happened", { limit: "maxBufferSize", needed: 2, available: 1 });
    const arrived = fromRecord(structuredClone(toRecord(sent)));
    assert.ok(arrived instanceof type && arrived instanceof errors.TegulaError, name);
    assert.equal(arrived.name, name);
    assert.equal(arrived.stack, sent.stack);
    assert.deepEqual({ ...arrived }, { ...sent });
  }
});

test("what is not of this package arrives as an internal error that says what it was, an abort as an abort", () => {
  const arrived = fromRecord(structuredClone(toRecord(new TypeError("x is undefined"))));
  assert.ok(arrived instanceof errors.InternalError);
  assert.equal(arrived.message, "TypeError: x is undefined");
  const aborted = fromRecord(structuredClone(toRecord(new DOMException("stopped", "AbortError"))));
  assert.deepEqual([aborted.name, aborted.message], ["AbortError", "stopped"]);
});

test("every code of the Rust runtime has a class, and no other code has", () => {
  const sources = ["error.rs", "error/host.rs", "web/fault.rs"].map((file) => readFileSync(join(process.env["REPOSITORY"]!, "src", file), "utf8"));
  const codes = sources.flatMap((source) => [...source.matchAll(/=>\s*"(\w+)"/g)].map((match) => match[1]!));
  assert.ok(codes.length > 20);
  assert.deepEqual([...new Set(codes)].sort(), Object.keys(CODES).sort());
});

test("a code gives its class with the fields; anything unknown is internal", () => {
  const limit = fromCode("DeviceLimitError", "too large", { limit: "maxBufferSize", needed: 2, available: 1 });
  assert.ok(limit instanceof errors.LimitError);
  assert.deepEqual([limit.limit, limit.needed, limit.available, limit.code], ["maxBufferSize", 2, 1, "DeviceLimitError"]);
  assert.ok(fromCode("toString", "?") instanceof errors.InternalError);
  const thrown = (error: unknown): unknown => {
    try {
      return runtimeCall(() => {
        throw error;
      });
    } catch (caught) {
      return caught;
    }
  };
  assert.ok(thrown(rustError("ChatTemplateError", "line 3")) instanceof errors.InvalidRequestError);
  assert.ok(thrown(new WebAssembly.RuntimeError("unreachable")) instanceof errors.InternalError);
  assert.ok(thrown("text") instanceof errors.InternalError);
});
