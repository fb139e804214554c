/**
 * Figures as a table in Markdown.
 *
 * A figure is what `tegula bench --json` prints, with `host` and `shape`. Figures of other engines have the two speeds and the workload
 * only. All are compared with the roofline of the same run: the least bytes that a step of this shape reads, as Tegula reports it, and the
 * fastest plain stream that any host measured.
 */

/** The table of figures. The first column of speeds is divided by those of the same workload of `reference`, a host. */
export function table(figures, reference) {
  const stream = Math.max(0, ...figures.map((figure) => figure.stream_bytes_per_second ?? 0));
  const bytes = new Map(figures.filter((figure) => figure.bytes_per_step).map((figure) => [workload(figure), figure.bytes_per_step]));
  const references = new Map(figures.filter((figure) => figure.host === reference).map((figure) => [workload(figure), figure]));
  const rows = [...figures].sort((a, b) => compare(order(a), order(b))).map((figure) => {
    const { decode_tokens_per_second: decode, prefill_tokens_per_second: prefill, batch } = figure;
    const least = bytes.get(workload(figure));
    const against = references.get(workload(figure));
    return [
      figure.shape,
      `${figure.prompt_tokens} × ${batch}`,
      figure.host,
      speed(decode),
      ratio(decode, against?.decode_tokens_per_second),
      least && stream && decode ? percent((decode / batch) * least / stream) : "",
      speed(prefill),
      ratio(prefill, against?.prefill_tokens_per_second),
      figure.dispatches_per_step ?? "",
      least ? megabytes(least) : "",
    ];
  });
  const head = ["shape", "prompt × batch", "engine", "decode, tok/s", `÷ ${reference}`, "of the roofline", "prefill, tok/s", `÷ ${reference}`, "dispatches a step", "bytes a step, at least"];
  const lines = [head, head.map((_, column) => (column < 3 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const roof = stream ? `\nRoofline: a plain stream of ${(stream / 1e9).toFixed(0)} GB/s, the fastest measured in this run.\n` : "";
  return `${lines.join("\n")}\n${roof}`;
}

/** What figures must have in common to be compared. */
function workload({ shape, prompt_tokens, batch }) {
  return JSON.stringify([shape, prompt_tokens, batch]);
}

function order({ shape, prompt_tokens, batch }) {
  return [shape, prompt_tokens, batch];
}

function compare(a, b) {
  for (let index = 0; index < a.length; index += 1) {
    if (a[index] !== b[index]) return a[index] < b[index] ? -1 : 1;
  }
  return 0;
}

function speed(value) {
  if (!value) return "";
  return value >= 1000 ? String(Math.round(value / 10) * 10) : value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function ratio(value, against) {
  return value && against ? (value / against).toFixed(2) : "";
}

function percent(value) {
  return `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
}

function megabytes(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** The phases of loads as a table, in milliseconds. */
export function loadTable(loads) {
  const phases = [...new Set(loads.flatMap((load) => Object.keys(load.phases)))];
  const rows = loads.map((load) => [load.from_cache ? "cache" : "network", ...phases.map((phase) => (load.phases[phase] ?? 0).toFixed(0)), load.total.toFixed(0)]);
  const head = ["from", ...phases.map((phase) => `${phase}, ms`), "to the first token, ms"];
  return [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
