/**
 * Answers as the Markdown that models write. What comes out holds no scripts, styles, forms or
 * images, whatever the model wrote.
 *
 * A text that grows is rendered in blocks (paragraphs, lists, code). Those that did not change stay
 * as they are, with the focus and the selection that may be in them.
 */

import DOMPurify from "dompurify";
import { Marked, type Token, type TokensList } from "marked";
import { copyButton } from "./copy.js";
import { formulas, typeset } from "./math.js";
import { make } from "./page.js";

const marked = new Marked({ async: false, gfm: true, breaks: true }, formulas, {
  renderer: {
    // An image would be fetched from wherever the model says, and tell that server what was said
    // here.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
  },
});

const TEXT = [
  "a",
  "abbr",
  "b",
  "br",
  "code",
  "del",
  "em",
  "i",
  "ins",
  "kbd",
  "mark",
  "q",
  "s",
  "samp",
  "small",
  "span",
  "strong",
];
const BLOCKS = [
  "blockquote",
  "dd",
  "details",
  "div",
  "dl",
  "dt",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
  "hr",
  "p",
  "pre",
  "summary",
];
const LISTS = [
  "input",
  "li",
  "ol",
  "ul",
  "sub",
  "sup",
  "table",
  "tbody",
  "td",
  "tfoot",
  "th",
  "thead",
  "tr",
  "u",
  "var",
];

const ALLOWED = {
  ALLOWED_TAGS: [...TEXT, ...BLOCKS, ...LISTS],
  ALLOWED_ATTR: [
    "href",
    "align",
    "colspan",
    "rowspan",
    "start",
    "type",
    "checked",
    "class",
    "data-math",
  ],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

// Of inputs only the boxes of task lists, which nobody can press.
DOMPurify.addHook("uponSanitizeElement", (node, { tagName }) => {
  if (tagName === "input" && (node as Element).getAttribute?.("type") !== "checkbox")
    node.parentNode?.removeChild(node);
});

interface Block {
  key: string;
  shown: HTMLElement;
  /** The level of its first heading. */
  heading: number | undefined;
}

/** A text on the page that may grow. */
export class Rendered {
  readonly shown = make("div", "body");
  #blocks: Block[] = [];

  /** Shows this text, which may stop in the middle of anything while it is `growing`. */
  update(text: string, growing: boolean): void {
    const tokens = marked.lexer(text);
    const links = JSON.stringify(tokens.links);
    let first: number | undefined;
    let count = 0;
    for (const [index, token] of tokens.entries()) {
      if (token.type === "space" || token.type === "def") continue;
      // The last block may be cut anywhere; its buttons come when it is whole.
      const whole = !growing || index < tokens.length - 1;
      const key = [whole, first, links, token.raw].join("\n");
      let block = this.#blocks[count];
      if (block?.key !== key) {
        const made = render(token, tokens.links, first, whole);
        if (block) block.shown.replaceWith(made.shown);
        else this.shown.append(made.shown);
        block = this.#blocks[count] = { key, ...made };
        typeset(block.shown);
      }
      first ??= block.heading;
      count += 1;
    }
    for (const { shown } of this.#blocks.splice(count)) shown.remove();
  }
}

function render(
  token: Token,
  links: TokensList["links"],
  first: number | undefined,
  whole: boolean,
): Omit<Block, "key"> {
  const html = marked.parser(Object.assign([token], { links }));
  const shown = make("div", "block", DOMPurify.sanitize(html, ALLOWED));
  for (const link of shown.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  for (const classed of shown.querySelectorAll("[class]")) {
    if (!/^language-[\w+#.-]+$/.test(classed.className)) classed.removeAttribute("class");
  }
  for (const box of shown.querySelectorAll("input")) labelTask(box);
  const heading = lowerHeadings(shown, first);
  for (const code of shown.querySelectorAll("pre")) frameCode(code, whole);
  for (const table of shown.querySelectorAll("table")) frameTable(table);
  return { shown, heading };
}

/**
 * The page has two levels above the answers; their first heading is on the third, and the others
 * keep their distance to it.
 */
function lowerHeadings(shown: HTMLElement, first: number | undefined): number | undefined {
  for (const found of shown.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Number(found.tagName[1]);
    first ??= level;
    const lowered = make(`h${Math.min(6, Math.max(3, 3 + level - first))}`, "");
    lowered.append(...found.childNodes);
    found.replaceWith(lowered);
  }
  return first;
}

/** The text of a task names its box. Lists inside the task have boxes of their own. */
function labelTask(box: HTMLInputElement): void {
  box.disabled = true;
  const label = make("label", "task");
  box.closest("li")?.classList.add("task-item");
  box.before(label);
  label.append(box);
  for (let next = label.nextSibling; next; next = label.nextSibling) {
    if (next instanceof HTMLElement && /^(?:UL|OL|PRE|P|TABLE|BLOCKQUOTE|DIV)$/.test(next.tagName))
      break;
    label.append(next);
  }
}

function frameCode(code: HTMLElement, whole: boolean): void {
  const language = /^language-(.+)$/.exec(code.querySelector("code")?.className ?? "")?.[1] ?? "";
  const bar = make("div", "code-bar", make("span", "", language || "code"));
  if (whole) bar.append(copyButton("code", () => (code.textContent ?? "").replace(/\n$/, "")));
  const frame = make("div", "code", bar);
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", language ? `Code, ${language}` : "Code");
  code.replaceWith(frame);
  frame.append(code);
  // Long lines are scrolled, with the keyboard as well.
  code.tabIndex = 0;
}

function frameTable(table: HTMLElement): void {
  const frame = make("div", "table");
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Table");
  frame.tabIndex = 0;
  table.replaceWith(frame);
  frame.append(table);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
