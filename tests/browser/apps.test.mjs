/**
 * The npm package in real apps: each bundler with nothing configured, plain pages, service workers, an extension, Node and Deno. Each app
 * loads the embedded model and asks what 7 x 12 is,
 * once for any answer and once for a number.
 */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { app, exported, installApps, makeModel, run, site, tool } from "./apps.mjs";
import { launch, launchWithExtension } from "./chromium.mjs";
import { ROOT } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let model;
const folders = [];

before(async () => {
  installApps();
  model = makeModel();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const folder of [model, ...folders]) rmSync(folder, { recursive: true, force: true });
});

/** A site of a built app, which is removed in the end. */
function makeSite(...args) {
  const folder = site(...args);
  folders.push(folder);
  return folder;
}

/** Opens a page, and gives what it has to say. Fails on errors that the page does not handle. */
async function outcome(url) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(url);
    await page.waitForFunction(() => /^(answer|error):/.test(document.title), undefined, { timeout: 120_000 });
    assert.deepEqual(errors, []);
    return await page.title();
  } finally {
    await context.close();
  }
}

/** Serves a site and opens it. `headers` go with every file. */
async function open(folder, path = "", headers = {}) {
  const server = await TestServer.start(folder);
  server.host = (answer) => Object.assign(answer.headers, headers);
  try {
    return await outcome(server.url + path);
  } finally {
    await server.stop();
  }
}

async function buildWithVite(name, options = {}) {
  const { build } = await tool("vite");
  const outDir = app("out", name);
  await build({ root: app("vite"), logLevel: "error", build: { outDir, emptyOutDir: true }, ...options });
  return outDir;
}

/** The answer as the model likes to say it, and as a number only. */
const ANSWERS = /^answer: .*\b84\b.* \(\d{1,4}\)$/;

/** Scripts of the page's origin only, and WebAssembly. */
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

test("TypeScript, strict, with the package's types alone", () => {
  run(process.execPath, [join(ROOT, "node_modules", "typescript", "lib", "tsc.js"), "-p", app("types")], app());
});

test("a page without a bundler", async () => {
  assert.match(await open(makeSite(app("plain"), model, "tegula", "ask.js")), ANSWERS);
});

test("a page that imports the package from another origin", async () => {
  const cdn = await TestServer.start(makeSite(app("plain"), model, "tegula"));
  try {
    const folder = makeSite(app("elsewhere"), model, "ask.js");
    assert.match(await open(folder, `?package=${encodeURIComponent(`${cdn.url}tegula/`)}`), ANSWERS);
  } finally {
    await cdn.stop();
  }
});

test("what a host lacks or a policy forbids is named, with what to do", async () => {
  const html = { status: 200, body: Buffer.from("<!doctype html><title>home</title>") };
  const page = (policy) => ({ "Content-Security-Policy": `default-src 'self'; script-src 'self' 'unsafe-inline' ${policy}` });
  const cases = [
    [page(""), {}, /ContentSecurityPolicyError: .*'wasm-unsafe-eval'.* script-src/],
    [page("'wasm-unsafe-eval'; worker-src 'none'"), {}, /ContentSecurityPolicyError: .*worker\.js.* worker-src/],
    [{}, { "tegula/worker.js": { status: 404 } }, /NetworkError: .*tegula\/worker\.js.*404.* option `worker`/],
    [{}, { "tegula/worker.js": { ...html, headers: { "Content-Type": "text/html" } } }, /NetworkError: .*worker\.js.*text\/html.* option `worker`/],
    [{}, { "tegula/tegula.wasm": { status: 404 } }, /NetworkError: .*tegula\.wasm.*404.* option `wasm`/],
    [{}, { "tegula/tegula.wasm": { ...html, headers: { "Content-Type": "text/html" } } }, /NetworkError: .*tegula\.wasm.*an HTML page.* option `wasm`/],
    [{}, { "tegula/tegula.wasm": html }, /NetworkError: .*tegula\.wasm.* option `wasm`/],
    [{}, { "tegula/tegula-grammar.wasm": { status: 404 } }, /NetworkError: .*tegula-grammar\.wasm.*404.* option `grammar`/],
  ];
  const server = await TestServer.start(makeSite(app("plain"), model, "tegula", "ask.js"));
  try {
    for (const [headers, answers, expected] of cases) {
      server.host = (answer, path) => {
        Object.assign(answer.headers, headers);
        const { headers: own, ...other } = answers[path] ?? {};
        Object.assign(answer, other);
        Object.assign(answer.headers, own);
      };
      assert.match(await outcome(server.url), expected);
    }
  } finally {
    await server.stop();
  }
});

test("Vite: build and preview", async () => {
  const outDir = await buildWithVite("vite");
  cpSync(model, join(outDir, "models", "tegula-tiny"), { recursive: true });
  const { preview } = await tool("vite");
  const server = await preview({ root: app("vite"), logLevel: "error", build: { outDir }, preview: { port: 0, host: "localhost" } });
  try {
    assert.match(await outcome(server.resolvedUrls.local[0]), ANSWERS);
  } finally {
    await server.close();
  }
});

