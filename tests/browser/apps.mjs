/**
 * The small apps of tests/apps, each with the npm package as `npm install` would bring it. They are copied to target/apps, where their own
 * packages are installed once; the package is packed anew each time.
 */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, TEGULA } from "./packages.mjs";

const HERE = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "apps");
const PACKAGE = join(HERE, "node_modules", "tegula");

/** A path among the apps. */
export const app = (...path) => join(HERE, ...path);

/** Imports a package that the apps depend on. */
export const tool = async (name) => import(createRequire(app("package.json")).resolve(name));

/** Makes target/apps. */
export function installApps() {
  mkdirSync(HERE, { recursive: true });
  cpSync(join(ROOT, "tests", "apps"), HERE, { recursive: true });
  const mark = app("node_modules", ".package-lock.json");
  if (!existsSync(mark) || statSync(app("package-lock.json")).mtimeMs > statSync(mark).mtimeMs) run("npm", ["ci", "--no-audit", "--no-fund"], HERE);
  const packed = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", HERE], ROOT));
  // Older versions of npm give a list.
  const { filename } = Object.values(packed)[0];
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  run("tar", ["xzf", app(filename), "-C", PACKAGE, "--strip-components", "1"], HERE);
}

/** The embedded model in a new folder, with a library of the kernels that are fast where these tests run. */
export function makeModel() {
  const folder = mkdtempSync(join(tmpdir(), "tegula-model-"));
  cpSync(join(ROOT, "models", "tegula-tiny"), folder, { recursive: true });
  run(TEGULA, ["compile", folder, "-o", join(folder, "library.wasm"), "--device", "SwiftShader Device (Subzero)", "--max-batch-size", "1"], ROOT);
  return folder;
}

/** A folder to serve: what an app was built to, the model where the app looks for it, and the package's files if a page names them. */
export function site(built, model, ...others) {
  const folder = mkdtempSync(join(tmpdir(), "tegula-site-"));
  cpSync(built, folder, { recursive: true });
  cpSync(model, join(folder, "models", "tegula-tiny"), { recursive: true });
  for (const name of others) {
    if (name === "tegula") cpSync(join(PACKAGE, "dist"), join(folder, name), { recursive: true });
    else cpSync(app(name), join(folder, name));
  }
  return folder;
}

/** A file of the package, by the name under which it is exported. */
export function exported(name) {
  const { exports } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  return join(PACKAGE, exports[`./${name}`]);
}

/** Runs a program; gives what it prints. */
export function run(program, args, cwd, env = {}) {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} failed:\n${error.stdout ?? ""}${error.stderr ?? error.message}`, { cause: error });
  }
}
