/** The package's types as programs see them, with nothing else installed: this file need only compile. */

import { type ChatCompletionChunk, createEngine, type EngineOptions, InvalidRequestError, type ResponseFormat } from "tegula";
import { createEngine as createHere } from "tegula/service-worker";

const options: EngineOptions = { model: "model/", wasm: new URL("https://host/tegula.wasm"), grammar: "tegula-grammar.wasm", worker: "worker.js" };

const format: ResponseFormat = { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" }, strict: true } };

export async function ask(): Promise<string> {
  const engine = await createEngine(options);
  const stream = await engine.chat.completions.create({ messages: [{ role: "user", content: "hi" }], response_format: format, stream: true });
  let text = "";
  const add = (chunk: ChatCompletionChunk): string => (text += chunk.choices[0]?.delta.content ?? "");
  for await (const chunk of stream) add(chunk);
  const { choices } = await (await createHere(options)).completions.create({ prompt: "Once", echo: true });
  return text + choices[0]?.text;
}

export const isMine = (error: unknown): error is InvalidRequestError => error instanceof InvalidRequestError;
