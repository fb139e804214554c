/**
 * Tegula beside other engines, in one run on one machine: the same shapes with random weights of 4 bits, one after the other, and one
 * table.
 *
 *   node bench/peers/compare.mjs [FOLDER] [--only native,chrome,node,llama.cpp,wllama,onnxruntime-web] [--browser-contexts 512]
 *     [options of npm run bench]
 *
 * --browser-contexts are the prompts for other engines in the browser, some of which need minutes for the long ones. README.md says what
 * lies in FOLDER. An engine that fails, or whose files are missing, is named with the reason, and the others go on.
 */

import { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openPage } from "../browser.mjs";
import { lines, measureOn } from "../hosts.mjs";
import { compileShape, shapeName } from "../library.mjs";
import { HOSTS, compareOptions, workloads } from "../options.mjs";
import { table } from "../table.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Files of a peer below its folder, and how it is measured. */
const PEERS = {
  "llama.cpp": {
    package: "node-llama-cpp",
    model: (shape) => ggufFiles(shape, false),
    measure: ({ files, options, onFigures }) => {
      const task = { package: at("node_modules", "node-llama-cpp", "dist", "index.js"), model: at("models", files[0]), workloads: workloads(options) };
      return lines(process.execPath, [join(here, "llamacpp.mjs"), JSON.stringify(task)], options.timeout, onFigures);
    },
  },
  wllama: {
    package: "@wllama/wllama",
    model: (shape) => ggufFiles(shape, true),
    measure: ({ files, options, onFigures }) => inPage("wllama.html", { files: JSON.stringify(files) }, options, onFigures),
  },
  "onnxruntime-web": {
    package: "onnxruntime-web",
    model: (shape) => (existsSync(at("models", shape, "model.onnx")) ? [`${shape}/`] : []),
    measure: ({ files, options, onFigures }) => inPage("onnxruntime.html", { folder: files[0] }, options, onFigures),
  },
};

let options;
try {
  options = compareOptions(process.argv.slice(2), [...HOSTS, ...Object.keys(PEERS)]);
} catch (error) {
  console.error(`compare: ${error.message}`);
  process.exit(2);
}
const folder = resolve(options.folder ?? "peers");
const figures = [];
const failures = [];
if (options.json) writeFileSync(options.json, "");

for (const shape of options.shapes) {
  const name = shapeName(shape);
  let built;
  try {
    built = options.only.some((engine) => HOSTS.includes(engine)) && compileShape(shape, options);
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
    console.error(failures.at(-1));
    continue;
  }
  for (const engine of options.only) {
    const host = HOSTS.includes(engine) ? `Tegula, ${engine}` : engine;
    const version = PEERS[engine] && packageVersion(PEERS[engine].package);
    const onFigures = (report) => {
      const figure = { host, shape: name, ...(version && { version }), ...report };
      figures.push(figure);
      if (options.json) appendFileSync(options.json, `${JSON.stringify(figure)}\n`);
      console.error(`${name}, ${host}: ${report.prompt_tokens} × ${report.batch}: decode ${report.decode_tokens_per_second.toFixed(1)} tok/s`);
    };
    try {
      await measure(engine, name, built, onFigures);
    } catch (error) {
      failures.push(`${name}, ${host}: ${error.message}`);
      console.error(failures.at(-1));
    }
  }
}
if (figures.length > 0) console.log(table(figures, figures.find(({ host }) => host.startsWith("Tegula"))?.host ?? figures[0].host));
for (const line of new Set(figures.filter(({ version }) => version).map(({ host, version }) => `- ${host}: ${version}`))) console.log(line);
for (const failure of failures) console.log(`- ${reason(failure)}`);
process.exit(figures.length > 0 ? 0 : 1);

async function measure(engine, shape, built, onFigures) {
  if (measureOn[engine]) return measureOn[engine]({ ...built, options, onFigures });
  const peer = PEERS[engine];
  if (!existsSync(at("node_modules", peer.package))) throw new Error(`not measured: ${folder} has no ${peer.package}`);
  const files = peer.model(shape);
  if (files.length === 0) throw new Error(`not measured: ${folder} has no model for it`);
  return peer.measure({ files, options, onFigures });
}

/** The line of a failure that says why, behind whose it is. */
function reason(failure) {
  const [first, ...rest] = failure.split("\n");
  const error = rest.find((line) => /^\w*Error: /.test(line));
  return error ? `${first.split(": ")[0]}: ${error}` : first;
}

/** A peer's package and its version, as it is installed. */
function packageVersion(name) {
  const file = at("node_modules", name, "package.json");
  return existsSync(file) ? `${name} ${JSON.parse(readFileSync(file, "utf8")).version}` : undefined;
}

function at(...path) {
  return join(folder, ...path);
}

/** The GGUF of a shape: in parts, which a browser needs beyond 2 GB, or whole. */
function ggufFiles(shape, parts) {
  const names = existsSync(at("models")) ? readdirSync(at("models")).sort() : [];
  const split = names.filter((name) => name.startsWith(`${shape}-0`) && name.endsWith(".gguf"));
  const whole = names.filter((name) => name === `${shape}.gguf`);
  return (parts ? [split, whole] : [whole, split]).find((list) => list.length > 0) ?? [];
}

/** Opens a page of this folder. It measures prompts one by one: these engines have a single sequence in a browser. */
function inPage(page, query, settings, onFigures) {
  const list = workloads({ ...settings, contexts: settings.browserContexts, batches: [1] });
  const address = `/pages/${page}?${new URLSearchParams({ ...query, workloads: JSON.stringify(list) })}`;
  const onMessage = ({ figures: report, note }) => (report ? onFigures(report) : console.error(note));
  return openPage({ folders: { pages: here, peers: folder }, address, timeout: settings.timeout, onMessage });
}
