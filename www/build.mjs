/**
 * Builds `target/www/`, the demo: a page, a service worker, and all else in a folder that is named
 * after its content. So a page of one build never gets a file of another, from whatever cache.
 * Builds the page of `tegula serve` from the same sources (served.mjs).
 *
 *   node www/build.mjs   around the npm package in `dist/`, as js/build.mjs does
 */

import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { files, formulas, modules, pageFor, root, shared, source } from "./sources.mjs";

const site = join(root, "target", "www");
const app = join(site, "app");

// The folder may hold models that `npm start` converted: only the demo's own files are replaced.
mkdirSync(site, { recursive: true });
for (const name of readdirSync(site)) {
  if (/^(?:app|app-.*|tegula|demo\..*)$/.test(name))
    rmSync(join(site, name), { recursive: true, force: true });
}
await build({
  ...modules,
  entryPoints: [
    { in: join(source, "main.ts"), out: "demo" },
    { in: join(source, "demo.css"), out: "demo" },
  ],
  outdir: app,
  // The page's import map names the npm package's own files.
  external: ["tegula"],
});
cpSync(join(root, "dist"), join(app, "tegula"), {
  recursive: true,
  filter: (file) => !/\.(?:d\.ts|map)$/.test(file),
});
formulas(app);

const listed = new Map(
  [...files(app)]
    .filter((file) => needed(file))
    .sort()
    .map((file) => [relative(app, file), hash(readFileSync(file))]),
);
const version = hash(JSON.stringify([...listed])).slice(0, 12);
const folder = `app-${version}`;
renameSync(app, join(site, folder));
// The package at an address that stays, for pages and tests that import it by hand.
symlinkSync(join(folder, "tegula"), join(site, "tegula"), "junction");
cpSync(join(source, "icon.svg"), join(site, "icon.svg"));
writeFileSync(join(site, "index.html"), page());
await worker();
await import("./served.mjs");
const size = gzipSync(readFileSync(join(site, folder, "demo.js")), { level: 9 }).length;
console.log(`demo.js, at the start of the page  gzip ${(size / 1024).toFixed(1)} KiB`);

/** Whether the page may ask for a file. Of the npm package, what its entries for pages lead to. */
function needed(file) {
  const [top, name] = relative(app, file).split(/[\\/]/);
  return top === "tegula" ? reachable().has(name) : !/(?:LEGAL\.txt|LICENSE)$/.test(file);
}

/**
 * The files of the npm package that index.js and worker.js name, and those that these name. Without the module for grammars, which is large:
 * the demo asks for no answers of a form.
 */
function reachable() {
  const found = new Set(["index.js", "worker.js"]);
  for (const name of found) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(app, "tegula", name), "utf8");
    for (const [, other] of text.matchAll(/["'`](?:\.\/)?([\w.-]+\.(?:js|wasm))["'`]/g)) {
      if (other !== "tegula-grammar.wasm" && readdirSync(join(app, "tegula")).includes(other)) found.add(other);
    }
  }
  return found;
}

/**
 * The page, with the folder's name and a policy under which only the demo's own scripts run,
 * whatever an answer holds.
 */
function page() {
  const text = pageFor("demo").replace(/(["/])app\//g, `$1${folder}/`);
  const map = /<script type="importmap">([^]*?)<\/script>/.exec(text)[1];
  const mapHash = createHash("sha256").update(map).digest("base64");
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'wasm-unsafe-eval' 'sha256-${mapHash}'`,
    // KaTeX places its boxes with styles of elements.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self'",
    // Models may lie anywhere.
    "connect-src *",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return text.replace(
    "<title>",
    `<meta http-equiv="Content-Security-Policy" content="${policy}" />\n    <title>`,
  );
}

/** The service worker, with the list of the files that it keeps. */
function worker() {
  const list = Object.fromEntries(
    [...listed].map(([path, sum]) => [`${folder}/${path.replaceAll("\\", "/")}`, sum]),
  );
  for (const name of ["index.html", "icon.svg"]) list[name] = hash(readFileSync(join(site, name)));
  const define = {
    FILES: JSON.stringify(list),
    VERSION: JSON.stringify(hash(JSON.stringify(list)).slice(0, 12)),
  };
  return build({
    ...shared,
    format: "iife",
    entryPoints: [join(source, "sw.ts")],
    outfile: join(site, "sw.js"),
    define,
  });
}

function hash(data) {
  return createHash("sha256").update(data).digest("hex");
}
