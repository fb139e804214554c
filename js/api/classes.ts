/** The error classes by name. Minifiers rename classes, so the names are those that instances carry. */

import * as errors from "./errors.js";

type ErrorClass = new (message: string, fields?: object, options?: ErrorOptions) => errors.TegulaError;

export const CLASSES: ReadonlyMap<string, ErrorClass> = new Map(
  Object.values<ErrorClass>(errors).map((type) => [new type("").name, type]),
);
