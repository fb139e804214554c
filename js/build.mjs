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
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...path) => join(root, ...path);
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (flag !== "--dev" && flag !== "--no-wasm") fail(`unknown flag ${flag}`);
}

if (!flags.has("--no-wasm")) {
  rmSync(at("pkg"), { recursive: true, force: true });
  for (const name of ["tegula", "tegula-grammar"]) compileModule(name, flags.has("--dev") ? "dev" : "web");
}

rmSync(at("dist"), { recursive: true, force: true });
const shared = { bundle: true, format: "esm", target: "es2022", minifyIdentifiers: true, minifySyntax: true, legalComments: "linked", logLevel: "warning" };
// White space of the package stays: traces then show a line and not a file, and apps are minified by their bundlers.
const entries = (...names) => names.map((name) => at("js", `${name}.ts`));
const library = {
  ...shared,
  outdir: at("dist"),
  sourcemap: true,
  // wasm-bindgen lists a JavaScript snippet twice when two of its functions are imported at different places.
  logOverride: { "duplicate-object-key": "silent" },
  plugins: [{ name: "glue", setup: (build) => build.onLoad({ filter: /[\\/]pkg[\\/].*\.js$/ }, glue) }],
};
// What a page loads; the runtime is a file of its own, since a page that has a worker does not need it.
await build({ ...library, entryPoints: entries("index", "runtime"), splitting: true, chunkNames: "shared-[hash]" });
// Whole files: a worker's is easy to copy beside a page, and a service worker must not import anything later.
await build({ ...library, entryPoints: entries("worker", "service-worker") });
cpSync(at("pkg", "tegula_bg.wasm"), at("dist", "tegula.wasm"));
cpSync(at("pkg", "tegula_grammar_bg.wasm"), at("dist", "tegula-grammar.wasm"));
run("cargo", ["run", "--quiet", "--package", "xtask", "--", "licences", at("dist", "LICENSES.txt")]);
run("tsc", ["-p", "tsconfig.types.json"]);

await import("../www/build.mjs");

for (const name of readdirSync(at("dist")).sort()) {
  if (!/\.(js|wasm)$/.test(name)) continue;
  const packed = gzipSync(readFileSync(at("dist", name)), { level: 9 }).length;
  console.log(`dist/${name.padEnd(24)} ${kib(statSync(at("dist", name)).size)} (gzip ${kib(packed)})`);
}

/**
 * The generated glue, as the package holds it: its globals are those of js/wasm/host.ts, and it has no address of the module of its own, which
 * bundlers would follow. Fails where the glue is not as expected.
 */
function glue({ path }) {
  let text = readFileSync(path, "utf8");
  const replace = (from, to) => {
    if (text.split(from).length !== 2) fail(`${path} does not hold \`${from}\` once: this release of wasm-bindgen writes other glue`);
    text = text.replace(from, to);
  };
  const module = /^(tegula|tegula_grammar)\.js$/.exec(basename(path))?.[1];
  if (module) replace(`new URL('${module}_bg.wasm', import.meta.url)`, "undefined");
  if (module === "tegula") {
    replace("return f(a, state.b, ...args);", "return guarded(() => f(a, state.b, ...args));");
  }
  const names = "scope as globalThis, guarded, GPUOutOfMemoryError, GPUValidationError";
  return { contents: `import { ${names} } from ${JSON.stringify(at("js", "wasm", "host.ts"))};\n${text}`, loader: "js" };
}

/** Compiles a crate by a profile of Cargo.toml; `pkg/` gets the module and its glue. */
function compileModule(name, profile) {
  const target = "wasm32-unknown-unknown";
  // Messages of panics name files: without the folders of the machine that built them.
  const remapped = [join(cargoHome, "registry", "src"), root].map((path) => `--remap-path-prefix=${path}=`);
  run("cargo", ["build", "--package", name, "--lib", "--target", target, "--profile", profile], {
    RUSTFLAGS: [process.env.RUSTFLAGS, ...remapped].filter(Boolean).join(" "),
  });
  const built = join(process.env.CARGO_TARGET_DIR ?? at("target"), target, profile === "dev" ? "debug" : profile, `${name.replace("-", "_")}.wasm`);
  run("wasm-bindgen", [built, "--target", "web", "--out-dir", at("pkg")]);
  // The module has been through LLVM already. The stronger levels save 5 % before compression and cost 6 % after it. In the order of their
  // names, functions that were made from one generic function are neighbours, which saves 6 % after compression.
  const module = at("pkg", `${name.replace("-", "_")}_bg.wasm`);
  if (profile !== "dev") run("wasm-opt", ["-O1", "--duplicate-function-elimination", "--converge", "--reorder-functions-by-name", module, "-o", module]);
}

/** Runs a program with the npm packages' binaries first on PATH: a distribution's older wasm-opt breaks the module. */
function run(program, args, more = {}) {
  const env = { ...process.env, ...more, PATH: at("node_modules", ".bin") + delimiter + process.env.PATH };
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
