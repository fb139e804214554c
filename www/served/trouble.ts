/** Errors of the server in words for people who chat. Its own messages are for programmers. */

import { APIConnectionError, APIError } from "openai";
import { tooLong, type Trouble } from "../words.js";

/** Whether the server asks for a key, or for another one. */
export function wantsKey(error: unknown): boolean {
  return error instanceof APIError && error.status === 401;
}

/** Says what went wrong. */
export function trouble(error: unknown): Trouble {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof APIError && error.code === "context_length_exceeded") {
    const [, prompt, context] = /has (\d+) tokens, but .* holds (\d+)/.exec(detail) ?? [];
    return tooLong(Number(prompt), Number(context));
  }
  const gone = error instanceof APIError && error.code === "model_not_found";
  return { text: sentence(error), detail, fatal: gone || wantsKey(error) };
}

function sentence(error: unknown): string {
  if (error instanceof APIConnectionError)
    return "The server cannot be reached. It may have ended.";
  if (!(error instanceof APIError)) return "The connection to the server broke off.";
  if (wantsKey(error)) return "The server asks for another API key.";
  if (error.code === "model_not_found") return "The server does not have this model any more.";
  const { status } = error;
  if (status === 403) return "The server does not answer under this name.";
  if (status === 429) return "The server has as many requests as it takes. Try again soon.";
  if (status !== undefined && status < 500) return "The model cannot answer this message as it is.";
  return "Something failed on the server.";
}
