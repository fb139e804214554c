/** Measures a library on a host. Figures are handed over one by one, so that those before a failure are not lost. */

import { spawn } from "node:child_process";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openPage } from "./browser.mjs";
import { pkgFolder, tegulaProgram } from "./library.mjs";
import { workloads } from "./options.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** By name: each measures `library` (a file; `config` is what it was compiled from) as the options say. */
export const measureOn = {
  native({ library, config, options, onFigures }) {
    const { contexts, batches, decode, repetitions, baseline, runAhead, drawing } = options;
    const args = ["bench", config, "--library", library, "--random-weights", "--json", "--contexts", contexts, "--batches", batches, "--decode-tokens", decode, "--repetitions", repetitions];
    if (runAhead) args.push("--run-ahead", runAhead);
    if (drawing) args.push("--temperature", drawing.temperature, "--top-p", drawing.top_p);
    return lines(tegulaProgram(options), [...args.map(String), ...(baseline ? ["--baseline"] : [])], options.timeout, onFigures);
  },

  chrome({ library, options, onFigures }) {
    const query = new URLSearchParams({ library: basename(library), workloads: JSON.stringify(workloads(options)) });
    if (options.baseline) query.set("baseline", "");
    if (!options.matrix) query.set("no-matrix", "");
    const folders = { pkg: pkgFolder(options), library: dirname(library), bench: here };
    return openPage({ folders, address: `/bench/page.html?${query}`, timeout: options.timeout, onMessage: ({ figures }) => onFigures(figures) });
  },

  node({ library, options, onFigures }) {
    const task = { pkg: pkgFolder(options), library, workloads: workloads(options), dawnFlags: options.dawnFlags, baseline: options.baseline, matrix: options.matrix };
    return lines(process.execPath, [join(here, "node.mjs"), JSON.stringify(task)], options.timeout, onFigures);
  },
};

/** Runs a program that prints a line of JSON for each result; throws what it says on stderr where it fails. */
export async function lines(program, args, timeout, onLine, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: timeout * 1000, killSignal: "SIGKILL", ...options });
  let complaint = "";
  child.stderr.on("data", (data) => (complaint = (complaint + data).slice(-4000)));
  const ended = new Promise((resolve, reject) => child.on("error", reject).on("close", (...how) => resolve(how)));
  ended.catch(() => {});
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) onLine(JSON.parse(line));
  }
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`${basename(program)} ended with ${code ?? signal}${signal === "SIGKILL" ? ` (within ${timeout} s?)` : ""}: ${complaint.trim()}`);
}
