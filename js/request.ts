/**
 * Brings requests into the form that crosses to the runtime. The runtime checks the fields, with the code that also serves native programs;
 * here is only what it does not know of: the completions API, and values that JSON cannot carry.
 */

import { given } from "./address.js";
import { InvalidRequestError } from "./errors.js";
import type { ChatCompletionCreateParams, CompletionCreateParams } from "./openai.js";
import type { GenerateRequest } from "./protocol.js";

/** A chat request. Throws {@link InvalidRequestError}. */
export function chatRequest(params: ChatCompletionCreateParams): GenerateRequest {
  return { body: json(params) };
}

/** A completion request. Throws {@link InvalidRequestError}. */
export function completionRequest(params: CompletionCreateParams): GenerateRequest {
  const body = json(params, ["prompt", "echo"]);
  const prompt = onePrompt(params.prompt);
  const { echo } = params as { echo?: unknown };
  if (echo !== undefined && echo !== null && typeof echo !== "boolean") throw refuse("echo", echo, "true or false");
  if (echo && typeof prompt !== "string") throw refuse("echo", echo, "false where the prompt is a list of token ids");
  return { body, prompt };
}

/** The prompt, which may be the only one of a list. */
function onePrompt(prompt: unknown): string | number[] {
  if (Array.isArray(prompt) && prompt.some((item) => typeof item === "string" || Array.isArray(item))) {
    if (prompt.length > 1) throw invalid("prompt", `is a list of ${prompt.length}, and one is taken: ask once for each`);
    return onePrompt(prompt[0]);
  }
  if (typeof prompt === "string") return prompt;
  if (!Array.isArray(prompt)) throw refuse("prompt", prompt, "a text or a list of token ids");
  const wrong = prompt.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < 2 ** 32));
  if (wrong >= 0) throw refuse(`prompt[${wrong}]`, prompt[wrong], "a token id");
  if (prompt.length === 0) throw invalid("prompt", "is an empty list; a text or a list of at least one token id is allowed");
  return prompt as number[];
}

/** Parameters as JSON, without some of them. JSON would make `null` of numbers that it cannot write. */
function json(params: object, without: string[] = []): string {
  if (typeof params !== "object" || params === null || Array.isArray(params)) throw refuse("request", params, "an object");
  const kept = Object.fromEntries(Object.entries(params).filter(([name]) => !without.includes(name)));
  try {
    return JSON.stringify(kept, (name, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) throw refuse(name, value, "a number that is finite");
      return value;
    });
  } catch (error) {
    if (error instanceof InvalidRequestError) throw error;
    throw invalid("request", `cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuse(field: string, value: unknown, allowed: string): InvalidRequestError {
  return new InvalidRequestError(`${field}: given ${given(value)}, allowed ${allowed}`, { field, value });
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`${field} ${problem}`, { field });
}
