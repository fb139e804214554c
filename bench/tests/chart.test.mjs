/** The bar chart of the README. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chart } from "../chart.mjs";

const docs = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const figure = (host, speed, more = {}) => ({ host, shape: "llama-3.2-1b", prompt_tokens: 512, batch: 1, decode_tokens_per_second: speed, ...more });
const draw = (...figures) => chart({ device: "A & B", date: "2026-01-01", figures });
const widths = (svg) => [...svg.matchAll(/class="(?:ours|other)" [^>]* width="([\d.]+)"/g)].map((found) => Number(found[1]));

test("the committed chart is what the committed figures give", () => {
  assert.equal(docs("speed.svg"), chart(JSON.parse(docs("performance.json"))), "run `node bench/chart.mjs`");
});

test("every figure of the chart stands in docs/performance.md", () => {
  const table = docs("performance.md");
  for (const { decode_tokens_per_second: decode, prefill_tokens_per_second: prefill } of JSON.parse(docs("performance.json")).figures) {
    for (const speed of [decode, prefill]) assert.ok(table.includes(` ${speed.toLocaleString("en")} `), `${speed}`);
  }
});

test("bars are as long as speeds, and both are said in words", () => {
  const svg = draw(figure("native", 1200), figure("wllama", 300));
  const [ours, other] = widths(svg);
  assert.ok(Math.abs(ours / other - 4) < 0.01, `${ours} and ${other}`);
  assert.match(svg, /<desc id="desc">[^<]*Llama-3.2-1B: Tegula, native 1,200; wllama, Chrome 300\./);
});

test("other workloads are left out, and nothing to draw is an error", () => {
  const svg = draw(figure("native", 10), figure("chrome", 20, { batch: 8 }), figure("llama.cpp", 20, { prompt_tokens: 16_384 }));
  assert.equal(widths(svg).length, 1);
  assert.throws(() => draw(figure("native", 10, { shape: "tiny" })), /no figure/);
});

test("texts are escaped", () => {
  assert.match(draw(figure("native", 10)), /A &amp; B/);
});
