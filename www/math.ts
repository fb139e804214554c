/**
 * Formulas in answers: finds `$…$`, `$$…$$`, `\(…\)` and `\[…\]` in Markdown; KaTeX sets
 * them. KaTeX is larger than all else here, so it is loaded with the first formula.
 */

import type { MarkedExtension, TokenizerAndRendererExtension, Tokens } from "marked";

/** No blank line is inside: a lone pair of dollars must not take a paragraph away. */
const SPREAD = String.raw`((?:(?!\n[ \t]*\n)[^])+?)`;
const DISPLAY = new RegExp(String.raw`^(?:\$\$${SPREAD}\$\$|\\\[${SPREAD}\\\])`);
const PARENTHESES = new RegExp(String.raw`^\\\(${SPREAD}\\\)`);
/** As Pandoc has it: no space inside the dollars, no digit after them. `$5 and $10` are prices. */
const DOLLARS = /^\$(?![\s$])((?:\\[^\n]|[^\\$\n])*?(?:\\[^\n]|[^\\$\s]))\$(?![\d$])/;
/** A number and then words: `$5 for two, or 3$`. */
const PRICE = /^[\d.,]+\s+[a-z]{2,}/i;

interface Formula extends Tokens.Generic {
  tex: string;
  display: boolean;
}

const block: TokenizerAndRendererExtension = {
  name: "displayMath",
  level: "block",
  start: (source) => source.match(/(?:^|\n)[ \t]{0,3}(?:\$\$|\\\[)/)?.index,
  tokenizer(source) {
    const found = new RegExp(`${DISPLAY.source.replace("^", "^[ \\t]{0,3}")}[ \\t]*(?:\\n|$)`).exec(
      source,
    );
    if (found)
      return { type: "displayMath", raw: found[0], tex: found[1] ?? found[2], display: true };
    return undefined;
  },
  renderer: (token) => placeholder(token as Formula),
};

const inline: TokenizerAndRendererExtension = {
  name: "inlineMath",
  level: "inline",
  start: (source) => source.match(/\$|\\[([]/)?.index,
  tokenizer(source, tokens) {
    const display = DISPLAY.exec(source);
    if (display)
      return { type: "inlineMath", raw: display[0], tex: display[1] ?? display[2], display: true };
    const found = PARENTHESES.exec(source) ?? dollars(source, tokens.at(-1)?.raw ?? "");
    if (found) return { type: "inlineMath", raw: found[0], tex: found[1], display: false };
    return undefined;
  },
  renderer: (token) => placeholder(token as Formula),
};

function dollars(source: string, before: string): RegExpExecArray | null {
  // `US$5` and `A$5` are prices, too.
  if (/[\w$]$/.test(before)) return null;
  const found = DOLLARS.exec(source);
  if (!found || PRICE.test(found[1]!)) return null;
  // `$HOME/$USER` is none, but `$n$th` is.
  const variables = /\w/.test(source.charAt(found[0].length)) && !/[\w)\]}']$/.test(found[1]!);
  return variables ? null : found;
}

/** The text of the formula; {@link typeset} puts the formula in its place. */
function placeholder({ tex, display }: Formula): string {
  const text = tex.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<span data-math="${display ? "display" : "inline"}">${text}</span>`;
}

/** Teaches marked to find formulas. */
export const formulas: MarkedExtension = { extensions: [block, inline] };

type Katex = (typeof import("katex"))["default"];
let katex: Katex | undefined;
let loading: Promise<void> | undefined;

/**
 * Sets the formulas inside an element, at once or when KaTeX is here. Without it they stay as they
 * were written.
 */
export function typeset(root: ParentNode): void {
  const found = root.querySelectorAll<HTMLElement>("[data-math]");
  if (found.length === 0) return;
  if (!katex) {
    loading ??= load();
    void loading.then(() => katex && typeset(root));
    return;
  }
  for (const place of found) set(place, katex);
}

function set(place: HTMLElement, katex: Katex): void {
  const display = place.dataset["math"] === "display";
  const tex = place.textContent ?? "";
  place.removeAttribute("data-math");
  place.className = display ? "math display" : "math";
  if (display) place.tabIndex = 0;
  try {
    // Without `trust` a formula makes no links and loads no images; the limits keep it from filling
    // the page or the time.
    katex.render(tex.trim(), place, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: "ignore",
      maxSize: 20,
      maxExpand: 200,
    });
  } catch {
    place.className = "math wrong";
    place.textContent = tex;
  }
}

async function load(): Promise<void> {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("./katex/katex.css", import.meta.url).href;
  try {
    const styled = new Promise<void>((resolve, reject) => {
      style.onload = () => resolve();
      style.onerror = () => reject(new Error("the style of formulas could not be loaded"));
    });
    document.head.append(style);
    const [module] = await Promise.all([import("katex"), styled]);
    katex = module.default;
  } catch (error) {
    console.warn("demo: formulas stay as they are written:", error);
    style.remove();
    // The next formula tries again.
    loading = undefined;
  }
}
