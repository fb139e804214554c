/**
 * Brings requests into the form that crosses to the runtime. The runtime checks the fields, with the code that also serves native programs;
 * here is only what it does not know of: the completions API, and values that JSON cannot carry.
 */

import { InvalidRequestError } from "./errors.js";
import type { ChatCompletionCreateParams, CompletionCreateParams } from "./openai.js";
import type { GenerateRequest } from "./protocol.js";

/** A chat request. Throws {@link InvalidRequestError}. */
export function chatRequest(params: ChatCompletionCreateParams): GenerateRequest {
  if (typeof params !== "object" || params === null) throw invalid("request", "must be an object");
  return { body: json(params) };
}

/** A completion request. Throws {@link InvalidRequestError}. */
export function completionRequest(params: CompletionCreateParams): GenerateRequest {
  if (typeof params !== "object" || params === null) throw invalid("request", "must be an object");
  const { prompt, echo, suffix, best_of, ...rest } = params as CompletionCreateParams & { suffix?: unknown; best_of?: unknown };
  if (suffix) throw invalid("suffix", "is not supported by this release; leave it out");
  if (best_of !== undefined && best_of !== null && best_of !== 1) throw invalid("best_of", "is not supported by this release; leave it out");
  const isId = (id: unknown): boolean => Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 32;
  const isIds = Array.isArray(prompt) && prompt.length > 0 && prompt.every(isId);
  if (typeof prompt !== "string" && !isIds) throw invalid("prompt", "must be a text or a list of token ids");
  if (echo && isIds) throw invalid("echo", "needs a prompt that is a text");
  return { body: json(rest), prompt };
}

function json(params: object): string {
  try {
    return JSON.stringify(params);
  } catch (error) {
    throw invalid("request", `cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`${field} ${problem}`, { field });
}
