/** The table of figures. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadTable, table } from "../table.mjs";

const tegula = { host: "native", shape: "s", prompt_tokens: 512, batch: 1, decode_tokens_per_second: 800, prefill_tokens_per_second: 12_345, dispatches_per_step: 84, bytes_per_step: 700e6, stream_bytes_per_second: 4e12 };

const cells = (text) => text.split("\n").filter((line) => line.startsWith("| s ")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

test("others are held against the reference, its bytes and the fastest stream", () => {
  const chrome = { ...tegula, host: "chrome", decode_tokens_per_second: 600, stream_bytes_per_second: 5e12 };
  const peer = { host: "other", shape: "s", prompt_tokens: 512, batch: 1, decode_tokens_per_second: 400, prefill_tokens_per_second: 24_690 };
  const text = table([tegula, chrome, peer], "native");
  assert.deepEqual(cells(text), [
    ["s", "512 × 1", "native", "800", "1.00", "11 %", "12350", "1.00", "84", "700 MB"],
    ["s", "512 × 1", "chrome", "600", "0.75", "8.4 %", "12350", "1.00", "84", "700 MB"],
    ["s", "512 × 1", "other", "400", "0.50", "5.6 %", "24690", "2.00", "", "700 MB"],
  ]);
  assert.match(text, /5000 GB\/s/);
});

test("a batch reads its weights once for all its tokens", () => {
  const batch = { ...tegula, batch: 4, decode_tokens_per_second: 1600, bytes_per_step: 760e6 };
  assert.deepEqual(cells(table([batch, tegula], "native")).map((row) => [row[1], row[5]]), [["512 × 1", "14 %"], ["512 × 4", "7.6 %"]]);
});

test("what is not known is left empty", () => {
  const alone = { host: "other", shape: "s", prompt_tokens: 512, batch: 1, decode_tokens_per_second: 42.25, prefill_tokens_per_second: undefined };
  assert.deepEqual(cells(table([alone], "native")), [["s", "512 × 1", "other", "42.3", "", "", "", "", "", ""]]);
});

test("phases of loads become columns, absent ones nothing", () => {
  const load = { from_cache: false, phases: { runtime: 10.4, weights: 200 }, total: 210.4 };
  const text = loadTable([load, { from_cache: true, phases: { runtime: 9 }, total: 9 }]);
  assert.match(text, /^\| from \| runtime, ms \| weights, ms \| to the first token, ms \|\n/);
  assert.match(text, /\| network \| 10 \| 200 \| 210 \|\n\| cache \| 9 \| 0 \| 9 \|$/);
});
