/**
 * Hosts of all kinds: what is loaded from them, what is said where it cannot be, and what is kept.
 */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { IndexedDbCache, deleteModelInCache, hasModelInCache } from "../cache.js";
import {
  CorruptShardError,
  InvalidLibraryError,
  InvalidPackageError,
  InvalidRequestError,
  ModelNotFoundError,
  NetworkError,
} from "../errors.js";
import type { LoadListeners, LoadOptions } from "../protocol.js";
import { Session } from "../session.js";
import { FakeServer, FakeWasm, type Host, forgetEverything, libraryOf } from "./fakes.js";

const MODEL = "https://models.test/pkg/";
const OPTIONS: LoadOptions = {
  model: MODEL,
  library: `${MODEL}library.wasm`,
  cache: "indexeddb",
  baseline: false,
  kernels: "measure",
};
const SHARDS = [1, 2].map((value) => new Uint8Array(10).fill(value));
const HTML = "<!doctype html><title>App</title>";
const TEMPLATE = "{{ messages }}";

let server: FakeServer;
let wasm: FakeWasm;
let warnings: string[];

beforeEach(async () => {
  await forgetEverything();
  server = new FakeServer();
  server.install();
  server.publish("llama", SHARDS);
});

async function load(
  options: Partial<LoadOptions> = {},
  listeners: LoadListeners = {},
): Promise<void> {
  wasm = new FakeWasm();
  warnings = [];
  const session = new Session(
    () => Promise.resolve(wasm),
    () => Promise.resolve(),
  );
  await session.load(
    { ...OPTIONS, ...options },
    { onWarning: (message) => warnings.push(message), ...listeners },
  );
}

async function failure(options: Partial<LoadOptions> = {}): Promise<Error> {
  return load(options).then(
    () => assert.fail("it loaded"),
    (error: Error) => error,
  );
}

async function withCache<T>(task: (cache: IndexedDbCache) => Promise<T>): Promise<T> {
  const cache = (await IndexedDbCache.open(assert.fail)) as IndexedDbCache;
  const result = await task(cache);
  cache.database.close();
  return result;
}

const html = (body = HTML): Response =>
  new Response(body, { headers: { "Content-Type": "text/html" } });
const missing =
  (answer: () => Response | Error): Host =>
  ({ file }) =>
    file ? undefined : answer();

/** Hosts, by what they answer where there is no file; and whether that is a plain "not found". */
const ABSENT: Record<string, [answer: () => Response | Error, plain: boolean]> = {
  "404": [() => new Response("", { status: 404 }), true],
  "410": [() => new Response("", { status: 410 }), true],
  "403, as S3": [
    () => new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 }),
    false,
  ],
  "401, as Hugging Face": [() => new Response("", { status: 401 }), false],
  "400": [() => new Response("", { status: 400 }), false],
  "the app's page": [() => html(), false],
  "a page with a comment first": [
    () => html("\ufeff \n<!-- built -->\n<!-- 2026 -->\n<HTML lang=en>"),
    false,
  ],
  "a page without a type": [
    () => new Response(HTML, { headers: { "Content-Type": "application/json" } }),
    false,
  ],
  "an error with status 200": [
    () => new Response('<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>'),
    false,
  ],
  nothing: [() => new Response(""), false],
};

