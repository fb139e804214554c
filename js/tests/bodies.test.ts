/** Bodies that break on their way, and bodies that are not the file that was asked for. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { hasModelInCache } from "../load/models.js";
import {
  CorruptShardError,
  InvalidLibraryError,
  InvalidPackageError,
  NetworkError,
} from "../api/errors.js";
import { PATIENCE } from "../load/http.js";
import { HTML, Loading, MODEL, SHARDS } from "./loading.js";

let at: Loading;

beforeEach(async () => void (at = await Loading.start()));

describe("a body that breaks", () => {
  for (const ranges of [true, false]) {
    test(`goes on where it broke${ranges ? "" : ", though the host knows no ranges"}`, async () => {
      at.server.ranges = ranges;
      at.server.breaks.set("pkg/params_shard_1.bin", { after: 8, times: 2 });
      let reported = 0;
      await at.load({}, { onProgress: ({ loadedBytes }) => (reported = loadedBytes) });
      assert.equal(reported, 20);
      assert.equal(at.server.requests.filter((path) => path.endsWith("shard_1.bin")).length, 3);
      assert.equal(await hasModelInCache(MODEL), true);
    });
  }

  test("is given up after a few times", async () => {
    at.server.breaks.set("pkg/params_shard_1.bin", { after: 4, times: 100 });
    const error = await at.failure();
    assert.ok(
      error instanceof NetworkError && error.url.endsWith("params_shard_1.bin"),
      String(error),
    );
    assert.ok(at.server.requests.length < 20);
  });

  test("is begun again where it is small", async () => {
    at.server.breaks.set("pkg/tensor-cache.json", { after: 4, times: 1 });
    await at.load();
  });

  test("that was replaced in between is fetched once more, whole", async () => {
    at.server.ranges = true;
    const other = new Uint8Array(10).fill(9);
    at.server.breaks.set("pkg/params_shard_1.bin", { after: 4, times: 1 });
    at.server.put("pkg/params_shard_1.bin", other);
    at.server.host = ({ headers }) => {
      if (headers.has("Range")) at.server.put("pkg/params_shard_1.bin", SHARDS[1]!);
      return undefined;
    };
    let reported = 0;
    await at.load({}, { onProgress: ({ loadedBytes }) => (reported = loadedBytes) });
    assert.equal(reported, 20);
  });

  test("that ends too early is damaged, though nothing broke", async () => {
    at.server.put("pkg/params_shard_1.bin", SHARDS[1]!.subarray(0, 6));
    const error = await at.failure();
    assert.ok(
      error instanceof CorruptShardError && error.shard === "params_shard_1.bin",
      String(error),
    );
  });

  test("that stops for ever is given up", async () => {
    const { silence } = PATIENCE;
    PATIENCE.silence = 5;
    try {
      at.server.held.set("pkg/params_shard_1.bin", new Promise(() => {}));
      assert.match((await at.failure()).message, /nothing came for/);
    } finally {
      PATIENCE.silence = silence;
    }
  });
});

describe("what is no such file", () => {
  const LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 10\n";
  for (const [file, body, type, words] of [
    ["tensor-cache.json", HTML, InvalidPackageError, /an HTML page .* single-page apps .* 404/],
    ["tensor-cache.json", LFS, InvalidPackageError, /a pointer of Git LFS/],
    ["tensor-cache.json", "", InvalidPackageError, /an empty file/],
    ["tensor-cache.json", '{"records": [', InvalidPackageError, /ends too early/],
    [
      "tensor-cache.json",
      '{"error": "Repository not found"}',
      InvalidPackageError,
      /lists no shards .* "Repository not found"/,
    ],
    ["tensor-cache.json", "[]", InvalidPackageError, /no JSON object/],
    ["library.wasm", HTML, InvalidLibraryError, /an HTML page/],
    ["library.wasm", LFS, InvalidLibraryError, /a pointer of Git LFS/],
    ["library.wasm", "", InvalidLibraryError, /an empty file/],
    ["library.wasm", '{"error": 1}', InvalidLibraryError, /no WebAssembly module \(it begins with/],
    [
      "library.wasm",
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
      InvalidLibraryError,
      /the error AccessDenied in XML/,
    ],
    ["tokenizer.json", LFS, InvalidPackageError, /a pointer of Git LFS/],
    ["tokenizer.json", '{"model": {', InvalidPackageError, /ends too early/],
    ["params_shard_1.bin", HTML, CorruptShardError, /an HTML page/],
    ["params_shard_1.bin", LFS, CorruptShardError, /a pointer of Git LFS/],
    ["params_shard_1.bin", "", CorruptShardError, /an empty file/],
    [
      "params_shard_1.bin",
      '{"error":"gone"}',
      CorruptShardError,
      /JSON instead of the file .*gone/,
    ],
  ] as const) {
    test(`${file}: ${body.slice(0, 16) || "nothing"}`, async () => {
      at.server.slice = 100;
      at.server.put(`pkg/${file}`, body);
      const error = await at.failure();
      assert.ok(error instanceof type, String(error));
      assert.ok(error.message.startsWith(`${MODEL}${file} answers with`), error.message);
      assert.match(error.message, words);
      assert.equal(await hasModelInCache(MODEL), false);
    });
  }

  test("a library that is compressed, and not said to be", async () => {
    at.server.put("pkg/library.wasm", new Uint8Array([0x1f, 0x8b, 8, 0]));
    assert.match((await at.failure()).message, /compressed with gzip: .*Content-Encoding/);
  });

  test("a file with a wrong type is what it holds", async () => {
    const types: Record<string, string> = {
      json: "text/html",
      wasm: "text/html",
      bin: "text/plain",
    };
    at.server.host = ({ path, file }) =>
      file &&
      new Response(file, { headers: { "Content-Type": types[path.split(".").at(-1)!] ?? "" } });
    await at.load();
    assert.deepEqual(at.warnings, []);
  });
});
