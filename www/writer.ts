/**
 * The answer that is being written in this tab, of which there is one at most: from the request
 * until it is whole, stopped or failed. It is kept as it grows.
 */

import type { Backend } from "./backend.js";
import type { Composer } from "./composer.js";
import type { Keeper } from "./keeper.js";
import type { ExchangeView } from "./log.js";
import { noteOn, offerOn, type Offer } from "./outcome.js";
import { spoken } from "./parts.js";
import type { Exchange } from "./record.js";
import { announce } from "./say.js";
import { ask, told } from "./talk.js";

const SAVE_EVERY = 400;

/** An answer that is being written. */
export interface Run {
  exchange: Exchange;
  /** Who writes it. */
  backend: Backend;
  /** Who asked for it to end: then what fails is no failure. */
  stopped: boolean;
  done: Promise<void>;
}

/** Who is asked and told about an answer. */
export interface WriterEvents {
  /** Where it is shown; nothing while another conversation is open. */
  view(exchange: Exchange): ExchangeView | undefined;
  /** There is something to show in the list. */
  changed(): void;
  /** No answer comes of this message. */
  failed(exchange: Exchange): void;
  /** Nothing is being written any more. */
  finished(): void;
}

/** Has answers written. */
export class Writer {
  #keeper: Keeper;
  #composer: Composer;
  #events: WriterEvents;
  #run: Run | undefined;

  constructor(keeper: Keeper, composer: Composer, events: WriterEvents) {
    this.#keeper = keeper;
    this.#composer = composer;
    this.#events = events;
  }

  /** What is being written now. */
  get run(): Run | undefined {
    return this.#run;
  }

  /** Has the message of `exchange` answered. `before` are the exchanges before it. */
  write(exchange: Exchange, before: Exchange[], backend: Backend): void {
    const run: Run = { exchange, backend, stopped: false, done: Promise.resolve() };
    this.#run = run;
    run.done = this.#perform(run, before);
  }

  /** Ends what is being written, if anything is. What has come stays. */
  stop(): void {
    if (!this.#run) return;
    this.#run.stopped = true;
    this.#run.backend.talker?.stop();
  }

  /** Ends it and waits until `run` is kept, but not for ever: the GPU may be stuck. */
  async halt(run: Run): Promise<void> {
    this.stop();
    await Promise.race([run.done, new Promise((resolve) => setTimeout(resolve, 2000))]);
    this.#finish(run);
  }

  async #perform(run: Run, before: Exchange[]): Promise<void> {
    const { exchange, backend } = run;
    const view = (): ExchangeView | undefined => this.#events.view(exchange);
    delete exchange.problem;
    Object.assign(exchange, {
      ended: null,
      answer: "",
      model: backend.model!.url,
      speaker: backend.speaker,
    });
    this.#composer.busy = true;
    this.#composer.suggest([]);
    view()?.begin();
    announce(`${exchange.speaker} is writing`);
    this.#events.changed();
    void this.#keeper.keep(exchange).then(() => this.#events.changed());
    let saved = performance.now();
    let offer: Offer = {};
    try {
      await ask(backend.talker!, before, exchange, (speed) => {
        if (this.#run === run) this.#composer.speed = speed;
        view()?.grow();
        if (performance.now() - saved < SAVE_EVERY) return;
        saved = performance.now();
        void this.#keeper.keep(exchange);
      });
    } catch (error) {
      if (run.stopped) exchange.ended = "abort";
      else offer = this.#failed(run, error, before);
    }
    await this.#keeper.keep(exchange, true);
    const shown = view();
    if (shown) {
      const loud = exchange.ended === "failed";
      const size = backend.talker?.context;
      shown.end(noteOn(exchange, size), { ...offerOn(exchange, before, size), ...offer }, loud);
      announce(
        loud
          ? `The message failed. ${exchange.problem}`
          : `${exchange.speaker}: ${spoken(exchange.answer).slice(0, 1500)}`,
      );
    }
    this.#finish(run);
  }

  /** Says what can be done. What is of no use any more goes. */
  #failed({ exchange, backend }: Run, error: unknown, before: Exchange[]): Offer {
    const { text, detail, fatal, full } = backend.trouble(error);
    exchange.ended = "failed";
    exchange.problem = text;
    this.#events.failed(exchange);
    if (fatal) backend.drop();
    if (!full) return { again: !fatal, reload: fatal, ...(detail && { detail }) };
    exchange.tokens = full.prompt;
    const droppable = told(before).length > 0;
    exchange.problem += droppable ? "" : " Nothing is left to drop: please shorten the message.";
    return { dropOldest: droppable, again: false };
  }

  /** Unless another one is being written meanwhile. */
  #finish(run: Run): void {
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#composer.busy = false;
    this.#events.finished();
    if (document.activeElement === document.body) this.#composer.focus();
  }
}
