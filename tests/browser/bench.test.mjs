/** The benchmark on its hosts, as `npm run bench` starts it: that there are figures. How large they are is not tested. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, TEGULA } from "./packages.mjs";

/** Dawn takes SwiftShader, which comes with Chromium, but not every version of lavapipe. */
const [driver] = readdirSync("/usr/lib").filter((name) => name.startsWith("chromium")).map((name) => join("/usr/lib", name, "vk_swiftshader_icd.json"));

let folder;

before(() => (folder = mkdtempSync(join(tmpdir(), "tegula-bench-test-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a tiny shape is measured in Chromium and in Node on Dawn", () => {
  const json = join(folder, "figures.jsonl");
  const args = ["--host", "chrome,node", "--shape", "tiny", "--contexts", "16", "--batches", "1,2", "--decode", "4", "--repetitions", "1", "--json", json, "--tegula", TEGULA];
  const env = { ...process.env, VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "bench", "bench.mjs"), ...args], { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const figures = readFileSync(json, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(figures.map(({ host, shape, prompt_tokens, batch }) => [host, shape, prompt_tokens, batch]),
    [["chrome", "tiny", 16, 1], ["chrome", "tiny", 16, 2], ["node", "tiny", 16, 1], ["node", "tiny", 16, 2]]);
  for (const figure of figures) {
    assert.ok(figure.decode_tokens_per_second > 0 && figure.prefill_tokens_per_second > 0 && figure.fraction_of_stream > 0, JSON.stringify(figure));
  }
  assert.equal(stdout.split("\n").filter((line) => line.startsWith("| tiny")).length, 4, stdout);
});

test("a library that is none is an error with its reason", () => {
  const env = { ...process.env, VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: folder };
  const args = ["--host", "node", "--shape", "tiny", "--library", join(ROOT, "package.json"), "--contexts", "16", "--decode", "4", "--tegula", TEGULA];
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "bench", "bench.mjs"), ...args], { env, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /tiny, node: .*library/s);
});

test("a package is loaded from the network, then from the cache", () => {
  const json = join(folder, "loads.jsonl");
  const args = ["--loads", "2", "--json", json, "--tegula", TEGULA, join(ROOT, "models", "tegula-tiny")];
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "bench", "load.mjs"), ...args], { env: { ...process.env, XDG_RUNTIME_DIR: folder }, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const loads = readFileSync(json, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(loads.map((load) => load.from_cache), [false, true]);
  for (const { phases, total } of loads) {
    assert.ok(["runtime", "package", "weights", "pipelines", "first token"].every((phase) => phases[phase] > 0), JSON.stringify(phases));
    assert.ok(Math.abs(Object.values(phases).reduce((sum, phase) => sum + phase, 0) - total) < 1, JSON.stringify(phases));
  }
});
