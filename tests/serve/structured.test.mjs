/** Answers of a form, as OpenAI's npm client asks for them. The Python client is in python.test.mjs. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { MODEL, serve } from "./server.mjs";

// Answers are short throughout: where these tests run a token takes a while.
const messages = [{ role: "user", content: "Tell me about Paris." }];
const greedy = { model: MODEL, messages, temperature: 0, max_tokens: 200 };
const drawn = { ...greedy, temperature: 1, top_p: 1, seed: 7 };

const schema = {
  type: "object",
  properties: {
    city: { type: "string", pattern: "^[A-Z][a-z]{2,5}$" },
    capital: { type: "boolean" },
    people: { type: "integer", minimum: 1, maximum: 999 },
    colours: { type: "array", items: { enum: ["red", "blue"] }, maxItems: 2 },
  },
  required: ["city", "capital", "people", "colours"],
  additionalProperties: false,
};
const format = (strict, more = {}) => ({ type: "json_schema", json_schema: { name: "city", schema: { ...schema, ...more }, strict } });

/** Says whether a text is JSON of the schema above. */
function isCity(text) {
  const { city, capital, people, colours, ...other } = JSON.parse(text);
  assert.match(city, /^[A-Z][a-z]{2,5}$/);
  assert.equal(typeof capital, "boolean");
  assert.ok(Number.isInteger(people) && people >= 1 && people <= 999, text);
  assert.ok(colours.length <= 2 && colours.every((colour) => ["red", "blue"].includes(colour)), text);
  assert.deepEqual(other, {});
}

const City = z.object({
  city: z.string().regex(/^[A-Z][a-z]{2,5}$/),
  kind: z.enum(["village", "town", "capital"]),
  people: z.int().min(1).max(999),
  mayor: z.union([z.null(), z.object({ age: z.int().min(18).max(99) })]),
});

