/** Answers of a form in the page of openai.test.mjs, and what it is told of wrong requests: both as `tegula serve` has them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "../serve/server.mjs";
import { ROOT } from "./packages.mjs";

const MODULE = "tegula/tegula-grammar.wasm";

const REFUSALS = JSON.parse(readFileSync(join(ROOT, "tests", "golden", "refusals.json"), "utf8"));

const schema = {
  type: "object",
  properties: {
    capital: { type: "boolean" },
    people: { type: "integer", minimum: 1, maximum: 999 },
    river: { type: "string", pattern: "^[A-Z][a-z]{2,5}$" },
  },
  required: ["capital", "people", "river"],
  additionalProperties: false,
};

/** Requests that a server on the same renderer must answer with the same text. They are few and short: a token takes long in this page. */
const FORMS = [
  { stream: true, response_format: { type: "json_schema", json_schema: { name: "city", schema, strict: true } } },
  { response_format: { type: "choice", choice: ["Rome", "London", "Paris"] } },
];

/** What `tegula serve` answers, on the renderer that Chromium has, too. */
async function native(requests) {
  const { VK_ICD_FILENAMES } = process.env;
  process.env.VK_ICD_FILENAMES = process.env.SWIFTSHADER ?? "/usr/lib/chromium/vk_swiftshader_icd.json";
  const started = serve("--parallel", "2", "--no-page");
  if (VK_ICD_FILENAMES === undefined) delete process.env.VK_ICD_FILENAMES;
  else process.env.VK_ICD_FILENAMES = VK_ICD_FILENAMES;
  const server = await started;
  try {
    const texts = [];
    for (const request of requests) {
      const body = JSON.stringify({ ...request, stream: false });
      const response = await fetch(`${server.base}/v1/chat/completions`, { method: "POST", body, headers: { "content-type": "application/json" } });
      assert.equal(response.status, 200);
      texts.push((await response.json()).choices[0].message.content);
    }
    return texts;
  } finally {
    await server.stop();
  }
}

/** The tests, in a page that has `client`, `engine` and `greedy`. No earlier request there needs the module for grammars. */
export function testForms(page, site) {
  test("is told that the module for grammars is not there, and is answered on", async () => {
    site().damage.set(MODULE, () => undefined);
    const { thrown, told, free } = await page().evaluate(async (asked) => {
      const thrown = await engine.chat.completions.create({ ...greedy, ...asked }).then(() => undefined, (error) => error);
      return {
        thrown: { name: thrown?.name, status: thrown?.status, message: thrown?.message },
        told: await caught(client.chat.completions.create({ ...greedy, ...asked, stream: true })),
        free: (await client.chat.completions.create(greedy)).choices[0].message.content,
      };
    }, FORMS[1]);
    assert.deepEqual([thrown.name, thrown.status], ["NetworkError", 404]);
    assert.match(thrown.message, /tegula-grammar\.wasm.*404.* option `grammar`/);
    assert.deepEqual([told.name, told.status], ["InternalServerError", 500]);
    assert.ok(free.length > 0);
    assert.equal(site().requests.filter((path) => path === MODULE).length, 2, "each request tries again");
    site().damage.delete(MODULE);
  });

  test("gets answers of a form, those of a native server", async () => {
    const { requests, texts } = await page().evaluate(async (forms) => {
      const requests = forms.map((form) => ({ ...greedy, max_tokens: 60, ...form }));
      const texts = [];
      for (const request of requests) {
        const answer = client.chat.completions.create(request);
        texts.push(request.stream ? await textOf(answer) : (await answer).choices[0].message.content);
      }
      return { requests, texts };
    }, FORMS);
    assert.deepEqual(Object.keys(JSON.parse(texts[0])), schema.required);
    assert.ok(["Rome", "London", "Paris"].includes(texts[1]), texts[1]);
    assert.deepEqual(texts, await native(requests));
    const loaded = site().requests.filter((path) => path === MODULE).length;
    assert.equal(loaded, 3, "the module is loaded once, after it was missing twice");
  });

  test("is told of mistakes in requests what a native server tells", async () => {
    assert.ok(REFUSALS.length > 60);
    const found = await page().evaluate(async (requests) => {
      const answers = [];
      for (const request of requests) {
        const { model } = greedy;
        const body = JSON.stringify({ model, messages: [{ role: "user", content: "hi" }], ...request });
        const headers = { "content-type": "application/json" };
        const response = await engine.fetch("http://tegula/v1/chat/completions", { method: "POST", body, headers });
        answers.push({ status: response.status, ...(await response.json()) });
      }
      return answers;
    }, REFUSALS.map(({ request }) => request));
    for (const [place, { request, message, param, openai_code: code }] of REFUSALS.entries()) {
      const { status, error, ...other } = found[place];
      const told = { ...error, message: error?.message.slice(0, message.length) };
      const expected = { message, type: "invalid_request_error", param, code };
      assert.deepEqual([status, told, other], [400, expected, {}], JSON.stringify(request));
    }
  });
}
