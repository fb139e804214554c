/** The conversation that is open in this tab: its exchanges, and the draft in the box. */

import type { Backend } from "./backend.js";
import { Composer } from "./composer.js";
import { clearLog, divide, ExchangeView, scrollToEnd, type Actions } from "./log.js";
import { newId } from "./id.js";
import { noteOn, offerOn } from "./outcome.js";
import type { Keeper } from "./keeper.js";
import type { Exchange } from "./record.js";
import { remember } from "./session.js";
import { announce, dismiss, notify } from "./say.js";
import { dropOldest } from "./talk.js";
import { Writer } from "./writer.js";

const DRAFT_AFTER = 300;

/** The open conversation. */
export class Chat implements Actions {
  id: string = newId();
  exchanges: Exchange[] = [];
  readonly composer: Composer;
  #writer: Writer;
  #keeper: Keeper;
  #backend: Backend | undefined;
  #views = new Map<Exchange, ExchangeView>();
  /** The draft as it was kept last. */
  #kept = "";
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  #changed: () => void;

  /**
   * `changed` is called when there is something to show in the list, or the conversation is
   * another.
   */
  constructor(keeper: Keeper, changed: () => void) {
    this.#keeper = keeper;
    this.#changed = changed;
    this.composer = new Composer({
      send: (text) => this.send(text),
      stop: () => this.stop(),
      changed: (text) => this.#draft(text),
    });
    this.#writer = new Writer(keeper, this.composer, {
      view: (exchange) =>
        this.id === exchange.conversation ? this.#views.get(exchange) : undefined,
      changed,
      failed: (exchange) => this.#giveBack(exchange),
      finished: () => {
        this.showFigures();
        changed();
      },
    });
    addEventListener("pagehide", () => this.#leavePage());
  }

  /** Who answers. */
  set backend(backend: Backend) {
    this.#backend = backend;
  }

  get reloadLabel(): string {
    return this.#backend?.phrases.reload ?? "";
  }

  get busy(): boolean {
    return this.#writer.run !== undefined;
  }

  get isEmpty(): boolean {
    return this.exchanges.length === 0;
  }

  /**
   * Opens a conversation; one without exchanges is a new one. `draft` goes into the box, where what
   * stands there shall not stay.
   */
  open(id: string, exchanges: Exchange[], draft?: string, kept = draft ?? ""): void {
    this.id = id;
    this.exchanges = exchanges;
    this.#kept = kept;
    this.render();
    if (draft !== undefined) this.composer.text = draft;
    else this.#draft(this.composer.text);
    // Where the tab remembered more than the database has, or the draft came along.
    void this.#keepDraft();
    this.composer.speed = "";
    this.#changed();
  }

  /** Shows all exchanges anew. */
  render(): void {
    clearLog();
    this.#views.clear();
    const lastDropped = this.exchanges.findLastIndex(({ dropped }) => dropped);
    for (const [index, exchange] of this.exchanges.entries()) {
      const view = this.#view(exchange, index);
      view.end(
        noteOn(exchange, this.#size),
        offerOn(exchange, this.exchanges.slice(0, index), this.#size),
      );
      if (index === lastDropped) divide();
    }
    scrollToEnd();
  }

  /** Ends the answer that is being written, if there is one. What has come stays. */
  stop(): void {
    this.#writer.stop();
  }

  /** Ends it and waits until it is kept, but not for ever: the GPU may be stuck. */
  async halt(): Promise<void> {
    clearTimeout(this.#draftTimer);
    const { run } = this.#writer;
    await this.#keepDraft();
    if (run) await this.#writer.halt(run);
  }

  /** Sends a message. Gives whether it was taken. */
  send(text: string): boolean {
    if (!this.#backend?.talker || this.busy) {
      if (!this.busy) this.#explainWait();
      return false;
    }
    dismiss("undo");
    const last = this.exchanges.at(-1);
    // The text of a message that failed came back to the box: it is sent again, not said twice.
    const again =
      last?.ended === "failed" && last.answer === "" && last.question === text ? last : undefined;
    this.#answer(again ?? this.#add(text));
    return true;
  }

  async again(exchange: Exchange): Promise<void> {
    if (this.busy || !(await this.#loaded())) return;
    // What had come of the answer is kept; and another model may not be one to chat with.
    const anew = exchange.answer === "" && exchange.style === this.#style;
    this.#repeat(anew ? exchange : this.#add(exchange.question));
  }

  async dropOldest(exchange: Exchange): Promise<void> {
    if (this.busy || !(await this.#loaded())) return;
    const before = this.exchanges.slice(0, this.exchanges.indexOf(exchange));
    const context = this.#size ?? exchange.tokens ?? 0;
    if (!dropOldest(before, exchange.question, exchange.tokens ?? context, context)) return;
    for (const dropped of before) if (dropped.dropped) void this.#keeper.keep(dropped);
    announce("The model is not told of the oldest turns any more");
    this.render();
    // An answer that was cut for want of room is written anew.
    this.#repeat(exchange);
  }

  async reload(): Promise<void> {
    if (await this.#backend?.load()) this.composer.focus();
  }

  /** Shows the figures and suggestions that fit what is there. */
  showFigures(): void {
    const { talker, model } = this.#backend ?? {};
    const last = this.exchanges.findLast(
      ({ ended, tokens }) => ended !== "failed" && tokens !== undefined,
    );
    const fits = talker?.context && last && last.model === model?.url && !last.dropped;
    this.composer.showContext(fits ? last.tokens : undefined, talker?.context ?? 0);
    this.composer.suggest(talker && this.isEmpty && !this.busy ? (model?.suggestions ?? []) : []);
  }

  #explainWait(): void {
    if (!this.#backend) return;
    const { isLoading, phrases } = this.#backend;
    if (isLoading) return notify({ kind: "loading", text: phrases.loading });
    notify({
      kind: "loading",
      text: phrases.absent,
      action: { label: phrases.load, run: () => void this.reload() },
    });
  }

  async #loaded(): Promise<boolean> {
    return (
      this.#backend !== undefined &&
      (this.#backend.talker !== undefined || (await this.#backend.load()))
    );
  }

  #repeat(exchange: Exchange): void {
    if (this.composer.text === exchange.question) this.composer.text = "";
    this.#answer(exchange);
  }

  #add(question: string): Exchange {
    const backend = this.#backend!;
    const exchange: Exchange = {
      id: newId(),
      conversation: this.id,
      // Never before the one that it follows, whatever the clock does.
      created: Math.max(Date.now(), (this.exchanges.at(-1)?.created ?? 0) + 1),
      question,
      answer: "",
      model: backend.model!.url,
      speaker: backend.speaker,
      style: this.#style,
      ended: null,
    };
    this.exchanges.push(exchange);
    this.#view(exchange, this.exchanges.length - 1);
    return exchange;
  }

  #view(exchange: Exchange, index: number): ExchangeView {
    const view = new ExchangeView(exchange, this, this.exchanges[index - 1]?.speaker);
    this.#views.set(exchange, view);
    return view;
  }

  #answer(exchange: Exchange): void {
    const before = this.exchanges.slice(0, this.exchanges.indexOf(exchange));
    this.#writer.write(exchange, before, this.#backend!);
  }

  /** A message that failed comes back to the box, unless something else was written there. */
  #giveBack(exchange: Exchange): void {
    if (this.id === exchange.conversation && this.composer.text === "")
      this.composer.text = exchange.question;
  }

  get #style(): Exchange["style"] {
    return this.#backend?.talker?.chat === false ? "text" : "chat";
  }

  /** What the model can take in; nothing where that is not known. */
  get #size(): number | undefined {
    return this.#backend?.talker?.context;
  }

  #draft(text: string): void {
    remember({ conversation: this.id, draft: text });
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(
      () => void this.#keepDraft().then(() => this.#changed()),
      DRAFT_AFTER,
    );
  }

  async #keepDraft(): Promise<void> {
    const text = this.composer.text;
    if (text === this.#kept) return;
    const before = this.#kept;
    this.#kept = text;
    await this.#keeper.draft(this.id, text, before);
  }

  #leavePage(): void {
    const unfinished = this.#writer.run?.exchange;
    remember({
      conversation: this.id,
      draft: this.composer.text,
      ...(unfinished && { unfinished }),
    });
    void this.#keepDraft();
    if (unfinished) void this.#keeper.keep(unfinished);
  }
}
