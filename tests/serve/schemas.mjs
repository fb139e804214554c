/**
 * Random JSON schemas, the same for the same seed. Texts and lists in them have bounds, so that answers end. They have only keywords that
 * the grammars express, so that a strict schema is taken, too.
 */

/** Numbers from 0 to 1 (mulberry32). */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = ["name", "age", "is_open", "x", "two words", "größe", "a\"b", "a/b~c", "$price", "items"];
const VALUES = ["red", "green", "", "it's \"so\"", "é\n", 0, -7, 3.5, 1e20, true, false, null];
const PATTERNS = ["^[a-z]{2,6}$", "^(yes|no)$", "^[A-Z][a-z]{0,8}( [A-Z])?$", "^\\d{1,3}(\\.\\d{2})?$", "^#[0-9a-f]{6}$"];
// Those of dates know how many days a month has, but not in which years.
const FORMATS = ["date", "time", "date-time", "uuid", "ipv4"];

/** A schema. */
export function randomSchema(seed) {
  const next = numbers(seed);
  const below = (count) => Math.floor(next() * count);
  const one = (list) => list[below(list.length)];
  const some = (list, least, most) => {
    const rest = [...list];
    return Array.from({ length: least + below(most - least + 1) }, () => rest.splice(below(rest.length), 1)[0]);
  };
  const definitions = {};

  const leaves = {
    string: () => {
      const minLength = below(3);
      return { type: "string", ...(minLength > 0 && { minLength }), maxLength: minLength + 1 + below(8) };
    },
    pattern: () => ({ type: "string", pattern: one(PATTERNS) }),
    format: () => ({ type: "string", format: one(FORMATS) }),
    integer: () => {
      const low = below(2000) - 1000;
      const high = low + 1 + below(500);
      const bounds = one([{ minimum: low, maximum: high }, { exclusiveMinimum: low, exclusiveMaximum: high + 1 }, { minimum: 0, maximum: 1 + below(99) }]);
      return { type: "integer", ...bounds };
    },
    multiple: () => ({ type: "integer", minimum: 0, maximum: 1000, multipleOf: 2 + below(9) }),
    number: () => ({ type: "number", minimum: below(10) - 5.5, maximum: 10 + below(90) / 4 }),
    boolean: () => ({ type: "boolean" }),
    null: () => ({ type: "null" }),
    several: () => ({ type: ["boolean", "null"] }),
    enum: () => ({ enum: some(VALUES, 2, 4) }),
    const: () => ({ const: one(VALUES) }),
  };
  const nodes = {
    object: (depth) => {
      const names = some(NAMES, depth > 2 ? 1 : 0, 4);
      const properties = Object.fromEntries(names.map((name) => [name, schema(depth - 1)]));
      return { type: "object", properties, required: names.filter(() => next() < 0.6), additionalProperties: false };
    },
    array: (depth) => {
      const minItems = below(3);
      return { type: "array", items: schema(depth - 1), ...(minItems > 0 && { minItems }), maxItems: minItems + below(3) };
    },
    tuple: (depth) => ({ type: "array", prefixItems: [schema(depth - 1), schema(depth - 1)], items: false, minItems: 2 }),
    anyOf: (depth) => ({ anyOf: [schema(depth - 1), schema(depth - 1)] }),
    reference: (depth) => {
      const name = `Part_${Object.keys(definitions).length}`;
      // The name is taken before the parts of the part take theirs.
      definitions[name] = true;
      definitions[name] = schema(depth - 1);
      return { $ref: `#/$defs/${name}` };
    },
    // A list that holds itself.
    chain: () => {
      definitions.chain ??= {
        type: "object",
        properties: { value: leaves.integer(), next: { anyOf: [{ type: "null" }, { $ref: "#/$defs/chain" }] } },
        required: ["value", "next"],
        additionalProperties: false,
      };
      return { $ref: "#/$defs/chain" };
    },
  };
  function schema(depth) {
    const kinds = depth > 0 && next() < 0.6 ? nodes : leaves;
    return kinds[one(Object.keys(kinds))](depth);
  }

  const root = next() < 0.8 ? nodes.object(3) : schema(2);
  return Object.keys(definitions).length > 0 ? { ...root, $defs: definitions } : root;
}
