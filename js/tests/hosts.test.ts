/** Hosts of all kinds: how they answer for a file that is not there, and hosts in trouble. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { hasModelInCache } from "../load/models.js";
import { NetworkError } from "../api/errors.js";
import { PATIENCE } from "../load/http.js";
import { type Host } from "./fake-server.js";
import { HTML, Loading, MODEL, SHARDS, TEMPLATE, missing } from "./loading.js";

let at: Loading;

beforeEach(async () => void (at = await Loading.start()));

const html = (body = HTML): Response =>
  new Response(body, { headers: { "Content-Type": "text/html" } });

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
  "an API's error with status 200": [() => new Response('{"error": "Entry not found"}'), false],
  nothing: [() => new Response(""), false],
};

describe("an optional file that is not there", () => {
  for (const [name, [answer, plain]] of Object.entries(ABSENT)) {
    test(`is absent if the host answers: ${name}`, async () => {
      at.server.host = missing(answer);
      at.server.files.delete("pkg/tokenizer.json");
      at.server.files.delete("pkg/mlc-chat-config.json");
      at.server.put("pkg/library.wasm", "\0asmundefined");
      await at.load();
      assert.deepEqual(at.wasm.files, {
        config: undefined,
        manifest: at.wasm.files!.manifest,
        tokenizer: undefined,
        tokenizerConfig: undefined,
        chatTemplate: undefined,
      });
      assert.equal(at.warnings.length, plain ? 0 : 1, String(at.warnings));
      if (!plain)
        for (const file of [
          "mlc-chat-config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
        ])
          assert.ok(at.warnings[0]!.includes(file));
      at.server.publish("llama", SHARDS);
      at.server.put("pkg/tokenizer_config.json", "{}");
      at.server.put("pkg/chat_template.jinja", TEMPLATE);
      // The library is another one now, so that what was absent is asked for again.
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, TEMPLATE);
      assert.equal(at.wasm.files!.tokenizer, "{}");
      at.server.offline = true;
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, TEMPLATE, "what was found is kept");
    });
  }

  test("does not keep a cached model from loading offline", async () => {
    at.server.host = missing(() => new Response("", { status: 403 }));
    await at.load();
    at.server.offline = true;
    await at.load();
    assert.equal(at.wasm.files!.chatTemplate, undefined);
  });

  test("is asked for only where the tokenizer's config has no template", async () => {
    for (const [config, asked] of [
      [{ chat_template: TEMPLATE }, false],
      [{ chat_template: [{ name: "default", template: TEMPLATE }] }, false],
      [{ chat_template: null }, true],
      [{}, true],
    ] as const) {
      at.server.requests = [];
      at.server.put("pkg/tokenizer_config.json", JSON.stringify(config));
      await at.load({ cache: "none" });
      assert.equal(
        at.server.requests.includes("pkg/chat_template.jinja"),
        asked,
        JSON.stringify(config),
      );
    }
  });
});

describe("a host in trouble", () => {
  for (const status of [408, 429, 500, 503]) {
    test(`fails a load for an optional file, too (${status})`, async () => {
      at.server.host = ({ path }) =>
        path.endsWith("tokenizer_config.json") ? new Response("", { status }) : undefined;
      const error = await at.failure();
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
      at.server.host = ({ path }) =>
        path.endsWith("shard_1.bin") && times-- > 0 ? new Response("", { status }) : undefined;
      await at.load();
      assert.deepEqual(at.server.pauses, [300, 1000]);
    });
  }

  test("is asked a bounded number of times", async () => {
    at.server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response("", { status: 503 }) : undefined;
    const error = await at.failure();
    assert.ok(error instanceof NetworkError && error.status === 503);
    assert.equal(at.server.requests.filter((path) => path.endsWith("library.wasm")).length, 4);
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
    at.server.host = limited("7");
    await at.load({ cache: "none" });
    assert.deepEqual(at.server.pauses, [7000]);
    at.server.host = limited("3600");
    assert.match((await at.failure({ cache: "none" })).message, /status 429.*asked too often/);
    at.server.host = limited("soon");
    await at.load({ cache: "none" });
    assert.deepEqual(at.server.pauses, [7000, 300]);
  });

  test("is not asked again what it has plainly refused", async () => {
    at.server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response("", { status: 403 }) : undefined;
    await at.failure();
    assert.equal(at.server.requests.filter((path) => path.endsWith("library.wasm")).length, 1);
    assert.deepEqual(at.server.pauses, []);
  });

  test("a request that fails once is made again, and an abort ends the waiting", async () => {
    let first = true;
    at.server.host = ({ path }) => {
      if (!first || !path.endsWith("library.wasm")) return undefined;
      first = false;
      return new TypeError("fetch failed");
    };
    await at.load({ cache: "none" });
    at.server.offline = true;
    const abort = new AbortController();
    PATIENCE.wait = (_, signal) => {
      abort.abort(new Error("enough"));
      return Promise.reject(signal.reason as Error);
    };
    await assert.rejects(at.load({ cache: "none" }, { signal: abort.signal }), /enough/);
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
    at.server.host = ({ path }) =>
      path.endsWith("library.wasm") ? new Response(body, { status, headers }) : undefined;
    assert.match((await at.failure()).message, words);
  }
});
