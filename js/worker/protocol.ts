/**
 * The messages between a page and the worker that holds its model. Each carries an id, so that
 * several requests share a worker. Answers are pushed as they come, without a round trip a chunk.
 */

import type { GenerateEvent, GenerateRequest, Inquiry, LoadOptions, LoadProgress } from "../api/backend.js";
import type { ErrorRecord } from "./record.js";

/** From the page to the worker. */
export type ToWorker =
  | { kind: "load"; id: number; options: LoadOptions }
  | { kind: "cancel"; id: number; reason: string }
  | { kind: "generate"; id: number; request: GenerateRequest }
  | { kind: "interrupt"; id?: number | undefined }
  | { kind: "inquire"; id: number; inquiry: Inquiry }
  | { kind: "stats"; id: number }
  | { kind: "unload"; id: number };

/** From the worker to the page. */
export type FromWorker =
  | { kind: "reply"; id: number; value: unknown }
  | { kind: "fail"; id: number; error: ErrorRecord }
  | { kind: "progress"; id: number; progress: LoadProgress }
  | { kind: "warning"; id: number; message: string }
  | { kind: "events"; events: [id: number, event: GenerateEvent<ErrorRecord>][] };

/** The part of `Worker`, `MessagePort` and a worker's own scope that the protocol needs. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** What a `MessagePort` needs before it gives its messages. */
  start?(): void;
}
