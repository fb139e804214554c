/**
 * `npm run bench:serve`: what clients of an OpenAI-compatible server wait for. Works with `tegula serve` and with any other such server.
 * Streams run side by side, each of one prompt and one answer; then a conversation goes on for ten turns. Prints a line of JSON each.
 */

import { parseArgs } from "node:util";

const USAGE = `npm run bench:serve -- --url http://127.0.0.1:8080/v1 --model NAME [--streams 1,8,32] [--prompt 512] [--answer 128] [--turns 10]`;

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8080/v1" },
    model: { type: "string" },
    key: { type: "string", default: "-" },
    streams: { type: "string", default: "1,8,32" },
    prompt: { type: "string", default: "512" },
    answer: { type: "string", default: "128" },
    turns: { type: "string", default: "10" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help || !values.model) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
const [prompt, answer, turns] = [values.prompt, values.answer, values.turns].map(Number);

/** Ids that no other prompt has, so that nothing of it is known to the server. */
let made = 0;
const ids = (count) => Array.from({ length: count }, (_, place) => 1000 + ((place * 7919 + (made += 1) * 104_729) % 20_000));

/** Asks for an answer to ids, and gives when its tokens came, in milliseconds. */
async function ask(prompt, max_tokens) {
  const body = JSON.stringify({
    model: values.model,
    prompt,
    max_tokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${values.key}` };
  const begun = performance.now();
  const response = await fetch(`${values.url}/completions`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const times = [];
  let usage;
  let rest = "";
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + bytes).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const chunk = JSON.parse(line.slice(6));
      if (chunk.error) throw new Error(chunk.error.message);
      if (chunk.choices.length > 0) times.push(performance.now());
      usage = chunk.usage ?? usage;
    }
  }
  return { first: times[0] - begun, gaps: times.slice(1).map((time, place) => time - times[place]), usage };
}

/** The value below which a part of all values is. */
function quantile(list, part) {
  const sorted = list.toSorted((one, other) => one - other);
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(2));
}

await ask(ids(prompt), 8);
for (const streams of values.streams.split(",").map(Number)) {
  // The first round compiles what drivers compile late.
  let figures;
  for (let round = 0; round < 2; round += 1) {
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: streams }, () => ask(ids(prompt), answer)));
    const seconds = (performance.now() - begun) / 1000;
    const tokens = answers.reduce((sum, { usage }) => sum + usage.completion_tokens, 0);
    const [firsts, gaps] = [answers.map(({ first }) => first), answers.flatMap(({ gaps }) => gaps)];
    figures = {
      streams,
      prompt,
      answer,
      tokensPerSecond: Math.round(tokens / seconds),
      firstTokenMs: { median: quantile(firsts, 0.5), p99: quantile(firsts, 0.99) },
      betweenTokensMs: { median: quantile(gaps, 0.5), p99: quantile(gaps, 0.99) },
    };
  }
  console.log(JSON.stringify(figures));
}

// A conversation: each turn has what was said before, and a hundred tokens more.
let conversation = ids(prompt);
for (let turn = 1; turn <= turns; turn += 1) {
  const { first, usage } = await ask(conversation, 16);
  const cached = usage.prompt_tokens_details?.cached_tokens;
  console.log(JSON.stringify({ turn, promptTokens: usage.prompt_tokens, cachedTokens: cached, firstTokenMs: Number(first.toFixed(2)) }));
  conversation = [...conversation, ...ids(100)];
}
