/** The engine as pages see it: OpenAI's `chat.completions.create` and `completions.create` over a {@link Backend}. */

import { InternalError } from "./errors.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionCreateParamsNonStreaming,
  CompletionCreateParamsStreaming,
  CompletionUsage,
  FinishReason,
  RequestOptions,
} from "./openai.js";
import type { Backend, DeviceInfo, EngineStats, GenerateRequest, KernelChoice, Loaded, ModelInfo } from "./protocol.js";
import { chatRequest, completionRequest } from "./request.js";
import { ChunkStream, Generation } from "./stream.js";

/** A loaded model that answers requests, several at once if they come so. */
export class Engine {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;
  #backend: Backend;
  #loaded: Loaded;

  /** Made by `createEngine`. `name` is what responses call the model. */
  constructor(backend: Backend, loaded: Loaded, name: string) {
    this.#backend = backend;
    this.#loaded = loaded;
    const requests = new Requests(backend, name);
    this.chat = { completions: new ChatCompletions(requests) };
    this.completions = new Completions(requests);
  }

  /** Ends all answers that are being generated; each finishes with reason `abort`. */
  interruptGenerate(): void {
    this.#backend.interrupt();
  }

  /** Frees the model's memory, and ends the worker. Requests fail afterwards. */
  unload(): Promise<void> {
    return this.#backend.unload();
  }

  /** The device that the model runs on. */
  device(): DeviceInfo {
    return this.#loaded.device;
  }

  /** The model. */
  model(): ModelInfo {
    return this.#loaded.model;
  }

  /** What runs where the library leaves the choice among kernels to the device, and why. */
  kernels(): KernelChoice[] {
    return this.#loaded.kernels;
  }

  /** Speed and counts. */
  stats(): Promise<EngineStats> {
    return this.#backend.stats();
  }
}

/** `engine.chat.completions`. */
export class ChatCompletions {
  #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  create(params: ChatCompletionCreateParamsStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  create(params: ChatCompletionCreateParamsNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(params: ChatCompletionCreateParams, options?: RequestOptions): Promise<AsyncIterableIterator<ChatCompletionChunk> | ChatCompletion>;
  async create(params: ChatCompletionCreateParams, options: RequestOptions = {}): Promise<AsyncIterableIterator<ChatCompletionChunk> | ChatCompletion> {
    const started = await this.#requests.start("chatcmpl", chatRequest(params), options);
    if (params.stream) return this.#stream(started, params.stream_options?.include_usage ?? false);
    const { text, reason, usage } = await whole(started);
    const choice = { index: 0, message: { role: "assistant" as const, content: text, refusal: null }, finish_reason: reason, logprobs: null };
    return { ...started.envelope, object: "chat.completion", choices: [choice], usage };
  }

  #stream({ generation, envelope }: Started, withUsage: boolean): AsyncIterableIterator<ChatCompletionChunk> {
    const object = "chat.completion.chunk";
    let delta: ChatCompletionChunk["choices"][number]["delta"] = { role: "assistant", content: "" };
    return new ChunkStream<ChatCompletionChunk>(generation, [], (piece) => {
      const finish_reason = "text" in piece ? null : piece.reason;
      if ("text" in piece) delta = { ...delta, content: piece.text };
      const chunk = { ...envelope, object, choices: [{ index: 0, delta, finish_reason, logprobs: null }] } satisfies ChatCompletionChunk;
      delta = {};
      return withUsage && "usage" in piece ? [chunk, { ...envelope, object, choices: [], usage: piece.usage }] : [chunk];
    });
  }
}

/** `engine.completions`: the prompt as it is, without a chat template. */
export class Completions {
  #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  create(params: CompletionCreateParamsStreaming, options?: RequestOptions): Promise<AsyncIterableIterator<CompletionChunk>>;
  create(params: CompletionCreateParamsNonStreaming, options?: RequestOptions): Promise<Completion>;
  create(params: CompletionCreateParams, options?: RequestOptions): Promise<AsyncIterableIterator<CompletionChunk> | Completion>;
  async create(params: CompletionCreateParams, options: RequestOptions = {}): Promise<AsyncIterableIterator<CompletionChunk> | Completion> {
    const request = completionRequest(params);
    const started = await this.#requests.start("cmpl", request, options);
    const prefix = params.echo && typeof request.prompt === "string" ? request.prompt : "";
    if (params.stream) return this.#stream(started, prefix, params.stream_options?.include_usage ?? false);
    const { text, reason, usage } = await whole(started);
    const choice = { index: 0, text: prefix + text, finish_reason: reason, logprobs: null };
    return { ...started.envelope, object: "text_completion", choices: [choice], usage };
  }

  #stream({ generation, envelope }: Started, prefix: string, withUsage: boolean): AsyncIterableIterator<CompletionChunk> {
    const object = "text_completion";
    const chunk = (text: string, finish_reason: FinishReason | null): CompletionChunk => {
      return { ...envelope, object, choices: [{ index: 0, text, finish_reason, logprobs: null }] };
    };
    return new ChunkStream<CompletionChunk>(generation, prefix ? [chunk(prefix, null)] : [], (piece) => {
      if ("text" in piece) return [chunk(piece.text, null)];
      const last = chunk("", piece.reason);
      return withUsage ? [last, { ...envelope, object, choices: [], usage: piece.usage }] : [last];
    });
  }
}

/** An accepted request and what all of its responses share. */
interface Started {
  generation: Generation;
  envelope: { id: string; created: number; model: string };
}

/** Numbers requests. */
class Requests {
  #next = 0;

  constructor(
    readonly backend: Backend,
    readonly model: string,
  ) {}

  async start(prefix: string, request: GenerateRequest, { signal }: RequestOptions): Promise<Started> {
    const generation = await Generation.start(this.backend, this.#next++, request, signal);
    const envelope = { id: `${prefix}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: this.model };
    return { generation, envelope };
  }
}

async function whole({ generation }: Started): Promise<{ text: string; reason: FinishReason; usage: CompletionUsage }> {
  let text = "";
  for await (const piece of generation) {
    if ("text" in piece) text += piece.text;
    else return { text, reason: piece.reason, usage: piece.usage };
  }
  throw new InternalError("the answer ended without a reason");
}
