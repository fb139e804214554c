/** The box that one writes in, with suggestions, the button that stops, and figures. */

import { button, element, keepingFocus, make } from "./page.js";
import { announce } from "./say.js";
import { count } from "./words.js";

const form = element("composer", HTMLFormElement);
const prompt = element("prompt", HTMLTextAreaElement);
const label = element("prompt-label", HTMLLabelElement);
const send = element("send", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const suggestions = element("suggestions", HTMLUListElement);
const stats = element("stats", HTMLSpanElement);
const context = element("context", HTMLSpanElement);

/** From this part of the context on the page warns. */
const NEARLY_FULL = 0.85;

/** Who is asked when something happens here. */
export interface ComposerEvents {
  /** Gives whether the text was taken; else it stays in the box. */
  send(text: string): boolean;
  stop(): void;
  /** The text in the box is another now. */
  changed(text: string): void;
}

/** The composer. */
export class Composer {
  #events: ComposerEvents;
  #warned = false;
  #suggested = "";

  constructor(events: ComposerEvents) {
    this.#events = events;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = prompt.value;
      // While an answer is being written the text waits in the box.
      if (text.trim() === "" || this.busy || !events.send(text)) return;
      this.text = "";
    });
    prompt.addEventListener("keydown", (event) => {
      // An Enter that ends the composition of a character does not send.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    prompt.addEventListener("input", () => events.changed(prompt.value));
    stop.addEventListener("click", () => events.stop());
  }

  get text(): string {
    return prompt.value;
  }

  set text(text: string) {
    prompt.value = text;
    this.#events.changed(text);
  }

  get busy(): boolean {
    return !stop.hidden;
  }

  set busy(busy: boolean) {
    // The focus goes from one button to the other, or back to the box.
    keepingFocus(
      () => {
        send.hidden = busy;
        stop.hidden = !busy;
      },
      busy ? stop : prompt,
    );
  }

  /** Shows or hides the whole; `chat` says whether it is for messages or for texts to continue. */
  show(visible: boolean, chat: boolean): void {
    keepingFocus(() => (form.hidden = !visible));
    prompt.placeholder = label.textContent = chat ? "Message" : "A text to continue";
  }

  focus(): void {
    prompt.focus();
  }

  /** Offers things to say. */
  suggest(texts: string[]): void {
    // Those that are there keep the focus.
    if (JSON.stringify(texts) === this.#suggested) return;
    this.#suggested = JSON.stringify(texts);
    const chips = texts.map((text) =>
      make(
        "li",
        "",
        button(text, "quiet", () => this.#events.send(text)),
      ),
    );
    keepingFocus(() => {
      suggestions.replaceChildren(...chips);
      suggestions.hidden = texts.length === 0;
    });
  }

  set speed(text: string) {
    stats.textContent = text;
  }

  /** Says how much of the context is used; nothing where that is not known. */
  showContext(used: number | undefined, size: number): void {
    const full = used !== undefined && used >= size * NEARLY_FULL;
    const room = used === undefined || !full ? "" : used >= size ? " – full" : " – nearly full";
    context.textContent =
      used === undefined ? "" : `${count(used)} of ${count(size)} tokens${room}`;
    context.title =
      used === undefined ? "" : "How much of the conversation's greatest length is used";
    context.classList.toggle("warn", full);
    if (full && !this.#warned)
      announce(`The context is${room.slice(2)}: ${count(used)} of ${count(size)} tokens`);
    this.#warned = full;
  }
}
