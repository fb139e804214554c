/** Newer files on the host. They arrive at the next load, all together, and never delay a load for long. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { LoadOptions } from "../api/backend.js";
import { deleteModelInCache } from "../load/models.js";
import { BOUND } from "../load/fresh.js";
import { FakeServer, libraryOf, md5 } from "./fake-server.js";
import { Loading, MODEL, SHARDS, TEMPLATE, withCache } from "./loading.js";

const patient = { ...BOUND };
let at: Loading;

beforeEach(async () => void (at = await Loading.start()));
afterEach(() => void Object.assign(BOUND, patient));

/** Another package in the place of the first: other weights, other texts. */
function publishAnother(server: FakeServer): void {
  server.publish("mistral", [3, 4].map((value) => new Uint8Array(10).fill(value)));
  server.put("pkg/tokenizer.json", '{"version": "2"}');
  server.put("pkg/tokenizer_config.json", JSON.stringify({ chat_template: TEMPLATE }));
}

/** What the last load got. */
const got = (): unknown => {
  const { config, tokenizer } = at.wasm.files!;
  return [config, tokenizer, at.wasm.revision];
};

const LLAMA = ['{"model":"llama"}', "{}", ""];
const MISTRAL = ['{"model":"mistral"}', '{"version": "2"}', ""];

describe("a corrected library of the same shapes", () => {
  for (const versions of ["none", "etag", "modified", "unconditional"] as const) {
    test(`arrives at the next load, and nothing else is sent (${versions})`, async () => {
      at.server.versions = versions;
      await at.load();
      assert.equal(at.wasm.revision, "");
      at.server.put("pkg/library.wasm", libraryOf("llama", "corrected"));
      at.server.sent = [];
      await at.load();
      assert.equal(at.wasm.revision, "corrected");
      assert.deepEqual(at.warnings, []);
      if (versions === "etag" || versions === "modified") assert.deepEqual(at.server.sent, ["pkg/library.wasm"]);
      assert.deepEqual(at.server.shardRequests().length, 2, "shards are those of before");
      at.server.offline = true;
      await at.load();
      assert.equal(at.wasm.revision, "corrected", "it was kept");
    });
  }

  test("arrives where it is not in the folder of the model", async () => {
    const library = "https://models.test/lib/shared.wasm";
    at.server.put("lib/shared.wasm", libraryOf("llama"));
    await at.load({ library });
    at.server.put("lib/shared.wasm", libraryOf("llama", "corrected"));
    await at.load({ library });
    assert.equal(at.wasm.revision, "corrected");
  });

  test("arrives where an earlier release kept files without their versions", async () => {
    await at.load();
    at.server.versions = "etag";
    at.server.sent = [];
    await at.load();
    assert.ok(at.server.sent.includes("pkg/library.wasm"), "only its bytes tell");
    at.server.sent = [];
    await at.load();
    assert.deepEqual(at.server.sent, [], "now the version is known");
    at.server.put("pkg/library.wasm", libraryOf("llama", "corrected"));
    await at.load();
    assert.equal(at.wasm.revision, "corrected");
  });
});

