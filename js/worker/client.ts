/** The page's side of the protocol: a {@link Backend} whose runtime is in a worker. */

import { EngineNotLoadedError, InternalError } from "../api/errors.js";
import type {
  Backend,
  EngineStats,
  GenerateEvent,
  GenerateRequest,
  Inquiry,
  LoadListeners,
  LoadOptions,
  Loaded,
  Reply,
} from "../api/backend.js";
import type { FromWorker, Port, ToWorker } from "./protocol.js";
import { fromRecord } from "./record.js";

interface Call {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  listeners?: LoadListeners;
}

/** A backend behind a port. Calls use negative ids, so that they never meet the ids of requests, which the engine chooses from zero up. */
export class WorkerBackend implements Backend {
  #nextCall = -1;
  #calls = new Map<number, Call>();
  #requests = new Map<number, (event: GenerateEvent) => void>();
  #ended: Error | undefined;

  /** `close` is called once the runtime is unloaded. */
  constructor(
    readonly port: Port,
    readonly close: () => void = () => {},
  ) {
    port.addEventListener("message", (event) => this.#receive(event.data as FromWorker));
    // Ports hold back their messages until somebody says that he listens.
    port.start?.();
  }

  /**
   * A worker as a backend. Its uncaught errors end the engine. One without a message means that its script did not load: `unloaded`
   * finds out why.
   */
  static of(worker: Worker, unloaded?: () => Promise<Error>): WorkerBackend {
    const backend = new WorkerBackend(worker, () => worker.terminate());
    worker.addEventListener("error", (event) => {
      if (event.message || !unloaded) backend.#end(new InternalError(`the worker failed: ${event.message || "its script did not load"}`));
      else void unloaded().then((error) => backend.#end(error));
    });
    worker.addEventListener("messageerror", () => backend.#end(new InternalError("a message from the worker could not be read")));
    return backend;
  }

  async load(options: LoadOptions, listeners: LoadListeners): Promise<Loaded> {
    const { signal } = listeners;
    signal?.throwIfAborted();
    const id = this.#nextCall;
    const cancel = (): void => {
      this.#send({ kind: "cancel", id, reason: signal?.reason instanceof Error ? signal.reason.message : "the load was aborted" });
      // The reason itself may not be cloneable, so the caller gets it from here and not from the worker.
      this.#take(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return (await this.#call((id) => ({ kind: "load", id, options }), listeners)) as Loaded;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  generate(id: number, request: GenerateRequest, listener: (event: GenerateEvent) => void): void {
    if (this.#ended) {
      listener({ kind: "failed", error: this.#ended });
      return;
    }
    this.#requests.set(id, listener);
    this.#send({ kind: "generate", id, request });
  }

  interrupt(id?: number): void {
    this.#send({ kind: "interrupt", id });
  }

  async inquire(inquiry: Inquiry): Promise<Reply> {
    return (await this.#call((id) => ({ kind: "inquire", id, inquiry }))) as Reply;
  }

  async stats(): Promise<EngineStats> {
    return (await this.#call((id) => ({ kind: "stats", id }))) as EngineStats;
  }

  async unload(): Promise<void> {
    if (this.#ended) return;
    await this.#call((id) => ({ kind: "unload", id }));
    this.#end(new EngineNotLoadedError("the engine was unloaded"));
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "reply":
        this.#take(message.id)?.resolve(message.value);
        break;
      case "fail":
        this.#take(message.id)?.reject(fromRecord(message.error));
        break;
      case "progress":
        this.#calls.get(message.id)?.listeners?.onProgress?.(message.progress);
        break;
      case "warning":
        this.#calls.get(message.id)?.listeners?.onWarning?.(message.message);
        break;
      case "events":
        for (const [id, event] of message.events) {
          const listener = this.#requests.get(id);
          if (event.kind === "finished" || event.kind === "failed") this.#requests.delete(id);
          listener?.(event.kind === "failed" ? { kind: "failed", error: fromRecord(event.error) } : event);
        }
        break;
    }
  }

  #call(message: (id: number) => ToWorker, listeners: LoadListeners = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextCall--;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, listeners });
      this.#send(message(id));
    });
  }

  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #send(message: ToWorker): void {
    if (!this.#ended) this.port.postMessage(message);
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const call of this.#calls.values()) call.reject(error);
    for (const listener of this.#requests.values()) listener({ kind: "failed", error });
    this.#calls.clear();
    this.#requests.clear();
    this.close();
  }
}