describe("an optional file that is not there", () => {
  for (const [name, [answer, plain]] of Object.entries(ABSENT)) {
    test(`is absent if the host answers: ${name}`, async () => {
      server.host = missing(answer);
      server.files.delete("pkg/tokenizer.json");
      server.files.delete("pkg/mlc-chat-config.json");
      server.put("pkg/library.wasm", "\0asmundefined");
      await load();
      assert.deepEqual(wasm.files, {
        config: undefined,
        manifest: wasm.files!.manifest,
        tokenizer: undefined,
        tokenizerConfig: undefined,
        chatTemplate: undefined,
      });
      assert.equal(warnings.length, plain ? 0 : 1, String(warnings));
      if (!plain)
        for (const file of [
          "mlc-chat-config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
        ])
          assert.ok(warnings[0]!.includes(file));
      // Only a plain "not found" is remembered.
      server.publish("llama", SHARDS);
      server.put("pkg/tokenizer_config.json", "{}");
      server.put("pkg/chat_template.jinja", TEMPLATE);
      server.requests = [];
      if (plain) {
        await load();
        assert.deepEqual(server.requests, []);
        return;
      }
      // The library of before does not fit what is there now: it is fetched again.
      await load();
      assert.equal(wasm.files!.chatTemplate, TEMPLATE);
      assert.equal(wasm.files!.tokenizer, "{}");
      server.offline = true;
      await load();
      assert.equal(wasm.files!.chatTemplate, TEMPLATE, "what was found is kept");
    });
  }

  test("does not keep a cached model from loading offline", async () => {
    server.host = missing(() => new Response("", { status: 403 }));
    await load();
    server.offline = true;
    await load();
    assert.equal(wasm.files!.chatTemplate, undefined);
  });

  test("is asked for only where the tokenizer's config has no template", async () => {
    for (const [config, asked] of [
      [{ chat_template: TEMPLATE }, false],
      [{ chat_template: [{ name: "default", template: TEMPLATE }] }, false],
      [{ chat_template: null }, true],
      [{}, true],
    ] as const) {
      server.requests = [];
      server.put("pkg/tokenizer_config.json", JSON.stringify(config));
      await load({ cache: "none" });
      assert.equal(
        server.requests.includes("pkg/chat_template.jinja"),
        asked,
        JSON.stringify(config),
      );
    }
  });
});

describe("a host in trouble", () => {
  for (const status of [429, 500, 503]) {
    test(`fails a load for an optional file, too (${status})`, async () => {
      server.host = ({ path }) =>
        path.endsWith("tokenizer_config.json") ? new Response("", { status }) : undefined;
      const error = await failure();
      assert.ok(
        error instanceof NetworkError &&
          error.status === status &&
          error.url.endsWith("tokenizer_config.json"),
        String(error),
      );
      assert.equal(await hasModelInCache(MODEL), false);
    });
  }

  for (const status of [408, 425, 429, 502, 503, 504]) {
    test(`is asked again (${status})`, async () => {
      let times = 2;
      server.host = ({ path }) =>
        path.endsWith("shard_1.bin") && times-- > 0 ? new Response("", { status }) : undefined;
      await load();
      assert.deepEqual(server.pauses, [300, 1000]);
    });
  }

  test("is asked a bounded number of times", async () => {
    server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response("", { status: 503 }) : undefined;
    const error = await failure();
    assert.ok(error instanceof NetworkError && error.status === 503);
    assert.equal(server.requests.filter((path) => path.endsWith("library.wasm")).length, 4);
  });

  test("says how long to wait, and is obeyed within reason", async () => {
    const limited = (after: string): Host => {
      let first = true;
      return ({ path }) => {
        if (!path.endsWith("library.wasm") || !first) return undefined;
        first = false;
        return new Response("", { status: 429, headers: { "Retry-After": after } });
      };
    };
    server.host = limited("7");
    await load({ cache: "none" });
    assert.deepEqual(server.pauses, [7000]);
    server.host = limited("3600");
    assert.match((await failure({ cache: "none" })).message, /status 429.*asked too often/);
    server.host = limited("soon");
    await load({ cache: "none" });
    assert.deepEqual(server.pauses, [7000, 300]);
  });

  test("is not asked again what it has plainly refused", async () => {
    server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response("", { status: 403 }) : undefined;
    await failure();
    assert.equal(server.requests.filter((path) => path.endsWith("library.wasm")).length, 1);
    assert.deepEqual(server.pauses, []);
  });

  test("a request that fails once is made again, and an abort ends the waiting", async () => {
    let first = true;
    server.host = ({ path }) => {
      if (!first || !path.endsWith("library.wasm")) return undefined;
      first = false;
      return new TypeError("fetch failed");
    };
    await load({ cache: "none" });
    server.offline = true;
    const abort = new AbortController();
    const { PATIENCE } = await import("../http.js");
    PATIENCE.wait = (_, signal) => {
      abort.abort(new Error("enough"));
      return Promise.reject(signal.reason as Error);
    };
    await assert.rejects(load({ cache: "none" }, { signal: abort.signal }), /enough/);
  });
});

