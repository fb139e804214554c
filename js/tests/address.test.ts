/**
 * Addresses: what people may give, where the files of a model are then, and under which keys they
 * are cached.
 */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { cacheKey, fileAt, modelAddress } from "../load/address.js";
import { InvalidRequestError } from "../api/errors.js";

function pageAt(href: string | undefined): void {
  Object.defineProperty(globalThis, "location", { value: href && { href }, configurable: true });
  if (href === undefined) delete (globalThis as { location?: unknown }).location;
}

afterEach(() => pageAt(undefined));

test("an address means the folder that holds the files", () => {
  pageAt("https://app.example/chat/");
  const hub = "https://huggingface.co/a/b/resolve";
  for (const [given, folder] of [
    ["../models/m", "https://app.example/models/m/"],
    ["m/", "https://app.example/chat/m/"],
    [new URL("https://host.example/m#part"), "https://host.example/m/"],
    [" https://host.example/m ", "https://host.example/m/"],
    ["https://host.example/m?sig=1", "https://host.example/m/?sig=1"],
    ["https://host.example", "https://host.example/"],
    ["https://host.example/Llama-3.2-1B", "https://host.example/Llama-3.2-1B/"],
    ["https://host.example/m/mlc-chat-config.json?sig=1", "https://host.example/m/?sig=1"],
    ["https://host.example/m/tensor-cache.json", "https://host.example/m/"],
    ["https://host.example/m/params_shard_12.bin", "https://host.example/m/"],
    ["https://host.example/m/library.wasm", "https://host.example/m/"],
    ["https://host.example/m/index.html", "https://host.example/m/"],
    ["https://huggingface.co/a/b", `${hub}/main/`],
    ["https://huggingface.co/a/b/", `${hub}/main/`],
    ["https://huggingface.co/a/b?download=true", `${hub}/main/?download=true`],
    ["huggingface.co/a/b", `${hub}/main/`],
    ["https://hf.co/a/b", `${hub}/main/`],
    ["https://huggingface.co/a/b/tree/main", `${hub}/main/`],
    ["https://huggingface.co/a/b/tree/v2/q4", `${hub}/v2/q4/`],
    ["https://huggingface.co/a/b/blob/main/mlc-chat-config.json", `${hub}/main/`],
    ["https://huggingface.co/a/b/raw/main", `${hub}/main/`],
    ["https://huggingface.co/a/b/resolve/main", `${hub}/main/`],
    ["https://huggingface.co/a/b/resolve/main/", `${hub}/main/`],
    [
      "https://huggingface.co/datasets/a/b/tree/main/m",
      "https://huggingface.co/datasets/a/b/resolve/main/m/",
    ],
    ["https://hf-mirror.com/a/b", "https://hf-mirror.com/a/b/resolve/main/"],
    [
      "https://github.com/a/b/tree/main/models/m",
      "https://raw.githubusercontent.com/a/b/main/models/m/",
    ],
    [
      "https://github.com/a/b/blob/main/m/tensor-cache.json",
      "https://raw.githubusercontent.com/a/b/main/m/",
    ],
    ["https://github.com/a/b", "https://raw.githubusercontent.com/a/b/HEAD/"],
    ["chrome-extension://abc/m", "chrome-extension://abc/m/"],
  ] as const) {
    assert.equal(modelAddress(given).model, folder, String(given));
  }
  assert.equal(modelAddress("m?sig=1").library, "https://app.example/chat/m/library.wasm?sig=1");
  assert.equal(
    modelAddress("m?sig=1", "../lib.wasm?v=2").library,
    "https://app.example/lib.wasm?v=2",
  );
});

