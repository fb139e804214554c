/**
 * The worker's side of the protocol: answers messages from a {@link WorkerBackend} with a {@link Session}. A worker script of one's own
 * imports `tegula/worker` (../worker.ts), which makes a handler.
 */

import type { Backend, GenerateEvent } from "../api/backend.js";
import type { FromWorker, Port, ToWorker } from "./protocol.js";
import { type ErrorRecord, toRecord } from "./record.js";

/** Serves one engine on one port. */
export class EngineHandler {
  #loads = new Map<number, AbortController>();
  #events: [number, GenerateEvent<ErrorRecord>][] = [];

  constructor(
    readonly port: Port,
    readonly backend: Backend,
  ) {
    port.addEventListener("message", (event) => this.#receive(event.data as ToWorker));
    port.start?.();
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case "load": {
        const { id, options } = message;
        const abort = new AbortController();
        this.#loads.set(id, abort);
        const loaded = this.backend.load(options, {
          signal: abort.signal,
          onProgress: (progress) => this.#send({ kind: "progress", id, progress }),
          onWarning: (warning) => this.#send({ kind: "warning", id, message: warning }),
        });
        this.#answer(id, loaded.finally(() => this.#loads.delete(id)));
        break;
      }
      case "cancel":
        this.#loads.get(message.id)?.abort(new DOMException(message.reason, "AbortError"));
        break;
      case "generate":
        this.backend.generate(message.id, message.request, (event) => this.#event(message.id, event));
        break;
      case "interrupt":
        this.backend.interrupt(message.id);
        break;
      case "inquire":
        this.#answer(message.id, this.backend.inquire(message.inquiry));
        break;
      case "stats":
        this.#answer(message.id, this.backend.stats());
        break;
      case "unload":
        this.#answer(message.id, this.backend.unload());
        break;
    }
  }

  /** Events of one step come together and travel together. */
  #event(id: number, event: GenerateEvent): void {
    if (this.#events.length === 0) queueMicrotask(() => this.#send({ kind: "events", events: this.#events.splice(0) }));
    this.#events.push([id, event.kind === "failed" ? { kind: "failed", error: toRecord(event.error) } : event]);
  }

  #answer(id: number, value: Promise<unknown>): void {
    value.then(
      (value) => this.#send({ kind: "reply", id, value }),
      (error: unknown) => this.#send({ kind: "fail", id, error: toRecord(error) }),
    );
  }

  #send(message: FromWorker): void {
    this.port.postMessage(message);
  }
}