describe("another version of a package", () => {
  test("takes the place of the first as a whole", async () => {
    await at.load();
    publishAnother(at.server);
    await at.load();
    assert.deepEqual(got(), MISTRAL);
    assert.match(at.wasm.files!.tokenizerConfig!, /messages/, "what was absent is asked for again");
    at.server.offline = true;
    await at.load();
    assert.deepEqual(got(), MISTRAL);
    assert.match(at.wasm.files!.tokenizerConfig!, /messages/);
    assert.deepEqual(at.warnings, []);
  });

  test("may lack files that the first had", async () => {
    at.server.put("pkg/tokenizer_config.json", "{}");
    at.server.put("pkg/chat_template.jinja", TEMPLATE);
    await at.load();
    assert.equal(at.wasm.files!.chatTemplate, TEMPLATE);
    at.server.files.delete("pkg/chat_template.jinja");
    for (const offline of [false, true]) {
      at.server.offline = offline;
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, undefined);
    }
  });

  test("is not taken while its upload is under way, and spoils nothing", async () => {
    const states: [string, (server: FakeServer) => void][] = [
      ["the library is another", (server) => server.put("pkg/library.wasm", libraryOf("mistral"))],
      ["shards are those of before", (server) => SHARDS.forEach((bytes, index) => server.put(`pkg/params_shard_${index}.bin`, bytes))],
      [
        "the host has trouble with a new file",
        (server) => (server.host = ({ path }) => (path.endsWith("tokenizer_config.json") ? new Response("", { status: 503 }) : undefined)),
      ],
      ["a shard is missing", (server) => server.files.delete("pkg/params_shard_1.bin")],
      ["a shard is cut short", (server) => server.put("pkg/params_shard_1.bin", new Uint8Array(3))],
    ];
    for (const [state, change] of states) {
      at = await Loading.start();
      await at.load();
      if (!state.startsWith("the library")) publishAnother(at.server);
      change(at.server);
      await at.load();
      assert.deepEqual(got(), LLAMA, state);
      assert.equal(at.warnings.length, 1, `${state}: ${at.warnings}`);
      assert.match(at.warnings[0]!, /newer files of this model, but they do not fit/, state);
      at.server.offline = true;
      await at.load();
      assert.deepEqual(got(), LLAMA, `${state}, offline`);
      at.server.offline = false;
      at.server.host = () => undefined;
      publishAnother(at.server);
      await at.load();
      assert.deepEqual(got(), MISTRAL, `${state}, and then it ends`);
    }
  });

  test("is downloaded once, though the first load of it ends early", async () => {
    await at.load();
    publishAnother(at.server);
    at.server.breaks.set("pkg/params_shard_1.bin", { after: 4, times: 99 });
    await at.load();
    assert.deepEqual(got(), LLAMA);
    at.server.breaks.clear();
    at.server.requests = [];
    await at.load();
    assert.deepEqual(got(), MISTRAL);
    assert.deepEqual(at.server.shardRequests(), ["pkg/params_shard_1.bin"]);
    const keys = await withCache((cache) => cache.list(""));
    assert.deepEqual(keys.filter((key) => key.includes("staged")), []);
  });

  test("that never came to its end is deleted with the model", async () => {
    const signed = { model: `${MODEL}?model=a`, library: `${MODEL}library.wasm?model=a` };
    for (const options of [{} as Partial<LoadOptions>, signed]) {
      at = await Loading.start();
      await at.load(options);
      publishAnother(at.server);
      at.server.files.delete("pkg/params_shard_1.bin");
      await at.load(options);
      const staged = await withCache((cache) => cache.list(""));
      assert.ok(staged.some((key) => key.includes("staged")), String(staged));
      await deleteModelInCache(options.model ?? MODEL);
      assert.deepEqual(await withCache((cache) => cache.list("")), []);
    }
  });

  test("with a manifest of its own is told from old shards by their hashes", async () => {
    await at.load();
    publishAnother(at.server);
    await at.load();
    const kept = await withCache((cache) => cache.get(`${MODEL}params_shard_0.bin`));
    assert.equal(md5(new Uint8Array(await kept!.arrayBuffer())), md5(new Uint8Array(10).fill(3)));
  });
});

describe("a host that does not say whether there is a newer version", () => {
  const never = new Promise<never>(() => {});
  const cases: [string, (server: FakeServer) => void][] = [
    ["is not there", (server) => (server.offline = true)],
    ["has trouble", (server) => (server.host = ({ path }) => (path.endsWith("library.wasm") ? new Response("", { status: 500 }) : undefined))],
    ["lost the manifest", (server) => server.files.delete("pkg/tensor-cache.json")],
    ["sends a page for a file", (server) => server.put("pkg/library.wasm", "<!doctype html>")],
    ["never answers for one file", (server) => (server.late.set("pkg/tokenizer.json", never))],
    ["never answers", (server) => ["tensor-cache.json", "library.wasm", "tokenizer.json", "mlc-chat-config.json"].forEach((name) => server.late.set(`pkg/${name}`, never))],
    ["stops in the middle of a file", (server) => server.held.set("pkg/tokenizer.json", never)],
  ];
  for (const [what, change] of cases) {
    test(`${what}: the cached one is used, whole`, async () => {
      BOUND.silence = 50;
      await at.load();
      publishAnother(at.server);
      change(at.server);
      await at.load();
      assert.deepEqual(got(), LLAMA);
    });
  }

  test("sends a little now and then: the whole wait has a bound, too", async () => {
    Object.assign(BOUND, { silence: 5000, total: 100 });
    await at.load();
    publishAnother(at.server);
    at.server.put("pkg/tokenizer.json", `{"a": "${"x".repeat(4000)}"}`);
    at.server.pace = 20;
    await at.load();
    assert.deepEqual(got(), LLAMA);
  });
});
