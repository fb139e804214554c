/**
 * `tegula bench` in a browser: serves the WebAssembly module of the last web build and a model library, opens `page.html` in headless Chrome,
 * and prints the figures that it posts, a line of JSON each.
 *
 *   node bench/browser.mjs LIBRARY.wasm… [--pkg FOLDER] [--prompt 512] [--decode 128] [--repetitions 3] [--baseline] [--timeout 300]
 *
 * CHROME is the browser to start, CHROME_FLAGS what it is started with besides. An NVIDIA GPU under Linux needs
 *   --enable-features=Vulkan --use-vulkan=native --disable-vulkan-surface --use-angle=vulkan --ignore-gpu-blocklist
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const text = (value) => ({ type: "string", default: value });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pkg: text(join(here, "..", "pkg")),
    prompt: text("512"),
    decode: text("128"),
    repetitions: text("3"),
    timeout: text("300"),
    baseline: { type: "boolean", default: false },
  },
});
if (positionals.length === 0) {
  console.error("usage: node bench/browser.mjs LIBRARY.wasm… [--pkg FOLDER] [--prompt N] [--decode N] [--repetitions N] [--baseline]");
  process.exit(2);
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const libraries = new Map(positionals.map((path) => [basename(path), path]));
let post = () => {};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (request.method === "POST") {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end();
    return post(JSON.parse(Buffer.concat(parts).toString()));
  }
  const [, folder, ...rest] = pathname.split("/");
  const file = folder === "pkg" ? join(values.pkg, ...rest) : folder === "library" ? libraries.get(rest[0]) : join(here, "page.html");
  try {
    // Isolated pages get clocks of 5 microseconds instead of 100.
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin").setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream").end(readFileSync(file));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { port } = server.address();

let failed = false;
for (const library of libraries.keys()) {
  const profile = mkdtempSync(join(tmpdir(), "tegula-bench-"));
  const query = new URLSearchParams({ library, prompt: values.prompt, decode: values.decode, repetitions: values.repetitions });
  if (values.baseline) query.set("baseline", "");
  const flags = (process.env.CHROME_FLAGS ?? "").split(" ").filter(Boolean);
  const browser = spawn(
    process.env.CHROME ?? "chromium",
    ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--enable-unsafe-webgpu", `--user-data-dir=${profile}`, ...flags, `http://127.0.0.1:${port}/?${query}`],
    // A process group of its own, so that none of the browser's processes outlives it.
    { stdio: "ignore", detached: true },
  );
  const result = await new Promise((done) => {
    post = done;
    browser.on("error", (error) => done({ error: `the browser did not start: ${error.message}` }));
    browser.on("exit", (code) => done({ error: `the browser ended with ${code}` }));
    setTimeout(() => done({ error: `no result after ${values.timeout} s` }), Number(values.timeout) * 1000).unref();
  });
  console.log(JSON.stringify({ library, ...result }));
  failed ||= "error" in result;
  if (browser.pid !== undefined && browser.exitCode === null) {
    const ended = once(browser, "exit");
    process.kill(-browser.pid, "SIGKILL");
    await ended;
  }
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  } catch {
    // Killed processes may still hold files for a moment; the system clears its folder for temporary files.
  }
}
server.close();
process.exit(failed ? 1 : 0);
