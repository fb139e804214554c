/**
 * `npm run bench:structured`: what it costs to hold an answer to a form. Answers of one length are decoded freely, under an expression that
 * allows everything, and under a JSON schema, natively through `tegula serve` and in headless Chrome. Prints a line of JSON for each host.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openPage } from "./browser.mjs";
import { distFolder } from "./library.mjs";
import { measure } from "./structured-cases.mjs";

const USAGE = `npm run bench:structured -- --package FOLDER [--library FILE] [--program target/release/tegula] [--hosts native,chrome]
  [--tokens 256] [--temperature 0] [--rounds 3] [--prompt TEXT]`;

const { values } = parseArgs({
  options: {
    package: { type: "string" },
    library: { type: "string" },
    program: { type: "string", default: "target/release/tegula" },
    hosts: { type: "string", default: "native,chrome" },
    tokens: { type: "string", default: "256" },
    temperature: { type: "string", default: "0" },
    rounds: { type: "string", default: "3" },
    prompt: { type: "string", default: "A table of shops as JSON:" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help || !values.package) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
const numbers = Object.fromEntries(["tokens", "temperature", "rounds"].map((name) => [name, Number(values[name])]));
const options = { prompt: values.prompt, ...numbers };
const library = resolve(values.library ?? `${values.package}/library.wasm`);

const HOSTS = {
  async native() {
    const args = ["serve", `model=${values.package}`, "--port", "0", ...(values.library ? ["--library", library] : [])];
    const server = spawn(values.program, args, { stdio: ["ignore", "ignore", "pipe"] });
    try {
      const url = await address(server);
      return await measure(async (request) => {
        const headers = { "Content-Type": "application/json" };
        const response = await fetch(`${url}/v1/completions`, { method: "POST", headers, body: JSON.stringify(request) });
        if (!response.ok) throw new Error(await response.text());
        return response.json();
      }, options);
    } finally {
      // One that has ended tells so no more.
      if (server.exitCode === null && server.kill()) await once(server, "exit");
    }
  },
  async chrome() {
    const here = dirname(fileURLToPath(import.meta.url));
    const folders = { dist: distFolder(), package: resolve(values.package), library: dirname(library), bench: here };
    const query = new URLSearchParams({ library: basename(library), ...options });
    let speeds;
    const onMessage = (message) => (speeds = message.speeds);
    await openPage({ folders, address: `/bench/structured.html?${query}`, timeout: 300, onMessage });
    return speeds;
  },
};

/** The address that a server tells when it listens. */
function address(server) {
  return new Promise((resolve, reject) => {
    let text = "";
    server.stderr.on("data", (bytes) => {
      text += bytes;
      const found = /http:\/\/[^\s/]+/.exec(text)?.[0];
      if (found) resolve(found);
    });
    server.on("exit", () => reject(new Error(`the server ended: ${text}`)));
  });
}

for (const host of values.hosts.split(",")) {
  const speeds = await HOSTS[host]();
  const shown = Object.fromEntries(Object.entries(speeds).map(([name, speed]) => [name, Math.round(speed)]));
  console.log(JSON.stringify({ host, ...options, prompt: undefined, ...shown }));
}