test("what is no address of a folder is refused with what to do", () => {
  pageAt("https://app.example/chat/");
  for (const [given, words] of [
    ["", /model must be an address .* not an empty string/],
    [7, /not 7/],
    [undefined, /not undefined/],
    [null, /not null/],
    [["m"], /not an array/],
    [{ url: "m" }, /not an object/],
    ["https://", /cannot be "https:\/\/": it is no URL/],
    ["C:\\models\\x", /serve the folder over HTTP/],
    ["data:text/plain,x", /data: addresses cannot be/],
    ["https://host.example/model.gguf", /tegula convert/],
    ["https://huggingface.co/a/b/blob/main/model-00001-of-00002.safetensors", /tegula convert/],
    ["https://host.example/q4-webgpu.wasm", /option library/],
    ["https://github.com/a/b/releases/tag/v1", /no folder of a repository/],
    ["https://me:secret@host.example/m", /password/],
  ] as [unknown, RegExp][]) {
    const named = (error: unknown): boolean =>
      error instanceof InvalidRequestError && error.field === "model" && words.test(error.message);
    assert.throws(() => modelAddress(given), named, String(given));
  }
  assert.throws(
    () => modelAddress("m", 7),
    (error) => error instanceof InvalidRequestError && error.field === "library",
  );
});

test("where nothing can be relative to the page a relative address is refused", () => {
  pageAt("blob:https://app.example/1234");
  assert.throws(
    () => modelAddress("models/m"),
    /"models\/m": it is relative, and there is no page/,
  );
  assert.equal(modelAddress("https://host.example/m").model, "https://host.example/m/");
});

test("in Node what is no address is a path", () => {
  pageAt(undefined);
  const here = pathToFileURL(process.cwd()).href;
  for (const [path, model] of [
    ["models/m", `${here}/models/m/`],
    ["./models/a b/", `${here}/models/a%20b/`],
    ["/models/m#1", "file:///models/m%231/"],
    ["file:///models/m", "file:///models/m/"],
    ["huggingface.co/a/b", "https://huggingface.co/a/b/resolve/main/"],
    ["https://host.example/m", "https://host.example/m/"],
  ] as const) {
    assert.equal(modelAddress(path).model, model);
  }
});

test("files keep the query of their folder, stay in it, and are named as they are written", () => {
  assert.equal(
    fileAt("https://host.example/m/?sig=a%2Fb&exp=1", "tensor-cache.json"),
    "https://host.example/m/tensor-cache.json?sig=a%2Fb&exp=1",
  );
  assert.equal(
    fileAt("https://host.example/m/", "part 1/shard#0?.bin"),
    "https://host.example/m/part%201/shard%230%3F.bin",
  );
  assert.equal(
    fileAt("https://host.example/m/", "//evil.example/x"),
    "https://host.example/m/evil.example/x",
  );
  assert.equal(
    fileAt("https://host.example/m/", "https://evil.example/x"),
    "https://host.example/m/https%3A/evil.example/x",
  );
});

test("keys of the cache are without signatures, and tell models apart by everything else", () => {
  const file = "https://host.example/m/a.bin";
  for (const query of [
    "sig=abc&exp=1",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2F20260101&X-Amz-Date=1&X-Amz-Expires=9&" +
      "X-Amz-SignedHeaders=host&X-Amz-Signature=f&x-id=GetObject",
    "X-Goog-Signature=1&X-Goog-Date=2",
    "Expires=1&Signature=2&Key-Pair-Id=3&Policy=4",
    "sv=2024&se=2026-01-01T00%3A00Z&sr=c&sp=r&sig=a%2Bb",
    "download=true",
    "token=1",
  ]) {
    assert.equal(cacheKey(`${file}?${query}#part`), file, query);
  }
  assert.equal(cacheKey(`${file}?model=a&sig=1`), `${file}?model=a`);
  assert.equal(cacheKey(`${file}?v=2`), `${file}?v=2`);
  assert.equal(
    cacheKey(`${file}?sp=7&a=b%20c`),
    `${file}?sp=7&a=b%20c`,
    "no signature, nothing of Azure's",
  );
  assert.equal(cacheKey(`${file}?`), file);
});