describe("a body that breaks", () => {
  for (const ranges of [true, false]) {
    test(`goes on where it broke${ranges ? "" : ", though the host knows no ranges"}`, async () => {
      server.ranges = ranges;
      server.breaks.set("pkg/params_shard_1.bin", { after: 8, times: 2 });
      let reported = 0;
      await load({}, { onProgress: ({ loadedBytes }) => (reported = loadedBytes) });
      assert.equal(reported, 20);
      assert.equal(server.requests.filter((path) => path.endsWith("shard_1.bin")).length, 3);
      assert.equal(await hasModelInCache(MODEL), true);
    });
  }

  test("is given up after a few times", async () => {
    server.breaks.set("pkg/params_shard_1.bin", { after: 4, times: 100 });
    const error = await failure();
    assert.ok(
      error instanceof NetworkError && error.url.endsWith("params_shard_1.bin"),
      String(error),
    );
    assert.ok(server.requests.length < 20);
  });

  test("is begun again where it is small", async () => {
    server.breaks.set("pkg/tensor-cache.json", { after: 4, times: 1 });
    await load();
  });

  test("that was replaced in between is fetched once more, whole", async () => {
    server.ranges = true;
    const other = new Uint8Array(10).fill(9);
    server.breaks.set("pkg/params_shard_1.bin", { after: 4, times: 1 });
    server.put("pkg/params_shard_1.bin", other);
    server.host = ({ headers }) => {
      if (headers.has("Range")) server.put("pkg/params_shard_1.bin", SHARDS[1]!);
      return undefined;
    };
    let reported = 0;
    await load({}, { onProgress: ({ loadedBytes }) => (reported = loadedBytes) });
    assert.equal(reported, 20);
  });

  test("that ends too early is damaged, though nothing broke", async () => {
    server.put("pkg/params_shard_1.bin", SHARDS[1]!.subarray(0, 6));
    const error = await failure();
    assert.ok(
      error instanceof CorruptShardError && error.shard === "params_shard_1.bin",
      String(error),
    );
  });

  test("that stops for ever is given up", async () => {
    const { PATIENCE } = await import("../http.js");
    const { silence } = PATIENCE;
    PATIENCE.silence = 5;
    try {
      server.held.set("pkg/params_shard_1.bin", new Promise(() => {}));
      assert.match((await failure()).message, /nothing came for/);
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
      server.slice = 100;
      server.put(`pkg/${file}`, body);
      const error = await failure();
      assert.ok(error instanceof type, String(error));
      assert.ok(error.message.startsWith(`${MODEL}${file} answers with`), error.message);
      assert.match(error.message, words);
      assert.equal(await hasModelInCache(MODEL), false);
    });
  }

  test("a file with a wrong type is what it holds", async () => {
    const types: Record<string, string> = {
      json: "text/html",
      wasm: "text/html",
      bin: "text/plain",
    };
    server.host = ({ path, file }) =>
      file &&
      new Response(file, { headers: { "Content-Type": types[path.split(".").at(-1)!] ?? "" } });
    await load();
    assert.deepEqual(warnings, []);
  });
});

