/**
 * The types of this package against those of the npm package `openai`: what is written for one compiles with the other. Nothing here
 * runs; `npm run typecheck` is the test.
 */

import type OpenAI from "openai";
import type { ChatCompletion, ChatCompletionChunk, Completion, Engine, ErrorResponse, FinishReason, ModelList } from "../index.js";

declare const engine: Engine;

/** An answer that nobody interrupted: OpenAI knows no reason `abort`. */
type Finished<T> = T extends FinishReason ? Exclude<T, "abort"> : T extends (infer Item)[] ? Finished<Item>[] : T extends object ? { [Key in keyof T]: Finished<T[Key]> } : T;

/** Requests as programs build them with OpenAI's types. */
export async function requestsAreTaken(messages: OpenAI.ChatCompletionMessageParam[], tools: OpenAI.ChatCompletionTool[]): Promise<void> {
  const params: OpenAI.ChatCompletionCreateParamsNonStreaming = { model: "any", messages, tools, temperature: 0, user: "someone", metadata: { a: "b" } };
  const answer = await engine.chat.completions.create(params);
  messages.push(answer.choices[0]!.message);
  const streaming: OpenAI.ChatCompletionCreateParamsStreaming = { model: "any", messages, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await engine.chat.completions.create(streaming)) void chunk.choices[0]?.delta.content;
  const either: OpenAI.ChatCompletionCreateParams = params;
  await engine.chat.completions.create(either);
  const completion: OpenAI.CompletionCreateParamsNonStreaming = { model: "any", prompt: "Once", max_tokens: 16, echo: true };
  await engine.completions.create(completion);
  const text: OpenAI.CompletionCreateParamsStreaming = { model: "any", prompt: "Once", stream: true };
  for await (const chunk of await engine.completions.create(text)) void chunk.choices[0]?.text;
}

/** Answers where programs expect OpenAI's. */
export function answersAreTaken(
  chat: Finished<ChatCompletion>,
  chunk: Finished<ChatCompletionChunk>,
  completion: Finished<Completion>,
): [OpenAI.ChatCompletion, OpenAI.ChatCompletionChunk, OpenAI.Completion] {
  return [chat, chunk, completion];
}

/** Lists of models and error objects where programs expect OpenAI's. */
export function objectsAreTaken(list: ModelList, failed: ErrorResponse): [OpenAI.Model[], OpenAI.ErrorObject] {
  return [list.data, failed.error];
}

/** The fingerprint is where programs look for it. */
export function fingerprintIsTaken(chat: ChatCompletion): NonNullable<OpenAI.ChatCompletion["system_fingerprint"]> {
  return chat.system_fingerprint;
}

/** An engine where a function takes the part of OpenAI's client that it uses. */
export function clientIsTaken(): void {
  const take = (_: { chat: { completions: { create(params: OpenAI.ChatCompletionCreateParamsNonStreaming): PromiseLike<unknown> } } }): void => {};
  take(engine);
  const list = (_: { models: { list(): PromiseLike<{ data: OpenAI.Model[] }> } }): void => {};
  list(engine);
}

/** The engine's fetch where OpenAI's client and the page's own code take one. */
export function fetchIsTaken(options: NonNullable<ConstructorParameters<typeof OpenAI>[0]>): void {
  options.fetch = engine.fetch;
  const own: typeof fetch = engine.fetch;
  void own;
}
