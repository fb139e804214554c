/** The responses to one request, as an async iterator. Each response comes when the runtime sends it. */

import type { Backend, GenerateEvent, GenerateRequest } from "../api/backend.js";

/** A request on its way. Read it once. Leaving it early ends the answer. */
export class ResponseStream<Item> implements AsyncIterableIterator<Item> {
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

  /**
   * Submits a request; settles when the runtime has accepted or refused it. A signal that aborts
   * ends it with the signal's reason.
   */
  static start<Item>(
    backend: Backend,
    id: number,
    request: GenerateRequest,
    signal?: AbortSignal,
  ): Promise<ResponseStream<Item>> {
    const stream = new ResponseStream<Item>(backend, id);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        backend.interrupt(id);
        stream.#fail(signal?.reason);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      stream.#detach = () => signal?.removeEventListener("abort", abort);
      backend.generate(id, request, (event) => {
        // A request that is interrupted before it is accepted just finishes.
        if (event.kind === "failed") reject(event.error);
        else resolve(stream);
        stream.#receive(event);
      });
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Item>> {
    for (;;) {
      const json = this.#responses.shift();
      if (json !== undefined) return { done: false, value: JSON.parse(json) as Item };
      if (this.#failure) throw this.#failure.error;
      if (this.#over) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The reader stopped early: so does the answer. */
  return(): Promise<IteratorResult<Item>> {
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
      this.#responses.push(...event.responses);
      if (event.kind === "finished") this.#finish();
    }
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#responses = [];
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#detach();
    this.#wake();
  }
}
