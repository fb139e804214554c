/**
 * Opens a page in headless Chrome and hands over what it posts.
 *
 * CHROME is the browser to start, CHROME_FLAGS what it is started with besides. An NVIDIA GPU under Linux needs
 *   --enable-features=Vulkan --use-vulkan=native --disable-vulkan-surface --use-angle=vulkan --ignore-gpu-blocklist
 * and its f16, which Chrome leaves out there,
 *   --enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis
 * Chrome under Linux gives an adapter only with --enable-unsafe-webgpu. That flag also switches on experiments, such as matrix units, that
 * browsers elsewhere do not have. hideMatrixUnits in adapter.mjs hides them.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };
const PLACES = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const QUIET = ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--enable-unsafe-webgpu"];

/**
 * Serves `folders` (paths by the first part of an address) and opens `address` of them, until the page posts `{done: true}`. Whatever else it
 * posts goes to `onMessage`. An `error` that it posts, silence for `timeout` seconds or a browser that ends are thrown.
 */
export async function openPage({ folders, address, timeout, onMessage }) {
  const ends = ending();
  const server = createServer((request, response) => answer(request, response, folders, (message) => {
    if (message.error !== undefined) ends.reject(new Error(message.error));
    else if (message.done) ends.resolve();
    else onMessage(message);
  }));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const profile = mkdtempSync(join(tmpdir(), "tegula-bench-"));
  const flags = (process.env.CHROME_FLAGS ?? "").split(" ").filter(Boolean);
  const page = `http://127.0.0.1:${server.address().port}${address}`;
  // A process group of its own, so that none of the browser's processes outlives it.
  const browser = spawn(chrome(), [...QUIET, `--user-data-dir=${profile}`, ...flags, page], { stdio: ["ignore", "ignore", process.env.CHROME_LOG ? "inherit" : "ignore"], detached: true });
  browser.on("error", (error) => ends.reject(new Error(`the browser did not start: ${error.message}`)));
  browser.on("exit", (code) => ends.reject(new Error(`the browser ended with ${code}`)));
  const late = setTimeout(() => ends.reject(new Error(`no result after ${timeout} s`)), timeout * 1000);
  try {
    await ends.promise;
  } finally {
    clearTimeout(late);
    if (browser.pid !== undefined && browser.exitCode === null) {
      const ended = once(browser, "exit");
      process.kill(-browser.pid, "SIGKILL");
      await ended;
    }
    server.closeAllConnections();
    server.close();
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // Killed processes may still hold files for a moment; the system clears its folder for temporary files.
    }
  }
}

/** The browser's program. */
function chrome() {
  if (process.env.CHROME) return process.env.CHROME;
  return PLACES.find((place) => statSync(place, { throwIfNoEntry: false })) ?? "chromium";
}

async function answer(request, response, folders, post) {
  if (request.method === "POST") {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end();
    return post(JSON.parse(Buffer.concat(parts).toString()));
  }
  const [, first, ...rest] = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname)).split("/");
  const file = folders[first] && join(folders[first], ...rest);
  const found = file && statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return response.writeHead(404).end();
  // Isolated pages get clocks of 5 microseconds instead of 100, and threads.
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin").setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream").setHeader("Content-Length", found.size);
  createReadStream(file).on("error", () => response.destroy()).pipe(response);
}

/** A promise and its two ends. */
function ending() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
