/** Serves a folder, lists the requests that it got, and fails as a test wants it to. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** A page with nothing on it, for tests that bring their own script. */
export const BLANK = "blank";

export class TestServer {
  /** Paths that were asked for, without the leading slash. */
  requests = [];
  /** By path: what to make of a file's bytes, which are none where there is no such file. */
  damage = new Map();
  /** By path: a promise to wait for before the second half of the file is sent. */
  hold = new Map();
  /** Changes an answer (status, headers, body) before it is sent, as another kind of host would; one without a status is not sent. */
  host = () => {};
  #server;

  static async start(folder) {
    const server = new TestServer();
    server.#server = createServer((request, response) => void server.#answer(folder, request, response));
    await new Promise((done) => server.#server.listen(0, "localhost", done));
    server.url = `http://localhost:${server.#server.address().port}/`;
    return server;
  }

  /** Ends all connections; nothing answers at the URL any more. */
  async stop() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(folder, request, response) {
    const path = decodeURIComponent(new URL(request.url, this.url).pathname.slice(1)) || "index.html";
    this.requests.push(path);
    const file = path === BLANK ? Buffer.from("<!doctype html><title>blank</title>") : await readFile(join(folder, path)).catch(() => undefined);
    const damage = this.damage.get(path);
    const bytes = damage ? damage(file ?? Buffer.alloc(0)) : file;
    const type = path === BLANK ? "text/html" : (TYPES[extname(path)] ?? "application/octet-stream");
    const answer = {
      status: bytes ? 200 : 404,
      headers: { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", ...(bytes && { "Content-Type": type }) },
      body: bytes ?? Buffer.alloc(0),
    };
    await this.host(answer, path, request, response);
    const { status, headers, body } = answer;
    if (!status) return;
    response.writeHead(status, status === 404 ? headers : { "Content-Length": body.length, ...headers });
    if (!this.hold.has(path)) return response.end(body);
    response.write(body.subarray(0, body.length >> 1));
    await this.hold.get(path);
    response.end(body.subarray(body.length >> 1));
  }
}
