/** OpenAI's Python client against `tegula serve`. PYTHON is an interpreter that has it; scripts/test makes one. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { it } from "node:test";
import { MODEL, serve } from "./server.mjs";

const python = process.env.PYTHON ?? "python3";
const has = spawnSync(python, ["-c", "import openai"]).status === 0;

for (const [script, does] of [
  ["client.py", "chats, streams and is told of errors"],
  ["structured.py", "gets answers of a form, and reads them with pydantic"],
]) {
  it(`the official Python client ${does}`, { skip: !has && `${python} has no package openai` }, async () => {
    const server = await serve();
    const path = fileURLToPath(new URL(script, import.meta.url));
    const { status, stderr } = spawnSync(python, [path, `${server.base}/v1`, MODEL], { encoding: "utf8", timeout: 120_000 });
    assert.equal(await server.stop(), 0);
    assert.equal(status, 0, stderr);
  });
}
