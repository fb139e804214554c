#!/usr/bin/env node
// Serves a folder on this machine: `node scripts/serve.mjs FOLDER [PORT]`. Enough for the demo (types, ranges, no caching of stale builds),
// and not meant for the open network: it listens on the loopback interface only.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** The file that a request means, or nothing if there is none inside the folder. */
async function find(root, url) {
  const path = resolve(join(root, decodeURIComponent(new URL(url, "http://localhost").pathname)));
  if (path !== root && !path.startsWith(root + sep)) return undefined;
  for (const file of [path, join(path, "index.html")]) {
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile()) return { file, size: stats.size, tag: `"${stats.size.toString(36)}-${stats.mtimeMs.toString(36)}"` };
  }
  return undefined;
}

/** First and last byte of `Range: bytes=…`; nothing without the header, `null` if it cannot be met. */
function range(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end ? { start, end } : null;
}

async function answer(root, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") return response.writeHead(405, { allow: "GET, HEAD" }).end();
  const found = await find(root, request.url);
  if (!found) return response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
  // Nothing is taken from a cache unasked, and nothing that did not change is sent again.
  const kept = { "cache-control": "no-cache", etag: found.tag };
  if (request.headers["if-none-match"] === found.tag) return response.writeHead(304, kept).end();
  const part = range(request.headers.range, found.size);
  if (part === null) return response.writeHead(416, { "content-range": `bytes */${found.size}` }).end();
  const { start, end } = part ?? { start: 0, end: found.size - 1 };
  response.writeHead(part ? 206 : 200, {
    ...kept,
    "accept-ranges": "bytes",
    "content-length": end - start + 1,
    "content-type": TYPES[extname(found.file)] ?? "application/octet-stream",
    ...(part && { "content-range": `bytes ${start}-${end}/${found.size}` }),
  });
  if (request.method === "HEAD" || found.size === 0) return response.end();
  await pipeline(createReadStream(found.file, { start, end }), response);
}

const [folder, port = "8080"] = process.argv.slice(2);
if (!folder) {
  console.error("usage: serve.mjs FOLDER [PORT]");
  process.exit(2);
}
const server = createServer((request, response) => {
  answer(resolve(folder), request, response).catch(() => {
    // The client went away, or asked for nonsense.
    if (response.headersSent) response.destroy();
    else response.writeHead(400).end();
  });
});
server.on("error", (error) => {
  const taken = error.code === "EADDRINUSE";
  console.error(taken ? `Port ${port} is taken; choose another: PORT=8081 npm start` : error.message);
  process.exit(1);
});
server.listen(Number(port), "localhost", () => console.log(`The chat demo is at http://localhost:${server.address().port}/ (Ctrl-C ends it)`));
