/** What the builds of the two pages share: the demo's (build.mjs) and that of `tegula serve` (served.mjs). */

import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, and the folder of the sources. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const source = join(root, "www");

/** Settings of esbuild. */
export const shared = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "linked",
  logLevel: "warning",
};

/** And those for the scripts and styles of a page. */
export const modules = {
  ...shared,
  format: "esm",
  // What only some answers need is in files of its own.
  splitting: true,
  chunkNames: "[name]-[hash]",
};

/** index.html with what is for this page: lines between marks are for one page only. */
export function pageFor(name) {
  let only;
  const lines = readFileSync(join(source, "index.html"), "utf8").split("\n");
  const kept = lines.filter((line) => {
    const mark = /^ *<!-- (?:only: (?<page>\w+)|end) -->$/.exec(line);
    if (mark) only = mark.groups.page;
    return !mark && (only === undefined || only === name);
  });
  return kept.join("\n");
}

/** KaTeX's style and fonts, in the one format that every browser with WebGPU reads. */
export function formulas(app) {
  const katex = join(root, "node_modules", "katex", "dist");
  const style = readFileSync(join(katex, "katex.min.css"), "utf8").replace(
    /,url\(fonts\/[^)]+\.(?:woff|ttf)\) format\("[^"]+"\)/g,
    "",
  );
  if (/\.(?:woff|ttf)\)/.test(style))
    throw new Error("KaTeX's style names its fonts in a new way: www/build.mjs has to be changed");
  mkdirSync(join(app, "katex", "fonts"), { recursive: true });
  writeFileSync(join(app, "katex", "katex.css"), style);
  cpSync(join(katex, "..", "LICENSE"), join(app, "katex", "LICENSE"));
  for (const font of readdirSync(join(katex, "fonts"))) {
    if (font.endsWith(".woff2"))
      cpSync(join(katex, "fonts", font), join(app, "katex", "fonts", font));
  }
}

/** The files in a folder, at any depth. */
export function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}
