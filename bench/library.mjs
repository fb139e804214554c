/** The model libraries that are measured, compiled from shapes. Builds the program and the web build if they are missing. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { librarySize } from "./options.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target");

/** The program `tegula`. */
export function tegulaProgram({ tegula }) {
  if (tegula) return resolve(tegula);
  const program = join(target, "release", "tegula");
  if (!existsSync(program)) run("cargo", ["build", "--release", "--package", "tegula-cli"]);
  return program;
}

/** The folder of the web build. */
export function pkgFolder({ pkg }) {
  if (pkg) return resolve(pkg);
  const folder = join(root, "pkg");
  if (!existsSync(join(folder, "tegula_bg.wasm"))) run("cargo", ["xtask", "web"]);
  return folder;
}

/** The folder of the npm package. */
export function distFolder() {
  const folder = join(root, "dist");
  if (!existsSync(join(folder, "index.js"))) run("cargo", ["xtask", "web"]);
  return folder;
}

/** Compiles a weight package into a folder. */
export function compilePackage(source, folder, options) {
  const library = join(folder, "library.wasm");
  run(tegulaProgram(options), ["compile", resolve(source), "-o", library]);
  return library;
}

/** The config of a shape: a name in bench/shapes, or a path. */
export function shapeConfig(shape) {
  const named = join(root, "bench", "shapes", `${shape}.json`);
  if (existsSync(named)) return named;
  if (existsSync(shape)) return resolve(shape);
  throw new Error(`there is no shape ${shape}: neither in bench/shapes nor as a file`);
}

/** What a shape is called in a table. */
export function shapeName(shape) {
  return basename(shape, ".json");
}

/** Compiles a shape, once for all hosts: what differs between them is the host. */
export function compileShape(shape, options) {
  const { context, batch } = librarySize(options);
  const config = shapeConfig(shape);
  const library = join(target, "bench", `${shapeName(shape)}-${options.quantization}-${options.activations}.wasm`);
  mkdirSync(dirname(library), { recursive: true });
  const device = options.device ? ["--device", options.device] : [];
  const records = options.records ? ["--records", resolve(options.records)] : [];
  const size = ["--context-window-size", String(context), "--max-batch-size", String(batch)];
  run(tegulaProgram(options), ["compile", config, "-o", library, "--quantization", options.quantization, "--activations", options.activations, ...size, ...device, ...records]);
  return { config, library };
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ["ignore", 2, "inherit"] });
  if (error) throw new Error(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
}
