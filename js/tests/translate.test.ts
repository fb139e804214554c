/** Errors that cross from the runtime or a worker. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as errors from "../api/errors.js";
import { fromRecord, toRecord } from "../worker/record.js";
import { fromRuntime, runtimeCall } from "../wasm/seam.js";
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

/** Classes that only JavaScript raises: about addresses, networks and policies. */
const OURS = ["ContentSecurityPolicyError", "ModelNotFoundError", "NetworkError"];

test("the classes that the runtime names are those of this package, and no other", () => {
  const source = readFileSync(join(process.env["REPOSITORY"]!, "src", "error", "facts.rs"), "utf8");
  const named = [...source.matchAll(/Class::\w+ => "(\w+)"/g)].map((match) => match[1]!);
  const own = Object.values(errors).map((type) => new type("").name);
  assert.ok(named.length >= 10);
  assert.deepEqual([...named, ...OURS, "TegulaError"].sort(), own.sort());
});

test("an error of the runtime has its class, code and fields; an unknown class is internal", () => {
  const failure = { class: "LimitError", code: "DeviceLimitError", message: "too large", fields: { limit: "maxBufferSize", needed: 2, available: 1 } };
  const limit = fromRuntime(failure);
  assert.ok(limit instanceof errors.LimitError);
  assert.deepEqual([limit.limit, limit.needed, limit.available, limit.code], ["maxBufferSize", 2, 1, "DeviceLimitError"]);
  assert.ok(fromRuntime({ ...failure, class: "toString" }) instanceof errors.InternalError);
  const thrown = (error: unknown): unknown => {
    try {
      return runtimeCall(() => {
        throw error;
      });
    } catch (caught) {
      return caught;
    }
  };
  assert.ok(thrown(rustError("InvalidRequestError", "ChatTemplateError", "line 3")) instanceof errors.InvalidRequestError);
  assert.ok(thrown(new WebAssembly.RuntimeError("unreachable")) instanceof errors.InternalError);
  assert.ok(thrown("text") instanceof errors.InternalError);
});