describe("the cache", () => {
  test("that holds pages in the place of files heals at the next load", async () => {
    server.put("pkg/tokenizer_config.json", "{}");
    server.put("pkg/chat_template.jinja", TEMPLATE);
    for (const name of [
      "chat_template.jinja",
      "tokenizer_config.json",
      "tokenizer.json",
      "mlc-chat-config.json",
      "tensor-cache.json",
      "library.wasm",
      "params_shard_0.bin",
    ]) {
      await load();
      await withCache((cache) => cache.put(MODEL + name, new Blob([HTML], { type: "text/html" })));
      await load();
      assert.equal(wasm.files!.chatTemplate, TEMPLATE, name);
      server.offline = true;
      await load();
      assert.equal(wasm.files!.chatTemplate, TEMPLATE, name);
      server.offline = false;
    }
  });

  test("of an earlier version that knows a file to be absent asks again", async () => {
    await load();
    await withCache(async ({ database }) => {
      const store = database.transaction("files", "readwrite").objectStore("files");
      store.put({ url: `${MODEL}tokenizer_config.json`, data: null });
      await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    });
    server.put("pkg/tokenizer_config.json", JSON.stringify({ chat_template: TEMPLATE }));
    await load();
    assert.match(wasm.files!.tokenizerConfig!, /messages/);
  });

  test("that knows a file to be absent knows it for an hour", async () => {
    await load();
    server.put("pkg/chat_template.jinja", TEMPLATE);
    const { now } = Date;
    try {
      Date.now = () => now() + 59 * 60_000;
      await load();
      assert.equal(wasm.files!.chatTemplate, undefined);
      Date.now = () => now() + 61 * 60_000;
      await load();
      assert.equal(wasm.files!.chatTemplate, TEMPLATE);
    } finally {
      Date.now = now;
    }
  });

  test("is one for all signatures of an address", async () => {
    const signed = (signature: string): Partial<LoadOptions> => {
      const query = `?sig=${signature}&exp=1`;
      return { model: MODEL + query, library: `${MODEL}library.wasm${query}` };
    };
    await load(signed("a"));
    assert.ok(
      server.urls.length >= 7 && server.urls.every((url) => url.endsWith("?sig=a&exp=1")),
      String(server.urls),
    );
    server.urls = [];
    await load(signed("b"));
    assert.deepEqual(server.urls, []);
    assert.equal(await hasModelInCache(`${MODEL}?sig=c&exp=2`), true);
    assert.equal(await hasModelInCache(`${MODEL}?model=other&sig=c`), false);
  });

  test("has a model when it would load without a download", async () => {
    const other = "https://models.test/other/";
    await load();
    assert.equal(await hasModelInCache(MODEL), true);
    for (const same of [
      new URL(MODEL),
      MODEL.slice(0, -1),
      `${MODEL}mlc-chat-config.json`,
      { model: MODEL, library: `${MODEL}library.wasm` },
    ]) {
      assert.equal(await hasModelInCache(same), true, String(same));
    }
    assert.equal(await hasModelInCache(other), false);
    assert.equal(await hasModelInCache({ model: MODEL, library: `${other}library.wasm` }), false);
    for (const name of ["params_shard_1.bin", "library.wasm", "tensor-cache.json"]) {
      await withCache((cache) => cache.delete(MODEL + name));
      assert.equal(await hasModelInCache(MODEL), false, name);
      await load();
    }
    await withCache((cache) => cache.put(`${MODEL}library.wasm`, new Blob([HTML])));
    assert.equal(await hasModelInCache(MODEL), false, "a page is no library");
  });

  test("knows where a model's folder ends", async () => {
    const at = (folder: string): Partial<LoadOptions> => ({
      model: `https://models.test/${folder}/`,
      library: `https://models.test/${folder}/library.wasm`,
    });
    const folders = ["Llama-1B", "Llama-1B-Instruct", "Llama-1B/small"];
    for (const folder of folders) {
      server.publish(folder, SHARDS, folder);
      await load(at(folder));
    }
    await deleteModelInCache("https://models.test/Llama-1B");
    assert.deepEqual(
      await Promise.all(folders.map((folder) => hasModelInCache(`https://models.test/${folder}`))),
      [false, true, true],
    );
    assert.deepEqual(
      await withCache((cache) =>
        cache
          .list("https://models.test/Llama-1B/")
          .then((keys) => keys.filter((key) => !key.includes("/small/"))),
      ),
      [],
    );
    await deleteModelInCache({ model: new URL("https://models.test/Llama-1B-Instruct/") });
    await deleteModelInCache("https://models.test/Llama-1B/small/");
    assert.deepEqual(await withCache((cache) => cache.list("")), []);
  });

  test("finds and deletes a library elsewhere, once no other model has it", async () => {
    const library = "https://models.test/lib/shared.wasm";
    server.put("lib/shared.wasm", libraryOf("llama"));
    server.publish("llama", SHARDS, "two");
    server.files.delete("pkg/library.wasm");
    const two = "https://models.test/two/";
    await load({ library });
    await load({ model: two, library });
    assert.equal(await hasModelInCache(MODEL), true);
    assert.equal(await hasModelInCache({ model: MODEL, library }), true);
    await deleteModelInCache(MODEL);
    assert.equal(await hasModelInCache(two), true);
    await deleteModelInCache({ model: two, library });
    assert.deepEqual(await withCache((cache) => cache.list("")), []);
  });

  test("refuses what is no address", async () => {
    for (const ask of [hasModelInCache, deleteModelInCache]) {
      for (const wrong of [
        "",
        "models/m",
        7,
        null,
        undefined,
        "https://",
        { model: MODEL, libary: "x" },
      ]) {
        await assert.rejects(ask(wrong as string), InvalidRequestError, String(wrong));
      }
    }
  });
});

