/**
 * Kernels for matrix units in Chrome's dialect. Libraries have them in naga's dialect, and the web build rewrites them. Chromium's software
 * GPU has no matrix units, so these tests use Dawn's null backend: it has Chrome's compiler and every feature, and runs nothing. The
 * results of the kernels are checked natively, and in Chrome on a GPU that has matrix units.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CONFIGS, ROOT, TEGULA, readLibrary } from "./packages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
let folder;
const libraries = [];

before(() => {
  folder = mkdtempSync(join(tmpdir(), "tegula-matrix-"));
  // The records are of large matrices, and have other tiles for them than the defaults.
  const large = join(folder, "large.json");
  const shape = JSON.parse(readFileSync(join(ROOT, "bench", "shapes", "llama-3.2-1b.json"), "utf8"));
  writeFileSync(large, JSON.stringify({ ...shape, num_hidden_layers: 1, vocab_size: 4096 }));
  for (const config of [...readdirSync(CONFIGS).map((name) => join(CONFIGS, name)), large]) {
    for (const quantization of ["q4f16_1", "q0f16"]) {
      const library = join(folder, `${basename(config, ".json")}-${quantization}.wasm`);
      execFileSync(TEGULA, ["compile", config, "-o", library, "--quantization", quantization], { stdio: "ignore" });
      libraries.push(library);
    }
  }
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Loads libraries with the web build on Dawn; gives what dawn.mjs says of each. */
function load(task) {
  const stdout = execFileSync(process.execPath, [join(here, "dawn.mjs"), JSON.stringify(task)], { encoding: "utf8", maxBuffer: 1 << 28 });
  return stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const products = (texts, name) => texts.filter((text) => text.includes(name)).length;

test("Chrome's compiler accepts every kernel for matrix units", async () => {
  const loads = load({ libraries });
  assert.equal(loads.length, libraries.length);
  for (const [index, { matrix, kernels }] of loads.entries()) {
    const name = basename(libraries[index]);
    assert.ok(matrix, `${name}: the probe was refused: ${kernels[0].complaints}`);
    assert.deepEqual(kernels.flatMap(({ complaints }) => complaints), [], name);
    const { plan, texts } = await readLibrary(libraries[index]);
    const { kernels: planned } = plan.variants.find(({ requires }) => requires.matrix);
    const expected = products(planned.map(({ shader }) => texts[shader]), "coopMultiplyAdd");
    // The probe is one of them.
    assert.equal(products(kernels.map(({ code }) => code), "subgroupMatrixMultiplyAccumulate"), expected + 1, name);
    assert.ok(expected > 0, name);
  }
});

test("a browser without products of packed bytes is given them", () => {
  const library = join(folder, "int8.wasm");
  // In single precision, since matrix units would leave nothing to multiply in int8.
  const how = ["--quantization", "q4f32_1", "--activations", "int8"];
  execFileSync(TEGULA, ["compile", join(CONFIGS, "llama.json"), "-o", library, ...how], { stdio: "ignore" });
  for (const plain of [false, true]) {
    const [{ kernels }] = load({ libraries: [library], plain });
    assert.deepEqual(kernels.flatMap(({ complaints }) => complaints), []);
    const using = kernels.filter(({ code }) => /= .*dot4I8Packed\(/.test(code));
    assert.ok(using.length >= 4, `only ${using.length} kernels multiply bytes`);
    const given = kernels.filter(({ code }) => code.includes("fn dot4I8Packed("));
    assert.equal(given.length, plain ? using.length : 0);
  }
});

test("a browser that spells matrix units otherwise runs models without them", () => {
  const [{ matrix, kernels }] = load({ libraries: libraries.slice(0, 1), otherwise: true });
  assert.equal(matrix, false);
  assert.equal(products(kernels.map(({ code }) => code), "subgroupMatrixMultiplyAccumulate"), 1, "the probe alone");
  assert.ok(kernels.some(({ code }) => code.startsWith("enable f16;") && code.includes("fn main")));
});