describe("answers of a form", () => {
  let server, client;
  before(async () => {
    // In half precision a request rounds otherwise beside others than alone, and a close draw may fall otherwise.
    server = await serve("--precision", "f32");
    client = new OpenAI({ baseURL: `${server.base}/v1`, apiKey: "-", maxRetries: 0 });
  });
  after(() => server?.stop());

  const ask = async (fields) => {
    const { choices } = await client.chat.completions.create({ ...greedy, ...fields });
    return choices[0];
  };

  it("keep to a schema, strict and not, whole and streamed", async () => {
    for (const strict of [true, false]) {
      // What no grammar expresses is left out of a schema that is not strict.
      const asked = { ...drawn, response_format: format(strict, strict ? {} : { dependentRequired: { city: ["people"] } }) };
      const { message, finish_reason } = await ask(asked);
      assert.equal(finish_reason, "stop");
      isCity(message.content);
      let streamed = "";
      for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) streamed += choices[0].delta.content ?? "";
      assert.equal(streamed, message.content);
    }
  });

  it("are parsed by the client's helpers, with zod", async () => {
    const asked = { ...drawn, response_format: zodResponseFormat(City, "city") };
    const { choices } = await client.chat.completions.parse(asked);
    const { parsed, content, refusal } = choices[0].message;
    assert.deepEqual([City.parse(parsed), refusal], [JSON.parse(content), null]);
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    assert.deepEqual(final.choices[0].message.parsed, parsed);
  });

  it("are objects, choices, and what expressions and grammars describe", async () => {
    const bounded = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false };
    const cases = [
      [{ type: "json_object", schema: bounded }, /^\{\s*"ok"\s*:\s*(true|false)\s*\}$/],
      [{ type: "json_object", schema: JSON.stringify(bounded) }, /^\{\s*"ok"\s*:\s*(true|false)\s*\}$/],
      [{ type: "regex", regex: "(Paris|Rome) has [0-9]{1,3} bridges\\." }, /^(Paris|Rome) has \d{1,3} bridges\.$/],
      [{ type: "choice", choice: ["a \"village\"", "a town", "größer"] }, /^(a "village"|a town|größer)$/],
      [{ type: "grammar", grammar: 'root ::= sum\nsum ::= digit ("+" digit){1,2} | "(" sum ")"\ndigit ::= [0-9]' }, /^\(*\d(\+\d){1,2}\)*$/],
      [{ type: "grammar", grammar: 'start: "<" WORD ">"\nWORD: /[a-z]{1,5}/' }, /^<[a-z]{1,5}>$/],
    ];
    for (const [response_format, expected] of cases) {
      const { message, finish_reason } = await ask({ ...drawn, response_format });
      assert.deepEqual([finish_reason, expected.test(message.content)], ["stop", true], `${JSON.stringify(response_format)}: ${message.content}`);
    }
    // Any object: it may not end within the limit, but begins as one.
    const { message } = await ask({ ...drawn, response_format: { type: "json_object" }, max_tokens: 24 });
    assert.match(message.content, /^\{/);
  });

  it("have parts of a form in any text", async () => {
    const tag = { type: "tag", begin: "<size>", content: { type: "json_schema", json_schema: { type: "integer", minimum: 0, maximum: 99 } }, end: "</size>" };
    const elements = [{ type: "const_string", value: "Size: " }, tag, { type: "regex", pattern: " (km|mi)" }];
    const { message } = await ask({ ...drawn, response_format: { type: "structural_tag", format: { type: "sequence", elements } } });
    assert.match(message.content, /^Size: <size>\d{1,2}<\/size> (km|mi)$/);
    // The text before the trigger is free, and here the model is told what it must begin with.
    const structures = [{ begin: "<size>", schema: { type: "integer", minimum: 0, maximum: 99 }, end: "</size>" }];
    const older = await ask({ response_format: { type: "structural_tag", structures, triggers: ["<size"] } });
    const free = await ask({});
    assert.equal(older.message.content, free.message.content, "a model that never comes to the trigger says what it likes");
  });

  it("can be asked for as vLLM has it, in both APIs", async () => {
    const structured = { structured_outputs: { choice: ["yes", "no"] } };
    const { message } = await ask({ ...drawn, ...structured });
    const { choices } = await client.completions.create({ model: MODEL, prompt: "Is it?", temperature: 1, seed: 3, max_tokens: 9, ...structured });
    for (const text of [message.content, choices[0].text]) assert.ok(["yes", "no"].includes(text), text);
    const json = await client.completions.create({ model: MODEL, prompt: "A city:", temperature: 1, seed: 3, max_tokens: 200, structured_outputs: { json: schema } });
    isCity(json.choices[0].text);
  });

  it("can be several, which are those of seeds one after the other", async () => {
    const asked = { ...drawn, response_format: format(true) };
    const { choices } = await client.chat.completions.create({ ...asked, n: 3 });
    const texts = choices.map(({ message }) => message.content);
    assert.equal(new Set(texts).size, 3);
    for (const [index, text] of texts.entries()) {
      isCity(text);
      assert.equal((await ask({ ...asked, seed: 7 + index })).message.content, text);
    }
  });

  it("have log probabilities, those of the model without the form", async () => {
    const asked = { ...drawn, logprobs: true, top_logprobs: 2, response_format: { type: "choice", choice: ["Rome", "Paris"] } };
    const { message, logprobs } = await ask(asked);
    assert.equal(Buffer.from(logprobs.content.flatMap(({ bytes }) => bytes)).toString(), message.content);
    const free = await ask({ ...asked, response_format: { type: "text" }, max_tokens: 1 });
    const likeliest = ({ content }) => content[0].top_logprobs.map(({ token, logprob }) => [token, logprob.toFixed(3)]);
    assert.deepEqual(likeliest(logprobs), likeliest(free.logprobs));
    const streamed = [];
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) streamed.push(...chunk.choices[0].logprobs.content);
    assert.deepEqual(streamed, logprobs.content);
  });

  it("are cut by the token limit, which is said", async () => {
    const { message, finish_reason } = await ask({ ...drawn, response_format: format(true), max_tokens: 5 });
    assert.equal(finish_reason, "length");
    assert.throws(() => JSON.parse(message.content), SyntaxError);
    const parse = client.chat.completions.parse({ ...drawn, max_tokens: 5, response_format: zodResponseFormat(City, "city") });
    await assert.rejects(parse, OpenAI.LengthFinishReasonError);
  });

  it("end when their client goes away", async () => {
    const endless = { ...drawn, response_format: { type: "regex", regex: "[a-z ]{900}" }, max_tokens: 900, stream: true };
    const stream = await client.chat.completions.create(endless);
    let text = "";
    for await (const { choices } of stream) {
      text += choices[0].delta.content ?? "";
      if (text.length > 4) break;
    }
    stream.controller.abort();
    assert.match(text, /^[a-z ]+$/);
    const until = Date.now() + 20_000;
    let running;
    do running = (await (await fetch(`${server.base}/health`)).json()).running;
    while (running > 0 && Date.now() < until);
    assert.equal(running, 0);
    isCity((await ask({ ...drawn, response_format: format(true) })).message.content);
  });

  it("beside free ones are those that they are alone", async () => {
    const asked = (place) => ({
      ...drawn,
      seed: 50 + place,
      max_tokens: 10,
      messages: [{ role: "user", content: place % 4 < 2 ? "Tell me about Paris." : "Write a short story about Karin." }],
      ...(place % 2 === 1 && { response_format: place % 3 === 0 ? { type: "regex", regex: "([A-Z][a-z]{1,7} ){4}" } : format(true) }),
    });
    const say = async (place) => (await ask(asked(place))).message.content;
    const places = Array.from({ length: 16 }, (_, place) => place);
    const together = await Promise.all(places.map(say));
    for (const place of places) assert.equal(await say(place), together[place], `request ${place}`);
  });

  it("that cannot be are refused, and others go on", async () => {
    const refused = (response_format, param, message, code = null) =>
      assert.rejects(ask({ response_format }), (error) => {
        assert.deepEqual([error.status, error.param, error.code, error.type], [400, param, code, "invalid_request_error"], error.message);
        assert.match(error.message, message);
        return true;
      });
    const at = "response_format.json_schema.schema";
    await refused(format(true, { dependentRequired: {} }), at, /dependentRequired/);
    await refused(format(true, { properties: { a: { $ref: "#/$defs/none" } } }), at, /none/);
    await refused({ type: "json_schema", json_schema: { name: "n", schema: { type: "colour" }, strict: true } }, at, /colour/);
    await refused({ type: "json_object", schema: "{" }, "response_format.schema", /no JSON/);
    await refused({ type: "regex", regex: "(a" }, "response_format.regex", /unclosed|regex/i);
    await refused({ type: "grammar", grammar: "start: other" }, "response_format.grammar", /other/);
    await refused({ type: "choice", choice: [] }, "response_format.choice", /at least/, "invalid_value");
    await refused({ type: "structural_tag", format: { type: "tag", begin: "<a>" } }, "response_format.structural_tag", /`end`/);
    await refused({ type: "structural_tag", format: { type: "melody" } }, "response_format.structural_tag", /melody.*const_string/);
    const stream = ask({ stream: true, response_format: { type: "regex", regex: "(a" } });
    await assert.rejects(stream, { status: 400, param: "response_format.regex" });
    isCity((await ask({ ...drawn, response_format: format(true) })).message.content);
  });
});
