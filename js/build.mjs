/**
 * Builds `dist/` (the npm package) and `target/www/` (the demo, a site of static files that uses the npm package and nothing else;
 * www/build.mjs).
 *
 *   node js/build.mjs            everything, optimised
 *   node js/build.mjs --dev      the WebAssembly module without optimisation: much quicker to build, slower to run
 *   node js/build.mjs --no-wasm  only TypeScript and the demo, around the module in `pkg/`
 */

import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...path) => join(root, ...path);
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (flag !== "--dev" && flag !== "--no-wasm") fail(`unknown flag ${flag}`);
}

if (!flags.has("--no-wasm")) {
  const profile = flags.has("--dev") ? ["--dev"] : ["--profile", "web"];
  run("wasm-pack", ["build", ".", "--target", "web", "--out-dir", "pkg", "--no-pack", "--mode", "no-install", ...profile]);
}

rmSync(at("dist"), { recursive: true, force: true });
const shared = { bundle: true, format: "esm", target: "es2022", minify: true, legalComments: "linked", logLevel: "warning" };
// wasm-bindgen lists a JavaScript snippet twice when two of its functions are imported at different places.
const glue = { logOverride: { "duplicate-object-key": "silent" } };
await build({
  ...shared,
  ...glue,
  entryPoints: ["index", "worker", "runtime"].map((name) => at("js", `${name}.ts`)),
  outdir: at("dist"),
  // What the entries share is in a file of its own, so that a page which uses a worker does not load the runtime's glue twice.
  splitting: true,
  chunkNames: "shared-[hash]",
});
cpSync(at("pkg", "tegula_bg.wasm"), at("dist", "tegula_bg.wasm"));
run("tsc", ["-p", "tsconfig.types.json"]);

await import("../www/build.mjs");

for (const name of readdirSync(at("dist")).sort()) {
  if (!/\.(js|wasm)$/.test(name)) continue;
  const packed = gzipSync(readFileSync(at("dist", name)), { level: 9 }).length;
  console.log(`dist/${name.padEnd(24)} ${kib(statSync(at("dist", name)).size)} (gzip ${kib(packed)})`);
}

/** Runs a program with the npm packages' binaries first on PATH: a distribution's older wasm-opt breaks the module. */
function run(program, args) {
  const env = { ...process.env, PATH: at("node_modules", ".bin") + delimiter + process.env.PATH };
  const { status, error } = spawnSync(program, args, { cwd: root, env, stdio: "inherit" });
  if (error) fail(`${program} could not be started: ${error.message}; run scripts/setup, which installs it`);
  if (status !== 0) fail(`${program} ${args.join(" ")} failed`);
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`.padStart(11);
}

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}
