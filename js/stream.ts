/** One answer while it is generated: an async iterator over its pieces, from events that come when they come. */

import type { CompletionUsage, FinishReason } from "./openai.js";
import type { Backend, GenerateEvent, GenerateRequest } from "./protocol.js";

/** A piece of an answer; the last one has the reason and the usage. */
export type Piece = { text: string } | { reason: FinishReason; usage: CompletionUsage };

/** A request on its way. Read it once. */
export class Generation implements AsyncIterableIterator<Piece> {
  #backend: Backend;
  #id: number;
  #pieces: Piece[] = [];
  #failure: { error: unknown } | undefined;
  #over = false;
  #wake = () => {};
  #detach = () => {};

  private constructor(backend: Backend, id: number) {
    this.#backend = backend;
    this.#id = id;
  }

  /** Submits a request; settles when the runtime has accepted or refused it. A signal that aborts ends it with the signal's reason. */
  static start(backend: Backend, id: number, request: GenerateRequest, signal?: AbortSignal): Promise<Generation> {
    const generation = new Generation(backend, id);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        backend.interrupt(id);
        generation.#fail(signal?.reason);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      generation.#detach = () => signal?.removeEventListener("abort", abort);
      backend.generate(id, request, (event) => {
        if (event.kind === "accepted") resolve(generation);
        else if (event.kind === "failed") reject(event.error);
        generation.#receive(event);
      });
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Piece>> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) return { done: false, value: piece };
      if (this.#failure) throw this.#failure.error;
      if (this.#over) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The reader stopped early: so does the answer. */
  return(): Promise<IteratorResult<Piece>> {
    if (!this.#over) this.#backend.interrupt(this.#id);
    this.#pieces = [];
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  #receive(event: GenerateEvent): void {
    if (this.#over) return;
    if (event.kind === "failed") this.#fail(event.error);
    if (event.kind === "token" && event.text !== "") this.#pieces.push({ text: event.text });
    if (event.kind === "finished") {
      this.#pieces.push({ reason: event.reason, usage: event.usage });
      this.#finish();
    }
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#pieces = [];
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#detach();
    this.#wake();
  }
}

/** A stream of chunks made from the pieces of an answer. `first` goes out before all others. Leaving it early ends the answer. */
export class ChunkStream<Chunk> implements AsyncIterableIterator<Chunk> {
  #generation: Generation;
  #chunks: Chunk[];
  #chunksOf: (piece: Piece) => Chunk[];

  constructor(generation: Generation, first: Chunk[], chunksOf: (piece: Piece) => Chunk[]) {
    this.#generation = generation;
    this.#chunks = first;
    this.#chunksOf = chunksOf;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk>> {
    for (;;) {
      const value = this.#chunks.shift();
      if (value !== undefined) return { done: false, value };
      const piece = await this.#generation.next();
      if (piece.done) return { done: true, value: undefined };
      this.#chunks = this.#chunksOf(piece.value);
    }
  }

  async return(): Promise<IteratorResult<Chunk>> {
    this.#chunks = [];
    await this.#generation.return();
    return { done: true, value: undefined };
  }
}
