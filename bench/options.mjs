/** The options of the benchmark's commands. Nothing here touches files, so that it can be tested. */

import { parseArgs } from "node:util";

/** Where the runtime can run: the program, headless Chrome, Node with Dawn. */
export const HOSTS = ["native", "chrome", "node"];

export const USAGE = `npm run bench -- [--host chrome] [--shape llama-3.2-1b] [--contexts 512] [--batches 1]
  --host chrome,node,native   where to measure, one after the other
  --shape NAME,…              configs in bench/shapes, or paths of others
  --library FILE.wasm         measure this library instead of compiling one (with one shape, which gives the rows their name)
  --contexts 512,4096,16384   tokens of the prompt
  --batches 1,4,8             sequences that are decoded together
  --decode 128                tokens of each sequence to decode
  --repetitions 3             rounds, of which the median counts
  --run-ahead 6               steps under way at once, where not as many as the engine has
  --temperature 0.8           draw ids instead of taking the likeliest, among those of
  --top-p 0.95                so much probability
  --quantization q4f16_1      how weights are stored
  --activations float         what prompts are multiplied as: float or int8
  --device NAME               compile for the GPU of this name instead of for all
  --records FILE              compile by these records instead of those that come with the program
  --baseline                  use no optional features of the device
  --no-matrix                 hide matrix units in Chrome and Node, which people's browsers have behind a flag
  --dawn-flags "a b"          what Dawn is started with in Node
  --json FILE                 write the figures, a line each
  --timeout 600               seconds that a host has for a shape
  --tegula FILE, --pkg FOLDER the program and the web build, where they are not where the build puts them`;

const text = (value) => ({ type: "string", ...(value !== undefined && { default: value }) });

/** Arguments that every command here takes. */
const SHARED = {
  shape: text("llama-3.2-1b"),
  contexts: text("512"),
  batches: text("1"),
  decode: text("128"),
  repetitions: text("3"),
  "run-ahead": text(),
  temperature: text(),
  "top-p": text("1"),
  quantization: text("q4f16_1"),
  activations: text("float"),
  device: text(),
  records: text(),
  baseline: { type: "boolean", default: false },
  "no-matrix": { type: "boolean", default: false },
  "dawn-flags": text("enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis"),
  json: text(),
  timeout: text("600"),
  tegula: text(),
  pkg: text(),
};

/** Reads the arguments of `npm run bench`; throws an `Error` that says what is wrong with them. */
export function benchOptions(argv) {
  const { values } = parseArgs({ args: argv, options: { host: text("chrome"), library: text(), help: { type: "boolean", short: "h", default: false }, ...SHARED } });
  const options = { ...shared(values), hosts: list(values.host), library: values.library, help: values.help };
  check("--host", options.hosts, HOSTS);
  if (options.library && options.shapes.length > 1) throw new Error("--library goes with one --shape");
  return options;
}

/** Reads the arguments of `bench/peers/compare.mjs`: its first is the folder of the peers. */
export function compareOptions(argv, entrants) {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options: { only: text(entrants.join(",")), "browser-contexts": text(), ...SHARED } });
  if (positionals.length > 1) throw new Error(`one folder of peers, not ${positionals.length}`);
  const options = { ...shared(values), folder: positionals[0], only: list(values.only) };
  options.browserContexts = values["browser-contexts"] === undefined ? options.contexts : numbers("--browser-contexts", values["browser-contexts"]);
  check("--only", options.only, entrants);
  return options;
}

function shared(values) {
  return {
    shapes: list(values.shape),
    contexts: numbers("--contexts", values.contexts),
    batches: numbers("--batches", values.batches),
    decode: number("--decode", values.decode),
    repetitions: number("--repetitions", values.repetitions),
    runAhead: values["run-ahead"] && number("--run-ahead", values["run-ahead"]),
    drawing: values.temperature && { temperature: decimal("--temperature", values.temperature), top_p: decimal("--top-p", values["top-p"]) },
    timeout: number("--timeout", values.timeout),
    quantization: values.quantization,
    activations: values.activations,
    device: values.device,
    records: values.records,
    baseline: values.baseline,
    matrix: !values["no-matrix"],
    dawnFlags: values["dawn-flags"].split(/\s+/).filter(Boolean),
    json: values.json,
    tegula: values.tegula,
    pkg: values.pkg,
  };
}

export const LOAD_USAGE = `npm run bench:load -- [PACKAGE]
  PACKAGE                     a folder with a weight package (models/tegula-tiny)
  --library FILE.wasm         its library, instead of compiling one
  --loads 3                   how often it is loaded; the first time from the network
  --prompt "Hello!"           what the first token answers
  --json FILE                 write the times, a line a load, in milliseconds
  --timeout 600               seconds for everything
  --tegula FILE               the program, where it is not where the build puts it`;

/** Reads the arguments of `npm run bench:load`. */
export function loadOptions(argv) {
  const options = { library: text(), loads: text("3"), prompt: text("Hello!"), json: text(), timeout: text("600"), tegula: text(), help: { type: "boolean", short: "h", default: false } };
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options });
  if (positionals.length > 1) throw new Error(`one package, not ${positionals.length}`);
  return { ...values, package: positionals[0] ?? "models/tegula-tiny", loads: number("--loads", values.loads), timeout: number("--timeout", values.timeout) };
}

/** What the options come to for the runtime: every context with every batch, the small ones first, since caches grow as they go. */
export function workloads({ contexts, batches, decode, repetitions, runAhead, drawing }) {
  const rest = { decode_tokens: decode, repetitions, run_ahead: runAhead, drawing };
  return contexts.flatMap((context) => batches.map((batch) => ({ prompt_tokens: context, batch, ...rest })));
}

/** What a library must hold for the workloads: the longest sequence, in whole multiples of 1024, and the largest batch. */
export function librarySize({ contexts, batches, decode }) {
  const batch = Math.max(...batches);
  const prompt = Math.max(...contexts);
  // While the prompts of a batch start, those that have started get tokens between their chunks.
  const longest = prompt + decode + 2 * batch * Math.ceil(prompt / 1024);
  return { context: Math.max(4096, Math.ceil(longest / 1024) * 1024), batch };
}

function list(value) {
  const items = value.split(",").map((item) => item.trim()).filter(Boolean);
  if (items.length === 0) throw new Error("an empty list");
  return items;
}

function numbers(name, value) {
  return [...new Set(list(value).map((item) => number(name, item)))].sort((a, b) => a - b);
}

function number(name, value) {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`${name}: ${JSON.stringify(value)} is not a whole number of 1 or more`);
  return count;
}

function decimal(name, value) {
  const parsed = Number(value);
  if (!value.trim() || !(parsed >= 0) || !Number.isFinite(parsed)) throw new Error(`${name}: ${JSON.stringify(value)} is not a number of 0 or more`);
  return parsed;
}

function check(name, items, known) {
  const unknown = items.find((item) => !known.includes(item));
  if (unknown !== undefined) throw new Error(`${name}: there is no ${unknown}, only ${known.join(", ")}`);
}
