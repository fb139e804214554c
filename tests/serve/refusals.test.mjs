/** Requests that are refused, as tests/golden/refusals.json has them: the runtime's own tests and those in a page read the same file. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { MODEL, serve } from "./server.mjs";

const cases = JSON.parse(readFileSync(new URL("../golden/refusals.json", import.meta.url), "utf8"));

it("mistakes in requests have OpenAI's error object, whole and streamed", async () => {
  assert.ok(cases.length > 60);
  const server = await serve();
  const post = (body) => fetch(`${server.base}/v1/chat/completions`, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  for (const { request, message, param, openai_code } of cases) {
    const asked = { model: MODEL, messages: [{ role: "user", content: "hi" }], ...request };
    // Some mistakes are about streams.
    const forms = "stream" in request || "stream_options" in request ? [asked] : [asked, { ...asked, stream: true }];
    for (const form of forms) {
      const response = await post(form);
      const { error, ...other } = await response.json();
      const told = JSON.stringify(request);
      assert.deepEqual([response.status, response.headers.get("content-type"), other], [400, "application/json", {}], told);
      assert.deepEqual({ ...error, message: error.message.slice(0, message.length) }, { message, type: "invalid_request_error", param, code: openai_code }, told);
    }
  }
  assert.equal(await server.stop(), 0);
});
