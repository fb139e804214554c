/**
 * A load test of `tegula serve` with the embedded model, by hand: `node tests/serve/load.mjs [REQUESTS [CLIENTS]]`.
 *
 * A tenth of the requests is aborted, and a tenth is malformed. A quarter wants an answer of a form. Every answer is compared with the one
 * that its request got alone, so the server computes in precision f32. It prints what the server says of itself before and after.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { MODEL, serve } from "./server.mjs";

const [requests = 2000, clients = 64] = process.argv.slice(2).map(Number);
const PROMPTS = ["What is the capital of France?", "Hi!", "Count to five.", "Say something about cats.", "What is 2 + 2?", "Who are you?", "Name a colour.", "Tell me a story."];
const BAD = ["{", "[]", '{"messages": []}', '{"messages": [{"role": "user", "content": "a"}], "temperature": 9}', '{"messages": 1}', '{"nothing": true}'];

const FORM = { type: "json_schema", json_schema: { name: "word", schema: { type: "object", properties: { word: { type: "string", maxLength: 8 } }, required: ["word"], additionalProperties: false } } };

const server = await serve("--precision", "f32", "--max-requests", String(2 * clients));
const post = (body, options) => fetch(`${server.base}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body, ...options });
const bodyOf = (place, stream) => JSON.stringify({ model: MODEL, messages: [{ role: "user", content: PROMPTS[place % PROMPTS.length] }], max_tokens: 12, temperature: place % 2, seed: place % 16, stream, ...(place % 4 === 3 && { response_format: FORM }) });
/** The text of an answer, streamed or not. */
async function text(response, stream) {
  const body = await response.text();
  if (!stream) return JSON.parse(body).choices[0].message.content;
  assert.ok(body.endsWith("data: [DONE]\n\n"));
  return body.split("\n").filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "").join("");
}
/** What the server holds, where the system tells as Linux does. */
const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]);
const health = async () => (await fetch(`${server.base}/health`)).json();

const kinds = PROMPTS.length * 2;
const alone = [];
for (let place = 0; place < kinds; place += 1) alone.push(await text(await post(bodyOf(place, false)), false));
const before = { ...(await health()), kibibytes: memory() };

const counts = { right: 0, refused: 0, aborted: 0 };
let next = 0;
const begun = Date.now();
async function client() {
  for (;;) {
    const place = next++;
    if (place >= requests) return;
    const stream = place % 3 > 0;
    if (place % 10 === 3) {
      const response = await post(BAD[place % BAD.length]);
      assert.equal(response.status, 400);
      assert.ok((await response.json()).error.message);
      counts.refused += 1;
    } else if (place % 10 === 7) {
      const gone = new AbortController();
      setTimeout(() => gone.abort(), place % 97);
      await post(bodyOf(place, stream), { signal: gone.signal }).then((response) => response.text()).catch(() => {});
      counts.aborted += 1;
    } else {
      assert.equal(await text(await post(bodyOf(place, stream)), stream), alone[place % kinds], `request ${place}`);
      counts.right += 1;
    }
  }
}
await Promise.all(Array.from({ length: clients }, client));
const seconds = (Date.now() - begun) / 1000;
let idle;
do idle = await health();
while (idle.running > 0);
console.log(JSON.stringify({ ...counts, seconds, before, after: { ...idle, kibibytes: memory() } }, null, 2));
assert.equal(await server.stop(), 0);
