/**
 * `npm run bench`: the figures of `tegula bench` for shapes of models with random weights, natively, in Chrome, and in Node on Dawn.
 * Prints a table; `--help` lists the options.
 */

import { appendFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { measureOn } from "./hosts.mjs";
import { compileShape, shapeConfig, shapeName } from "./library.mjs";
import { USAGE, benchOptions } from "./options.mjs";
import { table } from "./table.mjs";

let options;
try {
  options = benchOptions(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error.message}\n${USAGE}`);
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}

const figures = [];
let failed = false;
if (options.json) writeFileSync(options.json, "");
for (const shape of options.shapes) {
  let built;
  try {
    built = options.library ? { config: shapeConfig(shape), library: resolve(options.library) } : compileShape(shape, options);
  } catch (error) {
    failed = true;
    console.error(`bench: ${error.message}`);
    continue;
  }
  for (const host of options.hosts) {
    const onFigures = (report) => {
      const figure = { host, shape: shapeName(shape), ...report };
      figures.push(figure);
      if (options.json) appendFileSync(options.json, `${JSON.stringify(figure)}\n`);
    };
    try {
      await measureOn[host]({ ...built, options, onFigures });
    } catch (error) {
      failed = true;
      console.error(`bench: ${shape}, ${host}: ${error.message}`);
    }
  }
}
if (figures.length > 0) console.log(table(figures, options.hosts[0]));
process.exit(failed ? 1 : 0);
