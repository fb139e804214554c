/** The page of `tegula serve` as it is sent: types, tags, policies, and who gets it. tests/browser/served.test.mjs uses it. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { raw, serve } from "./server.mjs";

describe("the page", () => {
  let server;
  before(async () => (server = await serve("--api-key", "secret")));
  after(() => server?.stop());

  /** The addresses that the page names. */
  async function named() {
    const text = await (await fetch(`${server.base}/`)).text();
    return [...text.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map(([, path]) => path);
  }

  it("is there without a key, with all that it names, each as what it is", async () => {
    const paths = await named();
    assert.ok(paths.includes("app/served.js") && paths.includes("app/demo.css") && paths.includes("icon.svg"), `${paths}`);
    const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml", "": "text/html; charset=utf-8" };
    for (const path of ["", ...paths]) {
      const response = await fetch(`${server.base}/${path}`);
      assert.equal(response.status, 200, path);
      assert.equal(response.headers.get("content-type"), types[path.split(".").at(path ? -1 : 0)], path);
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.ok((await response.arrayBuffer()).byteLength > 0);
    }
    const font = await fetch(`${server.base}/app/katex/fonts/KaTeX_Main-Regular.woff2`);
    assert.equal(font.headers.get("content-type"), "font/woff2");
    assert.equal((await fetch(`${server.base}/.gitignore`)).status, 404);
    assert.equal((await fetch(`${server.base}/v1/models`)).status, 401);
  });

  it("is asked for anew each time, and sent where it has changed", async () => {
    const first = await fetch(`${server.base}/`);
    const tag = first.headers.get("etag");
    assert.equal(first.headers.get("cache-control"), "no-cache");
    const ask = (tag, method = "GET") => fetch(`${server.base}/`, { method, headers: { "if-none-match": tag } });
    const same = await ask(tag);
    assert.deepEqual([same.status, same.headers.get("etag"), await same.text()], [304, tag, ""]);
    assert.equal((await ask('"another build"')).status, 200);
    const head = await fetch(`${server.base}/`, { method: "HEAD" });
    const length = String((await first.arrayBuffer()).byteLength);
    assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, length, ""]);
    assert.equal((await fetch(`${server.base}/`, { method: "POST" })).status, 405);
  });

  it("runs its own scripts only, reaches its server only, and is in no frame", async () => {
    const response = await fetch(`${server.base}/`);
    const policy = new Map(response.headers.get("content-security-policy").split("; ").map((part) => [part.split(" ")[0], part]));
    assert.equal(policy.get("default-src"), "default-src 'none'");
    assert.equal(policy.get("script-src"), "script-src 'self'");
    assert.equal(policy.get("connect-src"), "connect-src 'self'");
    assert.equal(policy.get("frame-ancestors"), "frame-ancestors 'none'");
    assert.doesNotMatch(await response.text(), /<script(?![^>]* src=)/);
  });
});

it("a page whose name was made to point here is sent nothing, and --no-page sends nobody anything", async () => {
  const server = await serve();
  assert.equal(await raw(server.base, "/", { host: "evil.example" }), 403);
  assert.equal(await raw(server.base, "/", { host: "localhost:1" }), 200);
  assert.equal(await server.stop(), 0);
  const without = await serve("--no-page");
  assert.equal((await fetch(`${without.base}/`)).status, 404);
  assert.equal((await fetch(`${without.base}/app/served.js`)).status, 404);
  assert.equal((await fetch(`${without.base}/v1/models`)).status, 200);
  assert.equal(await without.stop(), 0);
});
