/** The embedded model in headless Chromium, through the npm package: three of its held-out prompts, answered greedily. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { ROOT, SITE, TEGULA } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

const MODEL = join(ROOT, "models", "tegula-tiny");

let folder;
let browser;
let site;
let models;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-embedded-"));
  cpSync(MODEL, folder, { recursive: true });
  execFileSync(TEGULA, ["compile", folder, "-o", join(folder, "library.wasm")], { stdio: "ignore" });
  [browser, site, models] = await Promise.all([launch(), TestServer.start(SITE), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The first held-out case of a skill. */
function first(skill) {
  const cases = readFileSync(join(MODEL, "heldout.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return cases.find((one) => one.skill === skill);
}

test("the embedded model adds, remembers and calls a tool", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url + BLANK);
  const cases = ["arithmetic_2", "recall", "tool_calls"].map(first);
  const answers = await page.evaluate(
    async ([model, cases]) => {
      const { createEngine } = await import("/tegula/index.js");
      const engine = await createEngine({ model });
      const said = [];
      for (const { messages, tools, max_tokens } of cases) {
        const answer = await engine.chat.completions.create({ messages, tools, max_tokens, temperature: 0 });
        said.push(answer.choices[0].message);
      }
      return said;
    },
    [models.url, cases],
  );
  const [{ content: sum }, { content: recalled }, { tool_calls: calls }] = answers;
  assert.equal(Number(sum.match(/-?\d+(?=\D*$)/)[0]), cases[0].expected.number, sum);
  for (const text of cases[1].expected.all ?? [cases[1].expected.any[0]]) assert.ok(recalled.includes(text), recalled);
  assert.deepEqual(calls.map(({ function: { name, arguments: text } }) => ({ name, arguments: JSON.parse(text) })), [cases[2].expected.call]);
});
