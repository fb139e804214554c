/**
 * How long a page waits for the first token: the phases of a load from the network, and of later loads from the cache, in headless Chrome.
 * Prints a table; `--help` lists the options. The server is on this machine, so the figures leave out the time of a real download.
 */

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openPage } from "./browser.mjs";
import { compilePackage, distFolder } from "./library.mjs";
import { LOAD_USAGE, loadOptions } from "./options.mjs";
import { loadTable } from "./table.mjs";

let options;
try {
  options = loadOptions(process.argv.slice(2));
} catch (error) {
  console.error(`load: ${error.message}\n${LOAD_USAGE}`);
  process.exit(2);
}
if (options.help) {
  console.log(LOAD_USAGE);
  process.exit(0);
}

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tegula-load-"));
const loads = [];
if (options.json) writeFileSync(options.json, "");
try {
  const library = options.library ? resolve(options.library) : compilePackage(options.package, folder, options);
  const folders = { dist: distFolder(), package: resolve(options.package), library: dirname(library), bench: here };
  const query = new URLSearchParams({ library: basename(library), loads: options.loads, prompt: options.prompt });
  const onMessage = ({ load }) => {
    loads.push(load);
    if (options.json) appendFileSync(options.json, `${JSON.stringify(load)}\n`);
  };
  await openPage({ folders, address: `/bench/load.html?${query}`, timeout: options.timeout, onMessage });
} catch (error) {
  console.error(`load: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (loads.length > 0) console.log(loadTable(loads));
