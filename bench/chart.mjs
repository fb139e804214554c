/**
 * Draws docs/speed.svg, the bar chart of the README, from docs/performance.json:
 *
 *   node bench/chart.mjs
 *
 * The figures have the form that `bench/peers/compare.mjs --json` writes. The same figures give the
 * same bytes; bench/tests/chart.test.mjs checks that the committed chart is what they give.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** What each host is called, in the order of its bars. Bars of our own are set off by colour. */
const HOSTS = [
  { host: "native", name: "Tegula, native", ours: true },
  { host: "chrome", name: "Tegula, Chrome", ours: true },
  { host: "llama.cpp", name: "llama.cpp, native Vulkan" },
  { host: "onnxruntime-web", name: "onnxruntime-web, Chrome" },
  { host: "wllama", name: "wllama, Chrome" },
];

/** What each shape is called, in the order of the groups. */
const SHAPES = [
  { shape: "llama-3.2-1b", name: "Llama-3.2-1B" },
  { shape: "llama-3.1-8b", name: "Llama-3.1-8B" },
];

/** The workload that is drawn. */
const PROMPT = 512;

const WIDTH = 720;
const MARGIN = 24;
const LABELS = 190;
const VALUES = 64;
const BAR = 20;
const STEP = 26;
const HEADING = 34;
const TOP = 62;

/** The chart as SVG. Throws where nothing is to be drawn. */
export function chart({ device, date, figures }) {
  const groups = SHAPES.map(({ shape, name }) => ({
    name,
    bars: HOSTS.flatMap(({ host, name, ours = false }) => {
      const figure = figures.find((one) => one.host === host && one.shape === shape && one.prompt_tokens === PROMPT && one.batch === 1);
      const speed = figure?.decode_tokens_per_second;
      return speed > 0 ? [{ name, ours, speed }] : [];
    }),
  })).filter(({ bars }) => bars.length > 0);
  if (groups.length === 0) throw new Error(`no figure of one sequence after ${PROMPT} tokens`);

  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ speed }) => speed)));
  const room = WIDTH - 2 * MARGIN - LABELS - VALUES;
  const lines = [];
  let y = TOP;
  for (const { name, bars } of groups) {
    y += HEADING;
    lines.push(`<text class="strong" x="${MARGIN}" y="${y - 12}">${escape(name)}</text>`);
    for (const { name, ours, speed } of bars) {
      const width = round(Math.max(1, (speed / most) * room));
      const start = MARGIN + LABELS;
      const middle = y + BAR / 2 + 5;
      lines.push(`<text x="${start - 10}" y="${middle}" text-anchor="end">${escape(name)}</text>`);
      lines.push(`<rect class="${ours ? "ours" : "other"}" x="${start}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`);
      lines.push(`<text class="${ours ? "strong" : "value"}" x="${round(start + width + 8)}" y="${middle}">${count(speed)}</text>`);
      y += STEP;
    }
  }
  const height = y + MARGIN - (STEP - BAR);
  const title = "Decoding speed in tokens a second";
  const subtitle = `${device}, 4-bit weights, one sequence after ${PROMPT} tokens, ${date}. Longer is faster.`;
  const said = groups.map(({ name, bars }) => `${name}: ${bars.map((bar) => `${bar.name} ${count(bar.speed)}`).join("; ")}.`).join(" ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
  <title id="title">${title}</title>
  <desc id="desc">${escape(`${subtitle} ${said}`)}</desc>
  <style>
    svg { --ground: #fbf8f5; --ink: #2b2522; --quiet: #6b625d; --ours: #b5482a; --other: #a79e98; }
    @media (prefers-color-scheme: dark) {
      svg { --ground: #181513; --ink: #ece5e0; --quiet: #a9a09a; --ours: #e07b58; --other: #6f6761; }
    }
    text { font: 14px system-ui, sans-serif; fill: var(--ink); }
    .heading { font-size: 18px; font-weight: 600; }
    .strong { font-weight: 600; }
    .quiet { fill: var(--quiet); font-size: 13px; }
    .ground { fill: var(--ground); }
    .ours { fill: var(--ours); }
    .other { fill: var(--other); }
  </style>
  <rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>
  <text class="heading" x="${MARGIN}" y="34">${title}</text>
  <text class="quiet" x="${MARGIN}" y="56">${escape(subtitle)}</text>
  ${lines.join("\n  ")}
</svg>
`;
}

/** A whole number with commas, the same in every locale. */
function count(number) {
  return Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const docs = new URL("../docs/", import.meta.url);
  const figures = JSON.parse(readFileSync(new URL("performance.json", docs), "utf8"));
  writeFileSync(new URL("speed.svg", docs), chart(figures));
}
