/**
 * The types of this package against those of the npm package `openai`: what is written for one compiles with the other. Nothing here
 * runs; `npm run typecheck` is the test.
 */

import type OpenAI from "openai";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionTool,
  ChatCompletionToolChoiceOption,
  Completion,
  Engine,
  ErrorResponse,
  FinishReason,
  ModelList,
  ReasoningEffort,
  ResponseFormat,
  ResponseFormatJSONObject,
  ResponseFormatJSONSchema,
  ResponseFormatText,
} from "../index.js";

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

/** What OpenAI's types say of an answer's form and of tools is understood. */
export function formsAreTaken(
  format: NonNullable<OpenAI.ChatCompletionCreateParams["response_format"]>,
  choice: OpenAI.ChatCompletionToolChoiceOption,
  tool: OpenAI.ChatCompletionTool,
  effort: NonNullable<OpenAI.ReasoningEffort>,
): [ResponseFormat, ChatCompletionToolChoiceOption, ChatCompletionTool, ReasoningEffort] {
  return [format, choice, tool, effort];
}

/** What is of OpenAI goes to OpenAI's client, too. A custom tool has the least that it can have. */
export function formsAreOpenAIs(
  format: ResponseFormatText | ResponseFormatJSONObject | ResponseFormatJSONSchema,
  choice: ChatCompletionToolChoiceOption,
  tool: ChatCompletionTool,
  effort: ReasoningEffort,
): Pick<OpenAI.ChatCompletionCreateParams, "response_format" | "tool_choice" | "tools" | "reasoning_effort"> {
  return { response_format: format, tool_choice: choice, tools: [tool], reasoning_effort: effort };
}

/** Forms that are not of OpenAI. What is misspelt does not compile. */
export function formsBeyond(): Pick<ChatCompletionCreateParams, "response_format" | "structured_outputs" | "thinking_budget">[] {
  const part = { begin: "<f>", content: { type: "json_schema", json_schema: { type: "integer" } }, end: "</f>" } as const;
  return [
    { response_format: { type: "json_object", schema: '{"type":"object"}' } },
    { response_format: { type: "grammar", grammar: 'root ::= "yes" | "no"' } },
    { response_format: { type: "regex", regex: "[0-9]+" } },
    { response_format: { type: "choice", choice: ["yes", "no"] } },
    { response_format: { type: "structural_tag", format: { type: "sequence", elements: [{ type: "any_text" }, { type: "tag", ...part }] } } },
    { response_format: { type: "structural_tag", structural_tag: { structures: [{ begin: "<f>", schema: true, end: "</f>" }], triggers: ["<f"] } } },
    { structured_outputs: { structural_tag: { format: { type: "triggered_tags", triggers: ["<f"], tags: [part], at_least_one: true } } } },
    { structured_outputs: { json: { type: "array" } }, thinking_budget: 16 },
    // @ts-expect-error The member has the name of the type.
    { response_format: { type: "regex", pattern: "[0-9]+" } },
    // @ts-expect-error A schema is an object, a boolean or a text.
    { structured_outputs: { json: 7 } },
  ];
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