test("Vite: below a path, under a Content-Security-Policy", async () => {
  const outDir = await buildWithVite("vite-below", { base: "/deep/path/" });
  const folder = mkdtempSync(join(tmpdir(), "tegula-below-"));
  folders.push(folder);
  cpSync(makeSite(outDir, model), join(folder, "deep", "path"), { recursive: true });
  assert.match(await open(folder, "deep/path/index.html", { "Content-Security-Policy": POLICY }), ANSWERS);
});

test("Vite: scripts on another origin than the page", async () => {
  const folder = makeSite(app("plain"), model);
  const cdn = await TestServer.start(folder);
  try {
    const outDir = await buildWithVite("vite-cdn", { base: cdn.url });
    cpSync(outDir, folder, { recursive: true });
    assert.match(await open(makeSite(outDir, model)), ANSWERS);
  } finally {
    await cdn.stop();
  }
});

test("Vite: the server for development", async () => {
  const { createServer } = await tool("vite");
  const models = await TestServer.start(makeSite(app("plain"), model));
  const server = await createServer({ root: app("vite"), logLevel: "error", server: { port: 0, host: "localhost" }, cacheDir: app("out", ".vite") });
  try {
    await server.listen();
    assert.match(await outcome(`${server.resolvedUrls.local[0]}?model=${encodeURIComponent(`${models.url}models/tegula-tiny/`)}`), ANSWERS);
  } finally {
    await server.close();
    await models.stop();
  }
});

test("Next.js: build", async () => {
  run(process.execPath, [app("node_modules", "next", "dist", "bin", "next"), "build"], app("next"), { NEXT_TELEMETRY_DISABLED: "1" });
  assert.match(await open(makeSite(app("next", "out"), model)), ANSWERS);
});

test("webpack", async () => {
  const { default: webpack } = await tool("webpack");
  const output = { path: app("out", "webpack") };
  const stats = await new Promise((done, fail) => {
    webpack({ mode: "production", context: app("webpack"), entry: "./main.js", output }, (error, stats) => (error ? fail(error) : done(stats)));
  });
  assert.equal(stats.hasErrors(), false, stats.toString("errors-only"));
  cpSync(app("webpack", "index.html"), join(output.path, "index.html"));
  assert.match(await open(makeSite(output.path, model)), ANSWERS);
});

test("esbuild, which copies neither worker nor modules", async () => {
  const { build } = await tool("esbuild");
  const outdir = app("out", "esbuild");
  // A script that is no module does not know its own address, so this is the harder of esbuild's formats.
  const warnings = { "empty-import-meta": "silent" };
  await build({ entryPoints: [app("esbuild", "main.js")], bundle: true, format: "iife", outdir, logLevel: "error", logOverride: warnings });
  cpSync(app("esbuild", "index.html"), join(outdir, "index.html"));
  cpSync(exported("worker"), join(outdir, "worker.js"));
  for (const name of ["tegula.wasm", "tegula-grammar.wasm"]) cpSync(exported(name), join(outdir, name));
  assert.match(await open(makeSite(outdir, model)), ANSWERS);
});

test("a service worker", async () => {
  assert.match(await open(makeSite(app("service-worker"), model, "tegula", "ask.js")), ANSWERS);
});

test("a shared worker", async () => {
  assert.match(await open(makeSite(app("shared-worker"), model, "tegula", "ask.js")), ANSWERS);
});

test("an extension's background", async () => {
  const context = await launchWithExtension(makeSite(app("extension"), model, "tegula", "ask.js"));
  try {
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    assert.match(await worker.evaluate(() => globalThis.outcome), ANSWERS);
  } finally {
    await context.close();
  }
});

/** SwiftShader as Vulkan's driver. */
const SWIFTSHADER = { VK_ICD_FILENAMES: process.env.SWIFTSHADER ?? "/usr/lib/chromium/vk_swiftshader_icd.json" };

test("Node, with the npm package webgpu: no global is changed, and bad input ends nothing", () => {
  const printed = run(process.execPath, [app("node", "main.mjs"), model], app("node"), SWIFTSHADER);
  const { text, number, errors, changed } = JSON.parse(printed);
  assert.match(text, /\b84\b/);
  assert.match(number, /^\d{1,4}$/);
  assert.deepEqual({ errors, changed }, { errors: ["ModelNotFoundError", "InvalidLibraryError"], changed: [] });
});

test("Node: whatever a GPU does, the engine rejects and the process lives", () => {
  const cases = [
    ["a property throws", "InternalError", /the driver is gone/],
    ["an unknown error", "DeviceError", /out of order/],
    ["a method throws", "InternalError", /no more buffers/],
    ["a promise rejects", "WebGPUNotAvailableError", /no device/],
  ];
  for (const [fault, expected, words] of cases) {
    const { name, message } = JSON.parse(run(process.execPath, [app("node", "faults.mjs"), model, fault], app("node"), SWIFTSHADER));
    assert.equal(name, expected, fault);
    assert.match(message, words);
  }
});

test("Deno, with its own WebGPU", () => {
  const program = app("node_modules", ".bin", "deno");
  const args = ["run", "--allow-all", "--unstable-webgpu", "--node-modules-dir=manual", app("deno", "main.mjs"), model];
  const printed = run(program, args, app("deno"), { ...SWIFTSHADER, DENO_NO_UPDATE_CHECK: "1" });
  assert.match(JSON.parse(printed).text, /\b84\b/);
});
