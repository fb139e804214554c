/** Weight packages with their libraries, made by the command-line program as anyone would make them. */

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

/** The repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");

/** The command-line program, as `cargo build` leaves it. */
export const TEGULA = join(target, "debug", "tegula");

/** Configs of small models, a file each. */
export const CONFIGS = join(ROOT, "tests", "fixtures", "configs");

const stories = join(ROOT, "..", "shared", "data", "models", "stories260K", "hf");

/** The built demo, with the npm package in `tegula/`. */
export const SITE = join(target, "www");

/** What is wrong with this checkout, for tests that need more than it has; nothing if all is there. */
export const noStories = existsSync(stories) ? false : "../shared/data is absent";

/** What the reference implementation says of stories260K. */
export const golden = () => JSON.parse(readFileSync(join(stories, "golden.json"), "utf8"));

/**
 * Makes packages in a new folder: `random/`, a Llama with random weights in several shards and a chat template; `other/`, the same with
 * a library for another quantization; `stories/`, the real model where it is there. Gives the folder. Their libraries take `batch` sequences
 * at once: kernels for more than one take half of the time that a load takes here.
 */
export function makePackages(batch) {
  const folder = mkdtempSync(join(tmpdir(), "tegula-packages-"));
  const source = join(folder, "source");
  run("cargo", ["run", "--quiet", "--package", "xtask", "--", "fixture", source]);
  for (const [name, quantization] of [["random", "q4f16_1"], ["other", "q0f32"]]) convert(source, join(folder, name), quantization, batch);
  split(join(folder, "random"), 4);
  if (!noStories) convert(stories, join(folder, "stories"), "q0f32", batch);
  return folder;
}

/** The plan of a model library, and the texts of its kernels. */
export async function readLibrary(file) {
  const module = await WebAssembly.compile(readFileSync(file));
  const section = (name) => JSON.parse(inflateRawSync(Buffer.from(WebAssembly.Module.customSections(module, name)[0])).toString());
  return { plan: section("tegula.plan"), texts: section("tegula.wgsl") };
}

function convert(source, output, quantization, batch) {
  run(TEGULA, ["convert", source, "-o", output, "--quantization", quantization]);
  run(TEGULA, ["compile", output, "-o", join(output, "library.wasm"), "--max-batch-size", String(batch)]);
}

/** Deals the tensors of a package's only shard out to `count` shards. */
function split(folder, count) {
  const manifest = JSON.parse(readFileSync(join(folder, "tensor-cache.json"), "utf8"));
  const [whole, ...others] = manifest.records;
  if (others.length > 0) throw new Error(`${folder} has several shards already`);
  const bytes = readFileSync(join(folder, whole.dataPath));
  rmSync(join(folder, whole.dataPath));
  const each = Math.ceil(whole.records.length / count);
  manifest.records = Array.from({ length: count }, (_, index) => {
    const parts = [];
    let byteOffset = 0;
    const records = whole.records.slice(index * each, (index + 1) * each).map((record) => {
      parts.push(bytes.subarray(record.byteOffset, record.byteOffset + record.nbytes));
      byteOffset += record.nbytes;
      return { ...record, byteOffset: byteOffset - record.nbytes };
    });
    const shard = Buffer.concat(parts);
    const dataPath = `params_shard_${index}.bin`;
    writeFileSync(join(folder, dataPath), shard);
    return { ...whole, dataPath, nbytes: shard.length, md5sum: createHash("md5").update(shard).digest("hex"), records };
  });
  writeFileSync(join(folder, "tensor-cache.json"), JSON.stringify(manifest));
}

function run(program, args) {
  try {
    execFileSync(program, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} failed: ${error.stderr ?? error.message}`, { cause: error });
  }
}
