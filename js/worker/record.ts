/** Errors that cross a worker boundary as records, since `postMessage` carries neither their classes nor their fields. */

import { CLASSES } from "../api/classes.js";
import { InternalError } from "../api/errors.js";

/** An error as it crosses a worker boundary. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string | undefined;
  fields: Record<string, unknown>;
}

/** Makes an error ready for `postMessage`. */
export function toRecord(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: "InternalError", message: String(error), fields: {} };
  const { name: _name, message: _message, stack: _stack, ...fields } = { ...error } as Record<string, unknown>;
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** The error that a record was made from: same class, message, fields and stack. */
export function fromRecord(record: ErrorRecord): Error {
  if (record.name === "AbortError") return new DOMException(record.message, "AbortError");
  const type = CLASSES.get(record.name) ?? InternalError;
  const message = CLASSES.has(record.name) ? record.message : `${record.name}: ${record.message}`;
  const error = new type(message, record.fields);
  if (record.stack) error.stack = record.stack;
  return error;
}
