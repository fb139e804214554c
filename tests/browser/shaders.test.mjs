/**
 * Every kernel of many libraries through a browser's own shader compiler. Natively naga checks kernels, but it accepts things that browsers
 * refuse and has a weaker idea of uniform control flow. Here Chromium's Tint checks each of them, and some kernels that only a search would
 * try. No pipelines are made: a software GPU takes too long for each.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./chromium.mjs";
import { CONFIGS, TEGULA, readLibrary } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

const QUANTIZATIONS = ["q4f16_1", "q4f32_1", "q0f16", "q0f32"];
const INT8 = ["q4f16_1", "q4f32_1"];
/** Heads and rows of real sizes. */
const SHAPE = fileURLToPath(new URL("../../bench/shapes/llama-3.2-1b.json", import.meta.url));

let folder;
let browser;
let site;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-shaders-"));
  [browser, site] = await Promise.all([launch(), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** A text as a browser takes it. */
function withDirectives(text, requires, name) {
  const half = /\bf16\b/.test(text);
  assert.ok(!half || requires.f16, `${name} has f16 and does not say so`);
  return (half ? "enable f16;\n" : "") + (requires.subgroups ? "enable subgroups;\n" : "") + text;
}

/** Name, directives and text of each kernel of a library, but for those of matrix units, which matrix.test.mjs looks at. */
async function kernels(file) {
  const { plan, texts } = await readLibrary(file);
  return plan.variants.filter(({ requires }) => !requires.matrix).flatMap(({ name, requires, kernels }) =>
    kernels.map((kernel) => {
      const label = `${basename(file)} ${name}: ${kernel.name}`;
      return { name: label, code: withDirectives(texts[kernel.shader], requires, label) };
    }),
  );
}

/** What the browser's compiler says against texts, each with its name. */
async function refusals(context, texts) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  const { refused, half } = await page.evaluate(async (texts) => {
    const adapter = await navigator.gpu.requestAdapter();
    const half = adapter.features.has("shader-f16");
    const device = await adapter.requestDevice({ requiredFeatures: half ? ["subgroups", "shader-f16"] : ["subgroups"] });
    const check = async ([code, name]) => {
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      return messages.filter(({ type }) => type !== "info").map(({ message, lineNum }) => `${name}:${lineNum}: ${message}`);
    };
    const answers = [];
    for (const text of texts) if (half || !text[0].startsWith("enable f16;")) answers.push(...(await check(text)));
    return { refused: answers, half };
  }, [...texts]);
  if (!half) {
    const left = [...texts.keys()].filter((code) => code.startsWith("enable f16;")).length;
    context.diagnostic(`skipped: ${left} of ${texts.size} kernels, as this browser's adapter has no shader-f16`);
  }
  return refused;
}

test("a browser accepts every kernel", async (context) => {
  const all = new Map();
  for (const config of readdirSync(CONFIGS)) {
    for (const [quantization, activations] of [...QUANTIZATIONS.map((name) => [name, "float"]), ...INT8.map((name) => [name, "int8"])]) {
      const library = join(folder, `${basename(config, ".json")}-${quantization}-${activations}.wasm`);
      const how = ["--quantization", quantization, "--activations", activations];
      execFileSync(TEGULA, ["compile", join(CONFIGS, config), "-o", library, ...how], { stdio: "ignore" });
      for (const { name, code } of await kernels(library)) all.set(code, name);
    }
  }
  assert.ok(all.size > 100, `only ${all.size} kernels`);
  const products = [...all.keys()].filter((code) => code.includes("dot4I8Packed(")).length;
  assert.ok(products > 10, `only ${products} kernels multiply bytes`);
  assert.deepEqual(await refusals(context, all), []);
});

test("a browser accepts what a search would try", async (context) => {
  const tried = new Map();
  for (const spec of ["k=2048 plain residual", "attention"]) {
    const file = join(folder, "texts.jsonl");
    execFileSync(TEGULA, ["tune", SHAPE, "--spec", spec, "--texts", file], { stdio: "ignore" });
    for (const line of readFileSync(file, "utf8").trim().split("\n")) {
      const { spec, requires, schedule, text } = JSON.parse(line);
      if (text.includes("coop_mat")) continue;
      const name = `${spec}: ${schedule}`;
      const kind = `${schedule.split(" ")[0]} ${JSON.stringify(requires)}`;
      if (!tried.has(kind)) tried.set(kind, []);
      tried.get(kind).push([withDirectives(text, requires, name), name]);
    }
  }
  // A few of each template and device class, from all over its space.
  const few = (texts) => texts.filter((_, index) => index % Math.ceil(texts.length / 6) === 0);
  const all = new Map([...tried.values()].flatMap(few));
  assert.ok(tried.size > 10 && all.size > 50, `only ${all.size} texts of ${tried.size} kinds`);
  assert.deepEqual(await refusals(context, all), []);
});
