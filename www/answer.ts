/**
 * One answer on the page: its text, its folded reasoning, its tool calls as cards, and how it
 * ended.
 */

import { copyButton } from "./copy.js";
import { Rendered } from "./markdown.js";
import { make } from "./page.js";
import { readCall, split, spoken, type Part } from "./parts.js";

/** A part of the answer on the page, which may grow. */
interface Segment {
  kind: Part["kind"];
  shown: HTMLElement;
  update(part: Part, growing: boolean): void;
}

/** An answer. */
export class AnswerView {
  readonly shown = make("div", "answer markdown");
  text = "";
  /** How long the model thought, in seconds; nothing where that is not known. */
  thought: number | undefined;
  #segments: Segment[] = [];
  #actions: HTMLElement | undefined;

  /** Shows the answer as far as it has come. */
  update(text: string, growing: boolean): void {
    this.text = text;
    this.#actions?.remove();
    this.shown.classList.toggle("busy", growing);
    const parts = split(text, growing);
    for (const [index, part] of parts.entries()) {
      let segment = this.#segments[index];
      if (segment?.kind !== part.kind) {
        for (const { shown } of this.#segments.splice(index)) shown.remove();
        segment = this.#segments[index] = this.#make(part.kind);
        this.shown.append(segment.shown);
      }
      segment.update(part, growing && index === parts.length - 1);
    }
    for (const { shown } of this.#segments.splice(parts.length)) shown.remove();
  }

  /** The answer is over. */
  end(text: string): void {
    this.update(text, false);
    if (spoken(text) === "") return;
    this.#actions = make(
      "p",
      "actions",
      copyButton("answer", () => spoken(text)),
    );
    this.shown.append(this.#actions);
  }

  #make(kind: Part["kind"]): Segment {
    if (kind === "thinking") return new Thinking(() => this.thought);
    if (kind === "tool") return new ToolCall();
    return new Text();
  }
}

class Text implements Segment {
  readonly kind = "text";
  #rendered = new Rendered();
  readonly shown = this.#rendered.shown;

  update(part: Part, growing: boolean): void {
    this.#rendered.update(part.text, growing);
  }
}

class Thinking implements Segment {
  readonly kind = "thinking";
  #summary = make("summary");
  #rendered = new Rendered();
  readonly shown = make("details", "thinking", this.#summary, this.#rendered.shown);
  #seconds: () => number | undefined;

  constructor(seconds: () => number | undefined) {
    this.#seconds = seconds;
  }

  update(part: Part, growing: boolean): void {
    const thinks = growing && part.open;
    const seconds = this.#seconds();
    const rounded = Math.max(1, Math.round(seconds ?? 0));
    const took =
      seconds === undefined
        ? "Thoughts"
        : `Thought for ${rounded === 1 ? "a second" : `${rounded} s`}`;
    const title = thinks ? "Thinking…" : took;
    if (this.#summary.textContent !== title) this.#summary.textContent = title;
    this.#rendered.update(part.text, growing);
  }
}

class ToolCall implements Segment {
  readonly kind = "tool";
  #name = make("p", "tool-name");
  #body = make("code");
  readonly shown = make("div", "tool", this.#name, make("pre", "", this.#body));

  constructor() {
    this.shown.setAttribute("role", "group");
    this.#body.parentElement!.tabIndex = 0;
  }

  update({ text, open }: Part, growing: boolean): void {
    const { name, body } = readCall(text);
    this.#name.replaceChildren(
      open && growing ? "Writing a tool call" : "Tool call",
      ...(name ? [": ", make("strong", "", name)] : []),
    );
    this.shown.setAttribute("aria-label", name ? `Tool call: ${name}` : "Tool call");
    this.#body.textContent = body;
  }
}
