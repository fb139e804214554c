/**
 * Builds the page of `tegula serve` into `serve/page/`, from where the crate `tegula-serve` takes it
 * into the program. What has not changed is left alone, so that Cargo compiles nothing again.
 */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { files, formulas, modules, pageFor, root, source } from "./sources.mjs";

const made = join(root, "target", "served");
const place = join(root, "serve", "page");

rmSync(made, { recursive: true, force: true });
await build({
  ...modules,
  entryPoints: [
    { in: join(source, "served", "main.ts"), out: "served" },
    { in: join(source, "demo.css"), out: "demo" },
  ],
  outdir: join(made, "app"),
});
formulas(join(made, "app"));
writeFileSync(join(made, "index.html"), pageFor("served"));
cpSync(join(source, "icon.svg"), join(made, "icon.svg"));

for (const file of files(place)) {
  const name = relative(place, file);
  // Git keeps the folder by this file.
  if (name !== ".gitignore" && !existsSync(join(made, name))) rmSync(file);
}
for (const file of files(made)) {
  const to = join(place, relative(made, file));
  if (existsSync(to) && readFileSync(to).equals(readFileSync(file))) continue;
  mkdirSync(dirname(to), { recursive: true });
  cpSync(file, to);
}
