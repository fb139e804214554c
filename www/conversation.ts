/** The conversation on the page. */

import { markdown } from "./markdown.js";
import { element, make } from "./page.js";

const log = element("log", HTMLOListElement);
const scroller = document.querySelector("main") ?? document.body;

/** How an answer is shown: as Markdown, or as the plain continuation of a text. */
export type AnswerStyle = { markdown: true } | { given: string };

/** An answer on the page. */
export class Answer {
  text = "";
  #item: HTMLElement;
  #body = make("div", "body");
  #style: AnswerStyle;
  #frame = 0;

  constructor(style: AnswerStyle) {
    this.#style = style;
    this.#item = make("li", `turn busy ${"given" in style ? "continuation" : "markdown"}`, this.#body);
    this.#draw();
    append(this.#item);
    // Read out as a whole when it is done, not token by token.
    log.setAttribute("aria-busy", "true");
  }

  add(text: string): void {
    this.text += text;
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** The answer is over; `note` says how it ended where that needs saying. */
  end(note = ""): void {
    cancelAnimationFrame(this.#frame);
    this.#draw();
    this.#item.classList.remove("busy");
    if (note) this.#item.append(make("p", "note", note));
    log.setAttribute("aria-busy", "false");
  }

  #draw(): void {
    this.#frame = 0;
    // Whoever scrolled up to read is left there.
    const follows = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    if ("given" in this.#style) this.#body.replaceChildren(make("span", "given", this.#style.given), this.text);
    else this.#body.replaceChildren(markdown(this.text));
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  }
}

/** Shows what the user wrote. */
export function showQuestion(text: string): void {
  append(make("li", "turn user", text));
}

/** Shows an error in the conversation. */
export function showFailure(message: string): void {
  const item = make("li", "turn problem", message);
  item.setAttribute("role", "alert");
  append(item);
}

/** Empties the conversation. */
export function clear(): void {
  log.replaceChildren();
}

function append(item: HTMLElement): void {
  log.append(item);
  scroller.scrollTop = scroller.scrollHeight;
}
