/**
 * Requests as JSON. The runtime reads and checks them, with the code that also serves native
 * programs. Only values that JSON cannot carry are checked here.
 */

import { InvalidRequestError } from "../api/errors.js";
import { given } from "../load/address.js";

/** The body of a request. Throws {@link InvalidRequestError}. JSON would make `null` of NaN. */
export function bodyOf(params: object): string {
  if (typeof params !== "object" || params === null || Array.isArray(params)) {
    throw refuse("request", params, "an object");
  }
  try {
    return JSON.stringify(params, (name, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw refuse(name, value, "a number that is finite");
      }
      return value;
    });
  } catch (error) {
    if (error instanceof InvalidRequestError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidRequestError(`request cannot be written as JSON: ${why}`, { field: "request" });
  }
}

function refuse(field: string, value: unknown, allowed: string): InvalidRequestError {
  return new InvalidRequestError(`${field}: given ${given(value)}, allowed ${allowed}`, {
    field,
    value,
  });
}
