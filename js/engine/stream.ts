/**
 * The responses to one request, as an async iterator. Each response comes when the runtime sends it, as the JSON that the runtime wrote:
 * who needs an object parses it, and who needs the text has it unchanged.
 */

import type { Backend, GenerateEvent, GenerateRequest } from "../api/backend.js";
import { InternalError } from "../api/errors.js";

/** Numbers the requests of an engine, and starts them. */
export class Requests {
  #next = 0;

  constructor(readonly backend: Backend) {}

  /**
   * Submits a request; settles when the runtime has accepted or refused it. A signal that aborts
   * ends it with the signal's reason.
   */
  start(request: GenerateRequest, signal?: AbortSignal): Promise<ResponseStream> {
    return ResponseStream.start(this.backend, this.#next++, request, signal);
  }
}

/** A request on its way. Read it once. Leaving it early ends the answer. */
export class ResponseStream implements AsyncIterableIterator<string> {
  /** The id that the responses have. */
  answer = "";
  /** Whether the answer comes in chunks. */
  streams = false;
  #backend: Backend;
  #id: number;
  #responses: string[] = [];
  #failure: { error: unknown } | undefined;
  #over = false;
  #wake = () => {};
  #detach = () => {};

  private constructor(backend: Backend, id: number) {
    this.#backend = backend;
    this.#id = id;
  }

  /** As {@link Requests.start}, under a number of the caller's. */
  static start(backend: Backend, id: number, request: GenerateRequest, signal?: AbortSignal): Promise<ResponseStream> {
    const stream = new ResponseStream(backend, id);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        backend.interrupt(id);
        stream.#responses = [];
        stream.#fail(signal?.reason);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      stream.#detach = () => signal?.removeEventListener("abort", abort);
      backend.generate(id, request, (event) => {
        stream.#receive(event);
        // A request that is interrupted before it is accepted just finishes.
        if (event.kind === "failed") reject(event.error);
        else resolve(stream);
      });
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<string>> {
    for (;;) {
      const json = this.#responses.shift();
      if (json !== undefined) return { done: false, value: json };
      if (this.#failure) throw this.#failure.error;
      if (this.#over) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The only response to a request that does not stream. */
  async whole(): Promise<string> {
    const whole = await this.next();
    if (whole.done) throw new InternalError("the answer ended without a response");
    return whole.value;
  }

  /** The reader stopped early: so does the answer. */
  return(): Promise<IteratorResult<string>> {
    if (!this.#over) this.#backend.interrupt(this.#id);
    this.#responses = [];
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  #receive(event: GenerateEvent): void {
    if (this.#over) return;
    if (event.kind === "failed") {
      this.#fail(event.error);
    } else {
      if (event.kind === "accepted") ({ id: this.answer, streams: this.streams } = event);
      this.#responses.push(...event.responses);
      if (event.kind === "finished") this.#finish();
    }
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#detach();
    this.#wake();
  }
}

/** Responses as objects. */
export class ObjectStream<Item> implements AsyncIterableIterator<Item> {
  #responses: ResponseStream;

  constructor(responses: ResponseStream) {
    this.#responses = responses;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Item>> {
    const { done, value } = await this.#responses.next();
    return done ? { done, value: undefined } : { done: false, value: JSON.parse(value) as Item };
  }

  async return(): Promise<IteratorResult<Item>> {
    await this.#responses.return();
    return { done: true, value: undefined };
  }
}
