/** Wrong folders, and what errors say of them. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ModelNotFoundError, NetworkError } from "../api/errors.js";
import type { LoadOptions } from "../api/backend.js";
import { Loading, SHARDS, missing } from "./loading.js";

let at: Loading;

beforeEach(async () => void (at = await Loading.start()));

describe("a wrong folder", () => {
  const from = (folder: string): Partial<LoadOptions> => ({
    model: `https://models.test/${folder}`,
    library: `https://models.test/${folder}library.wasm`,
  });

  test("with a checkpoint in it needs the converter", async () => {
    at.server.put("hf/config.json", JSON.stringify({ architectures: ["LlamaForCausalLM"] }));
    const error = await at.failure(from("hf/"));
    assert.ok(error instanceof ModelNotFoundError && error.status === 404);
    assert.match(
      error.message,
      /^there is no file at https:\/\/models.test\/hf\/tensor-cache.json .*tegula convert/,
    );
  });

  test("with a checkpoint on a host like S3, too", async () => {
    at.server.put("hf/config.json", JSON.stringify({ model_type: "llama" }));
    at.server.host = missing(
      () => new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 }),
    );
    const error = await at.failure(from("hf/"));
    assert.ok(error instanceof NetworkError && error.status === 403);
    assert.match(error.message, /AccessDenied.*hosts like S3.*tegula convert/);
  });

  test("without a library says how to make one", async () => {
    at.server.files.delete("pkg/library.wasm");
    assert.match(
      (await at.failure()).message,
      /no file at .*library.wasm.*tegula compile.*option library/,
    );
    assert.match(
      (await at.failure({ library: "https://models.test/none.wasm" })).message,
      /none.wasm.*option library names/,
    );
  });

  test("one level too low or too high is put right", async () => {
    assert.match(
      (await at.failure(from("pkg/params/"))).message,
      /There is a package at https:\/\/models.test\/pkg\/: name that folder/,
    );
    at.server.publish("llama", SHARDS, "old/params");
    assert.match(
      (await at.failure(from("old/"))).message,
      /There is a package at https:\/\/models.test\/old\/params\/:/,
    );
    at.server.put(
      "models/",
      '<!doctype html><a href="../">..</a><a href="a/">a</a> <a href="./llama%20q4/">llama</a>',
    );
    at.server.publish("llama", SHARDS, "models/llama%20q4");
    assert.match(
      (await at.failure(from("models/"))).message,
      /There is a package at https:\/\/models.test\/models\/llama%20q4\/:/,
    );
    assert.match(
      (await at.failure(from("nowhere/"))).message,
      /No file of a package was found in https:\/\/models.test\/nowhere\/: check the address/,
    );
  });

  test("that a conversion left half-way", async () => {
    at.server.files.delete("pkg/tensor-cache.json");
    at.server.put(
      "pkg/mlc-chat-config.json",
      JSON.stringify({ model_type: "llama", model_config: {} }),
    );
    assert.match((await at.failure()).message, /did not come to its end/);
  });

  test("is not to blame for a manifest that is damaged", async () => {
    at.server.put("pkg/tensor-cache.json", '{"records": [');
    assert.match((await at.failure()).message, /ends too early: upload .*tegula convert`$/);
  });

  test("to which a shard was not uploaded", async () => {
    at.server.files.delete("pkg/params_shard_1.bin");
    const error = await at.failure();
    assert.ok(error instanceof ModelNotFoundError);
    assert.match(error.message, /no file at .*shard_1.bin .*The manifest lists this file/);
  });

  test("costs a load that works no request", async () => {
    await at.load();
    const names = [
      "tensor-cache.json",
      "library.wasm",
      "mlc-chat-config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "chat_template.jinja",
    ];
    const asked = [...names, "params_shard_0.bin", "params_shard_1.bin"].map(
      (name) => `pkg/${name}`,
    );
    assert.deepEqual(at.server.requests.toSorted(), asked.toSorted());
  });
});
