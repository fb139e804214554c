/** The command line of the benchmark. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { benchOptions, compareOptions, librarySize, loadOptions, workloads } from "../options.mjs";

test("lists are sorted, made unique and multiplied", () => {
  const options = benchOptions(["--shape", "a,b", "--host", "node, chrome", "--contexts", "4096,512,512", "--batches", "4,1", "--decode", "8"]);
  assert.deepEqual(options.shapes, ["a", "b"]);
  assert.deepEqual(options.hosts, ["node", "chrome"]);
  assert.deepEqual(workloads(options).map((workload) => [workload.prompt_tokens, workload.batch]), [[512, 1], [512, 4], [4096, 1], [4096, 4]]);
  assert.deepEqual(workloads(options)[0], { prompt_tokens: 512, batch: 1, decode_tokens: 8, repetitions: 3, run_ahead: undefined, drawing: undefined });
  const drawn = benchOptions(["--run-ahead", "8", "--temperature", "0.8", "--top-p", "0.95"]);
  assert.deepEqual(workloads(drawn)[0], { prompt_tokens: 512, batch: 1, decode_tokens: 128, repetitions: 3, run_ahead: 8, drawing: { temperature: 0.8, top_p: 0.95 } });
});

test("Dawn's flags are separated by spaces, because they hold commas", () => {
  assert.deepEqual(benchOptions(["--dawn-flags", "backend=vulkan enable-dawn-features=a,b"]).dawnFlags, ["backend=vulkan", "enable-dawn-features=a,b"]);
  assert.deepEqual(benchOptions(["--dawn-flags", ""]).dawnFlags, []);
});

test("matrix units are hidden where that is asked for", () => {
  assert.deepEqual([benchOptions([]).matrix, benchOptions(["--no-matrix"]).matrix, compareOptions(["--no-matrix"], ["native"]).matrix], [true, false, false]);
});

test("what is wrong is named", () => {
  for (const [argv, what] of [[["--host", "firefox"], /firefox/], [["--batches", "0"], /--batches/], [["--contexts", "1e99"], /--contexts/], [["--contexts", "many"], /many/], [["--shape", ","], /empty/], [["--frob"], /frob/], [["--shape", "a,b", "--library", "l.wasm"], /--library/], [["--run-ahead", "0"], /--run-ahead/], [["--temperature", "hot"], /--temperature/]]) {
    assert.throws(() => benchOptions(argv), what);
  }
  assert.throws(() => compareOptions(["a", "b"], ["native"]), /one folder/);
  assert.throws(() => compareOptions(["--only", "nobody"], ["native"]), /nobody/);
});

test("other engines in the browser may have prompts of their own", () => {
  const options = compareOptions(["folder", "--contexts", "512,4096"], ["native", "chrome"]);
  assert.deepEqual([options.folder, options.only, options.browserContexts], ["folder", ["native", "chrome"], [512, 4096]]);
  assert.deepEqual(compareOptions(["--browser-contexts", "512", "--contexts", "512,4096"], ["native"]).browserContexts, [512]);
});

test("a library holds the longest sequence and the largest batch", () => {
  assert.deepEqual(librarySize({ contexts: [512], batches: [1], decode: 128 }), { context: 4096, batch: 1 });
  assert.deepEqual(librarySize({ contexts: [512, 16384], batches: [1, 8], decode: 128 }), { context: 17408, batch: 8 });
});

test("loads are counted, and one package is loaded", () => {
  assert.deepEqual([loadOptions([]).package, loadOptions(["p", "--loads", "2"]).package, loadOptions(["p", "--loads", "2"]).loads], ["models/tegula-tiny", "p", 2]);
  assert.throws(() => loadOptions(["a", "b"]), /one package/);
  assert.throws(() => loadOptions(["--loads", "0"]), /--loads/);
});