describe("a wrong folder", () => {
  const at = (folder: string): Partial<LoadOptions> => ({
    model: `https://models.test/${folder}`,
    library: `https://models.test/${folder}library.wasm`,
  });

  test("with a checkpoint in it needs the converter", async () => {
    server.put("hf/config.json", JSON.stringify({ architectures: ["LlamaForCausalLM"] }));
    const error = await failure(at("hf/"));
    assert.ok(error instanceof ModelNotFoundError && error.status === 404);
    assert.match(
      error.message,
      /^there is no file at https:\/\/models.test\/hf\/tensor-cache.json .*tegula convert/,
    );
  });

  test("with a checkpoint on a host like S3, too", async () => {
    server.put("hf/config.json", JSON.stringify({ model_type: "llama" }));
    server.host = missing(
      () => new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 }),
    );
    const error = await failure(at("hf/"));
    assert.ok(error instanceof NetworkError && error.status === 403);
    assert.match(error.message, /AccessDenied.*hosts like S3.*tegula convert/);
  });

  test("without a library says how to make one", async () => {
    server.files.delete("pkg/library.wasm");
    assert.match(
      (await failure()).message,
      /no file at .*library.wasm.*tegula compile.*option library/,
    );
    assert.match(
      (await failure({ library: "https://models.test/none.wasm" })).message,
      /none.wasm.*option library names/,
    );
  });

  test("one level too low or too high is put right", async () => {
    assert.match(
      (await failure(at("pkg/params/"))).message,
      /There is a package at https:\/\/models.test\/pkg\/: name that folder/,
    );
    server.publish("llama", SHARDS, "old/params");
    assert.match(
      (await failure(at("old/"))).message,
      /There is a package at https:\/\/models.test\/old\/params\/:/,
    );
    server.put(
      "models/",
      '<!doctype html><a href="../">..</a><a href="a/">a</a> <a href="./llama%20q4/">llama</a>',
    );
    server.publish("llama", SHARDS, "models/llama%20q4");
    assert.match(
      (await failure(at("models/"))).message,
      /There is a package at https:\/\/models.test\/models\/llama%20q4\/:/,
    );
    assert.match(
      (await failure(at("nowhere/"))).message,
      /No file of a package was found in https:\/\/models.test\/nowhere\/: check the address/,
    );
  });

  test("that a conversion left half-way", async () => {
    server.files.delete("pkg/tensor-cache.json");
    server.put(
      "pkg/mlc-chat-config.json",
      JSON.stringify({ model_type: "llama", model_config: {} }),
    );
    assert.match((await failure()).message, /did not come to its end/);
  });

  test("costs a load that works no request", async () => {
    await load();
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
    assert.deepEqual(server.requests.toSorted(), asked.toSorted());
  });
});

test("words of the host are handed on", async () => {
  for (const [status, body, headers, words] of [
    [
      401,
      "Invalid username or password.",
      {},
      /status 401: Invalid username or password\.\): the host wants a login/,
    ],
    [
      401,
      "",
      { "X-Error-Message": "Access to model a/b is restricted" },
      /Access to model a\/b is restricted/,
    ],
    [
      403,
      '<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code></Error>',
      {},
      /status 403: SignatureDoesNotMatch/,
    ],
    [404, '{"error":"Entry not found"}', {}, /status 404: Entry not found/],
    [500, HTML, {}, /status 500\): the host has trouble/],
  ] as const) {
    server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response(body, { status, headers }) : undefined;
    assert.match((await failure()).message, words);
  }
});
