/**
 * What a seed promises with f32 precision: Chromium (SwiftShader, through Dawn) draws the tokens that native hosts draw. The same
 * golden tokens are those of `tests/precision.rs`, which runs on lavapipe and on SwiftShader through wgpu.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { ROOT, SITE, TEGULA } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

const GOLDEN = JSON.parse(readFileSync(join(ROOT, "tests", "golden", "drawn.json"), "utf8"));
const SEEDS = Object.keys(GOLDEN).map(Number);
const PROMPT = Array.from({ length: 40 }, (_, i) => (i * 37 + i * i * 11 + 5) % 256);
const MOST = GOLDEN[SEEDS[0]].length;

let folder;
let browser;
let site;
let models;

const run = (program, ...args) => execFileSync(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-precision-"));
  const at = (name) => join(folder, name);
  run("cargo", "run", "--quiet", "--package", "xtask", "--", "fixture", at("source"));
  run(TEGULA, "convert", at("source"), "-o", at("model"), "--quantization", "q4f16_1");
  run(TEGULA, "compile", at("model"), "-o", at("model/library.wasm"));
  run(TEGULA, "compile", at("model"), "--precision", "f32", "-o", at("model/f32.wasm"));
  [browser, site, models] = await Promise.all([launch(), TestServer.start(SITE), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function blank() {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  return page;
}

/** The text of tokens, each of which is a byte or (from 256 on) nothing. What is no UTF-8 is left out: how it is shown says nothing of tokens. */
const visible = (text) => text.replaceAll("\ufffd", "");
const textOf = (ids) => visible(Buffer.from(ids.filter((id) => id < 256)).toString("utf8"));

test("long draws in Chromium are those of native hosts, and so is the fingerprint", async () => {
  const [seed] = SEEDS;
  const native = JSON.parse(
    run(
      TEGULA,
      ...["run", join(folder, "model"), "--library", join(folder, "model/f32.wasm"), "--precision", "f32", "--json"],
      ...["--prompt-ids", String(PROMPT), "--temperature", "1", "--top-p", "1", "--top-k", "0", "--min-p", "0"],
      ...["--seed", String(seed), "--max-tokens", String(MOST)],
    ),
  );
  assert.deepEqual(native.token_ids, GOLDEN[seed]);
  const answers = await (await blank()).evaluate(
    async ([url, prompt, seeds, max_tokens]) => {
      const { createEngine } = await import("/tegula/index.js");
      const engine = await createEngine({ model: `${url}model/`, library: `${url}model/f32.wasm`, precision: "f32" });
      const ask = (seed) =>
        engine.completions.create({ prompt, seed, max_tokens, temperature: 1, top_p: 1, top_k: 0, min_p: 0, ignore_eos: true });
      return Promise.all(seeds.map(ask));
    },
    [models.url, PROMPT, SEEDS, MOST],
  );
  for (const [index, answer] of answers.entries()) {
    assert.equal(answer.usage.completion_tokens, MOST);
    assert.equal(visible(answer.choices[0].text), textOf(GOLDEN[SEEDS[index]]), `seed ${SEEDS[index]}`);
    assert.equal(answer.system_fingerprint, native.system_fingerprint);
  }
});

test("a library with 16-bit keys and values is refused, with what to do", async () => {
  const error = await (await blank()).evaluate(async (model) => {
    const { createEngine } = await import("/tegula/index.js");
    const { name, code, message } = await createEngine({ model, precision: "f32" }).catch((error) => error);
    return { name, code, message };
  }, `${models.url}model/`);
  assert.deepEqual([error.name, error.code], ["LibraryMismatchError", "PrecisionError"]);
  assert.match(error.message, /tegula compile --precision f32/);
});
