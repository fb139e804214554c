/**
 * Choosing among kernels in headless Chromium: measured at the first load, remembered in IndexedDB for the second. Needs what
 * engine.test.mjs needs.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { SITE, TEGULA, makePackages } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

let folder;
let browser;
let site;
let models;

before(async () => {
  folder = makePackages(1);
  contest(join(folder, "random"));
  [browser, site, models] = await Promise.all([launch(), TestServer.start(SITE), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Compiles the library of a package by records of a GPU that nobody has, where other schedules won than the default ones. */
function contest(model) {
  const [measured, records] = ["measured.txt", "records.txt"].map((name) => join(model, name));
  execFileSync(TEGULA, ["tune", model, "--spec", "split", "--records", measured, "--budget", "8"], { stdio: "ignore" });
  const blocks = readFileSync(measured, "utf8").trim().split(/\n(?! )/).filter((block) => block.includes("\n"));
  const contested = blocks.map((block) => {
    const [spec, facts, , usual, ...others] = block.split("\n");
    const name = usual.trim().split(" ").slice(1).join(" ");
    // All of a template are made of the same text, so that any of them makes a record that holds: the best, or the first that came close.
    const [, template, ...tunables] = others[0].split(": ")[0].trim().split(" ");
    const values = others[0].split(": ")[1].split(" = ")[0].split(" ");
    const other = [template, ...tunables.map((tunable, index) => `${tunable}=${values[index]}`)].join(" ");
    return [spec, facts, `  1 ${other}`, `  2 ${name}`].join("\n");
  });
  writeFileSync(records, ["gpu Nobody's", ...contested].join("\n"));
  execFileSync(TEGULA, ["compile", model, "-o", join(model, "library.wasm"), "--records", records], { stdio: "ignore" });
}

test("kernels are chosen at the first load and remembered for the second", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  const load = (options) =>
    page.evaluate(async (options) => {
      const { createEngine } = await import("/tegula/index.js");
      const texts = [];
      const engine = await createEngine({ ...options, onProgress: ({ text }) => texts.push(text) });
      const answer = await engine.completions.create({ prompt: "hello", temperature: 0, max_tokens: 8, ignore_eos: true });
      const kernels = engine.kernels();
      await engine.unload();
      return { kernels, answer: answer.choices[0].text, chosen: texts.filter((text) => text.startsWith("Kernels chosen")).length };
    }, options);
  const model = `${models.url}random/`;
  const plain = await load({ model, kernels: "default" });
  assert.ok(plain.kernels.length > 0, "the library leaves no choice");
  assert.deepEqual([plain.chosen, new Set(plain.kernels.map(({ why }) => why))], [0, new Set(["the default"])]);

  const first = await load({ model });
  assert.equal(first.chosen, 1);
  assert.ok(first.kernels.every(({ why }) => why.includes(" us") || why.startsWith("not measured")), JSON.stringify(first.kernels));

  const second = await load({ model });
  assert.equal(second.chosen, 0);
  assert.deepEqual(new Set(second.kernels.map(({ why }) => why)), new Set(["chosen at an earlier load"]));
  const indices = ({ kernels }) => kernels.map(({ chosen }) => chosen);
  assert.deepEqual(indices(second), indices(first));
  assert.equal(new Set([plain, first, second].map(({ answer }) => answer)).size, 1, "the choice is of speed alone");
});
