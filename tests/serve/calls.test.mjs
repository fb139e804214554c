/** Tools that must be called, or may be, as `tool_choice` says. The question asks for none of them, so that calls come of the choice alone. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";
import { MODEL, serve } from "./server.mjs";

const tool = (name, properties, more = {}) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties, required: Object.keys(properties), additionalProperties: false }, ...more },
});
const tools = [
  tool("roll_dice", { count: { type: "integer", minimum: 1, maximum: 9 }, sides: { enum: [4, 6, 20] } }, { strict: true }),
  tool("set_light", { room: { enum: ["kitchen", "hall"] }, on: { type: "boolean" } }, { strict: true }),
];
/** A conversation that the embedded model has not seen in its training, in which it should call. */
const CALLS = readFileSync(new URL("../../models/tegula-tiny/heldout.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .find(({ expected, messages }) => expected.call && messages.every(({ role }) => role !== "tool"));

const named = (name) => ({ type: "function", function: { name } });

const asked = {
  model: MODEL,
  messages: [{ role: "user", content: "What is the capital of France?" }],
  tools,
  temperature: 1,
  top_p: 1,
  seed: 5,
  max_tokens: 160,
};

/** Says whether calls are those of the tools above. */
function areCalls(calls) {
  assert.ok(calls.length > 0);
  assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length);
  for (const { id, type, function: called } of calls) {
    assert.ok(id.length > 0 && type === "function");
    const given = JSON.parse(called.arguments);
    if (called.name === "roll_dice") {
      const { count, sides, ...other } = given;
      assert.ok(Number.isInteger(count) && count >= 1 && count <= 9 && [4, 6, 20].includes(sides), called.arguments);
      assert.deepEqual(other, {});
    } else {
      assert.equal(called.name, "set_light");
      const { room, on, ...other } = given;
      assert.ok(["kitchen", "hall"].includes(room) && typeof on === "boolean", called.arguments);
      assert.deepEqual(other, {});
    }
  }
}

describe("calls", () => {
  let server, client;
  before(async () => {
    server = await serve("--precision", "f32");
    client = new OpenAI({ baseURL: `${server.base}/v1`, apiKey: "-", maxRetries: 0 });
  });
  after(() => server?.stop());

  const ask = async (fields) => (await client.chat.completions.create({ ...asked, ...fields })).choices[0];

  it("that are left to the model are not made without need", async () => {
    for (const tool_choice of ["auto", "none"]) {
      const { message, finish_reason } = await ask({ tool_choice, temperature: 0 });
      assert.deepEqual([message.tool_calls, finish_reason], [undefined, "stop"], tool_choice);
      assert.match(message.content, /Paris/);
    }
  });

  it("that are required are made and valid, whole and streamed", async () => {
    for (const seed of [1, 2]) {
      const fields = { tool_choice: "required", parallel_tool_calls: false, seed };
      const { message, finish_reason } = await ask(fields);
      assert.deepEqual([message.content, finish_reason, message.tool_calls.length], [null, "tool_calls", 1]);
      areCalls(message.tool_calls);
      const { choices } = await client.chat.completions.stream({ ...asked, ...fields }).finalChatCompletion();
      const functions = ({ tool_calls }) => tool_calls.map((call) => [call.function.name, call.function.arguments]);
      assert.deepEqual([functions(choices[0].message), choices[0].finish_reason], [functions(message), finish_reason]);
    }
  });

  it("of a certain tool are of that one, and of some allowed ones of those", async () => {
    for (const name of ["roll_dice", "set_light"]) {
      const allowed = { type: "allowed_tools", allowed_tools: { mode: "required", tools: [named(name)] } };
      for (const tool_choice of [named(name), allowed]) {
        const { message } = await ask({ tool_choice, parallel_tool_calls: false });
        areCalls(message.tool_calls);
        assert.deepEqual(message.tool_calls.map((call) => call.function.name), [name]);
      }
    }
  });

  it("or an answer of a form, as the model likes", async () => {
    const schema = { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"], additionalProperties: false };
    const response_format = { type: "json_schema", json_schema: { name: "city", schema, strict: true } };
    const { message } = await ask({ response_format, temperature: 0 });
    assert.deepEqual(message.tool_calls, undefined);
    assert.ok(["Paris", "Rome"].includes(JSON.parse(message.content).city), message.content);
    // Here the model calls, with and without the form.
    const { messages, tools, expected } = CALLS;
    const called = await ask({ messages, tools, response_format, temperature: 0 });
    const [call] = called.message.tool_calls;
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], [expected.call.name, expected.call.arguments]);
    assert.deepEqual([called.message.content, called.finish_reason], [null, "tool_calls"]);
  });

  it("are parsed by the client's helpers, with zod", async () => {
    const parameters = z.object({ celsius: z.int().min(-20).max(50), windows: z.enum(["open", "shut"]) });
    const set = zodFunction({ name: "set_room", parameters, description: "Sets a room" });
    const { choices } = await client.chat.completions.parse({ ...asked, tools: [set], tool_choice: "required", parallel_tool_calls: false });
    const [call] = choices[0].message.tool_calls;
    const given = call.function.parsed_arguments;
    assert.deepEqual(parameters.parse(given), given);
  });

  it("and their results go on as a conversation", async () => {
    const { message } = await ask({ tool_choice: named("set_light"), parallel_tool_calls: false });
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "done" };
    const next = await ask({ messages: [...asked.messages, message, result], tool_choice: "none", temperature: 0 });
    assert.ok(next.message.content.length > 0 && next.message.tool_calls === undefined);
  });
});
