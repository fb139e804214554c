/**
 * Random schemas, and answers that must keep to them. Ajv says whether they do. SCHEMAS is how many there are, 24 by default; FIRST is the
 * seed of the first one.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { randomSchema } from "./schemas.mjs";
import { MODEL, serve } from "./server.mjs";

const count = Number(process.env.SCHEMAS ?? 24);
const first = Number(process.env.FIRST ?? 1);
// No grammar knows leap years, nor how large a double can be.
const ajv = addFormats(new Ajv({ strict: false, strictNumbers: false, validateFormats: true }), { mode: "fast" });

describe("answers to random schemas", () => {
  let server;
  before(async () => (server = await serve()));
  after(() => server?.stop());

  async function ask(seed) {
    const schema = randomSchema(seed);
    const body = {
      model: MODEL,
      messages: [{ role: "user", content: "Tell me about Karin, in JSON." }],
      response_format: { type: "json_schema", json_schema: { name: "random", schema, strict: seed % 2 === 0 } },
      temperature: 1,
      top_p: 1,
      seed,
      max_tokens: 400,
    };
    const response = await fetch(`${server.base}/v1/chat/completions`, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
    const answer = await response.json();
    const told = `seed ${seed}, ${JSON.stringify(schema)}: ${JSON.stringify(answer.error ?? answer.choices)}`;
    assert.equal(response.status, 200, told);
    const { message, finish_reason } = answer.choices[0];
    if (finish_reason === "length") return "cut";
    assert.equal(finish_reason, "stop", told);
    let value;
    assert.doesNotThrow(() => (value = JSON.parse(message.content)), told);
    const validate = ajv.compile(schema);
    assert.ok(validate(value), `${ajv.errorsText(validate.errors)}: ${told}`);
    return "complete";
  }

  it(`are valid where they end by themselves, as most do (${count} schemas)`, async (t) => {
    const seeds = Array.from({ length: count }, (_, place) => first + place);
    const found = { complete: 0, cut: 0 };
    // As many at once as the server runs.
    const workers = Array.from({ length: 8 }, async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) found[await ask(seed)] += 1;
    });
    await Promise.all(workers);
    t.diagnostic(`${found.complete} answers complete and valid, ${found.cut} cut by the token limit`);
    assert.ok(found.complete >= count * 0.9, JSON.stringify(found));
  });
});
