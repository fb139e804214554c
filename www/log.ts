/**
 * The conversation on the page: exchanges one below the other, what failed with what can be done
 * about it, and what the model forgot.
 */

import { AnswerView } from "./answer.js";
import { copyButton } from "./copy.js";
import { button, element, keepingFocus, make } from "./page.js";
import type { Offer } from "./outcome.js";
import type { Exchange } from "./record.js";

const messages = element("messages", HTMLDivElement);
const log = element("log", HTMLOListElement);
const scroller = element("main", HTMLElement);

/** What the buttons of an exchange do. */
export interface Actions {
  again(exchange: Exchange): void;
  dropOldest(exchange: Exchange): void;
  reload(): void;
  /** What the button that reloads is called. */
  readonly reloadLabel: string;
}

/** An exchange on the page. */
export class ExchangeView {
  #exchange: Exchange;
  #actions: Actions;
  #items: HTMLElement[] = [];
  #given = make("span", "given");
  #answer = make("li", "turn assistant");
  #view = new AnswerView();
  #continued = make("span");
  #trouble: HTMLElement | undefined;
  #frame = 0;

  constructor(exchange: Exchange, actions: Actions, previousSpeaker: string | undefined) {
    this.#exchange = exchange;
    this.#actions = actions;
    const changed = previousSpeaker !== undefined && previousSpeaker !== exchange.speaker;
    const speaker = make("p", changed ? "speaker" : "speaker visually-hidden", exchange.speaker);
    if (exchange.style === "text") {
      this.#given.textContent = exchange.question;
      this.#answer.classList.add("continuation");
      this.#answer.append(speaker, make("div", "body", this.#given, this.#continued));
      this.#items = [this.#answer];
    } else {
      const asked = make("div", "text", exchange.question);
      this.#items = [
        make("li", "turn user", make("p", "speaker visually-hidden", "You"), asked),
        this.#answer,
      ];
      this.#answer.append(speaker, this.#view.shown);
    }
    log.append(...this.#items);
    this.#view.thought = exchange.thought;
    this.#showDropped();
  }

  /** The answer is on its way. */
  begin(): void {
    this.#retract();
    messages.setAttribute("aria-busy", "true");
    this.#answer.classList.add("busy");
    this.#answer.hidden = false;
    this.#draw(true);
    scroller.scrollTop = scroller.scrollHeight;
  }

  /** More of the answer is here. */
  grow(): void {
    this.#frame ||= requestAnimationFrame(() => this.#draw(true));
  }

  /** The answer ended, one way or another. */
  end(note: string, offer: Offer = {}, loud = false): void {
    cancelAnimationFrame(this.#frame);
    this.#answer.classList.remove("busy");
    messages.setAttribute("aria-busy", "false");
    const follows = atEnd();
    const { answer, ended, problem } = this.#exchange;
    this.#view.thought = this.#exchange.thought;
    if (this.#exchange.style === "text") this.#endText();
    else this.#view.end(answer);
    // Of an answer that never began there is nothing to show.
    this.#answer.hidden = answer === "" && this.#exchange.style === "chat" && ended === "failed";
    if (note) this.#answer.append(make("p", "note", note));
    if (problem || offer.again || offer.dropOldest || offer.reload)
      this.#showTrouble(problem ?? "", offer, loud);
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  }

  #endText(): void {
    const { question, answer } = this.#exchange;
    this.#continued.textContent = answer;
    this.#answer.querySelector(".actions")?.remove();
    this.#answer.append(
      make(
        "p",
        "actions",
        copyButton("text", () => question + answer),
      ),
    );
  }

  /** Shows whether the model is told of this exchange. */
  #showDropped(): void {
    for (const item of this.#items)
      item.classList.toggle("dropped", this.#exchange.dropped === true);
  }

  #showTrouble(problem: string, offer: Offer, loud: boolean): void {
    const buttons: HTMLElement[] = [];
    const exchange = this.#exchange;
    const add = (label: string, press: () => void, more = ""): void =>
      void buttons.push(button(label, more ? `quiet ${more}` : "quiet", press));
    if (offer.reload) add(this.#actions.reloadLabel, () => this.#actions.reload(), "reload");
    if (offer.dropOldest)
      add("Drop the oldest turns and send again", () => this.#actions.dropOldest(exchange));
    if (offer.again) add("Try again", () => this.#actions.again(exchange));
    const parts: HTMLElement[] = problem ? [make("p", "", problem)] : [];
    if (offer.detail && offer.detail !== problem)
      parts.push(make("details", "", make("summary", "", "Details"), make("p", "", offer.detail)));
    if (buttons.length > 0) parts.push(make("p", "actions", ...buttons));
    const item = make("li", problem ? "turn trouble problem" : "turn trouble", ...parts);
    this.#trouble = item;
    this.#items.at(-1)!.after(item);
    this.#items.push(item);
    if (loud) scroller.scrollTop = scroller.scrollHeight;
  }

  /** An answer that is tried again loses what was said of the last attempt. */
  #retract(): void {
    keepingFocus(() => {
      this.#trouble?.remove();
      for (const note of this.#answer.querySelectorAll(":scope > .note")) note.remove();
    });
    this.#items = this.#items.filter((item) => item !== this.#trouble);
    this.#trouble = undefined;
  }

  #draw(growing: boolean): void {
    this.#frame = 0;
    // Whoever scrolled up to read is left there.
    const follows = atEnd();
    this.#view.thought = this.#exchange.thought;
    if (this.#exchange.style === "text") this.#continued.textContent = this.#exchange.answer;
    else this.#view.update(this.#exchange.answer, growing);
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  }
}

/** Empties the conversation on the page. */
export function clearLog(): void {
  keepingFocus(() => log.replaceChildren());
  messages.setAttribute("aria-busy", "false");
}

/** A line between what the model is not told of any more and the rest. */
export function divide(): void {
  log.append(make("li", "turn divider", "The model is not told of what is above, to make room."));
}

/** Shows the last message. */
export function scrollToEnd(): void {
  scroller.scrollTop = scroller.scrollHeight;
}

function atEnd(): boolean {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
}
