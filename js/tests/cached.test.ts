/** The cache: how it heals, under which addresses it finds files, and what is deleted. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { deleteModelInCache, hasModelInCache } from "../load/models.js";
import { InvalidRequestError } from "../api/errors.js";
import type { LoadOptions } from "../api/backend.js";
import { libraryOf } from "./fake-server.js";
import { HTML, Loading, MODEL, SHARDS, TEMPLATE, withCache } from "./loading.js";

let at: Loading;

beforeEach(async () => void (at = await Loading.start()));

describe("the cache", () => {
  test("that holds pages in the place of files heals at the next load", async () => {
    at.server.put("pkg/tokenizer_config.json", "{}");
    at.server.put("pkg/chat_template.jinja", TEMPLATE);
    for (const name of [
      "chat_template.jinja",
      "tokenizer_config.json",
      "tokenizer.json",
      "mlc-chat-config.json",
      "tensor-cache.json",
      "library.wasm",
      "params_shard_0.bin",
    ]) {
      await at.load();
      await withCache((cache) => cache.put(MODEL + name, new Blob([HTML], { type: "text/html" })));
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, TEMPLATE, name);
      at.server.offline = true;
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, TEMPLATE, name);
      at.server.offline = false;
    }
  });

  test("of an earlier version that knows a file to be absent asks again", async () => {
    await at.load();
    await withCache(async ({ database }) => {
      const store = database.transaction("files", "readwrite").objectStore("files");
      store.put({ url: `${MODEL}tokenizer_config.json`, data: null });
      await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    });
    at.server.put("pkg/tokenizer_config.json", JSON.stringify({ chat_template: TEMPLATE }));
    await at.load();
    assert.match(at.wasm.files!.tokenizerConfig!, /messages/);
  });

  test("that knows a file to be absent knows it for an hour", async () => {
    await at.load();
    at.server.put("pkg/chat_template.jinja", TEMPLATE);
    const { now } = Date;
    try {
      Date.now = () => now() + 59 * 60_000;
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, undefined);
      Date.now = () => now() + 61 * 60_000;
      await at.load();
      assert.equal(at.wasm.files!.chatTemplate, TEMPLATE);
    } finally {
      Date.now = now;
    }
  });

  test("is one for all signatures of an address", async () => {
    const signed = (signature: string): Partial<LoadOptions> => {
      const query = `?sig=${signature}&exp=1`;
      return { model: MODEL + query, library: `${MODEL}library.wasm${query}` };
    };
    await at.load(signed("a"));
    assert.ok(
      at.server.urls.length >= 7 && at.server.urls.every((url) => url.endsWith("?sig=a&exp=1")),
      String(at.server.urls),
    );
    at.server.urls = [];
    await at.load(signed("b"));
    assert.ok(at.server.urls.every((url) => !url.includes("shard") && url.endsWith("?sig=b&exp=1")));
    assert.equal(await hasModelInCache(`${MODEL}?sig=c&exp=2`), true);
    assert.equal(await hasModelInCache(`${MODEL}?model=other&sig=c`), false);
  });

  test("has a model when it would load without a download", async () => {
    const other = "https://models.test/other/";
    await at.load();
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
      await at.load();
    }
    await withCache((cache) => cache.put(`${MODEL}library.wasm`, new Blob([HTML])));
    assert.equal(await hasModelInCache(MODEL), false, "a page is no library");
  });

  test("knows where a model's folder ends", async () => {
    const from = (folder: string): Partial<LoadOptions> => ({
      model: `https://models.test/${folder}/`,
      library: `https://models.test/${folder}/library.wasm`,
    });
    const folders = ["Llama-1B", "Llama-1B-Instruct", "Llama-1B/small"];
    for (const folder of folders) {
      at.server.publish(folder, SHARDS, folder);
      await at.load(from(folder));
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
    at.server.put("lib/shared.wasm", libraryOf("llama"));
    at.server.publish("llama", SHARDS, "two");
    at.server.files.delete("pkg/library.wasm");
    const two = "https://models.test/two/";
    await at.load({ library });
    await at.load({ model: two, library });
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
