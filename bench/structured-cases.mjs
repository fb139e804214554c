/** The requests that `npm run bench:structured` compares, for both hosts: answers of one length, free and held to a form. */

/** An endless table, so that every answer has as many tokens as it is allowed. */
const ROW = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 24 },
    kind: { enum: ["small", "medium", "large"] },
    count: { type: "integer" },
    tags: { type: "array", items: { type: "string", maxLength: 12 }, maxItems: 3 },
  },
  required: ["name", "kind", "count", "tags"],
  additionalProperties: false,
};
const SCHEMA = { type: "array", items: ROW, minItems: 1000 };

/** By name: what is added to a request. `any` costs what looking costs, since it refuses nothing. */
export const CASES = {
  free: {},
  any: { structured_outputs: { regex: "(?s:.)*" } },
  schema: { structured_outputs: { json: SCHEMA } },
};

/** The body of a completion. */
export function request(more, prompt, tokens, temperature) {
  return { prompt, max_tokens: tokens, temperature, seed: 1, ignore_eos: true, ...more };
}

/** Runs each case `rounds` times, in turns, and gives its best speed in tokens per second. `complete` answers a request. */
export async function measure(complete, { prompt, tokens, temperature, rounds }) {
  const best = Object.fromEntries(Object.keys(CASES).map((name) => [name, 0]));
  // The first round compiles what is compiled late.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, more] of Object.entries(CASES)) {
      const { usage } = await complete(request(more, prompt, tokens, temperature));
      if (usage.completion_tokens !== tokens) throw new Error(`${name} ended after ${usage.completion_tokens} of ${tokens} tokens`);
      if (round > 0) best[name] = Math.max(best[name], usage.extra.decode_tokens_per_s);
    }
  }
  return best;
}
