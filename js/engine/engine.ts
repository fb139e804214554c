/**
 * The engine as pages see it: OpenAI's `chat.completions.create`, `completions.create` and
 * `models.list` over a {@link Backend}. The runtime builds the responses.
 */

import type { Backend, DeviceInfo, EngineStats, KernelChoice, Loaded, ModelInfo } from "../api/backend.js";
import { InternalError } from "../api/errors.js";
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
  ModelList,
  RequestOptions,
} from "../api/openai.js";
import { bodyOf } from "./request.js";
import { ResponseStream } from "./stream.js";

/** A loaded model that answers requests, several at once if they come so. */
export class Engine {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;
  readonly models: Models;
  #backend: Backend;
  #loaded: Loaded;

  /** Made by `createEngine`. */
  constructor(backend: Backend, loaded: Loaded) {
    this.#backend = backend;
    this.#loaded = loaded;
    const requests = new Requests(backend);
    this.chat = { completions: new ChatCompletions(requests) };
    this.completions = new Completions(requests);
    this.models = new Models(loaded.models);
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

  create(
    params: ChatCompletionCreateParamsStreaming,
    options?: RequestOptions,
  ): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  create(
    params: ChatCompletionCreateParamsNonStreaming,
    options?: RequestOptions,
  ): Promise<ChatCompletion>;
  create(
    params: ChatCompletionCreateParams,
    options?: RequestOptions,
  ): Promise<AsyncIterableIterator<ChatCompletionChunk> | ChatCompletion>;
  create(
    params: ChatCompletionCreateParams,
    options: RequestOptions = {},
  ): Promise<AsyncIterableIterator<ChatCompletionChunk> | ChatCompletion> {
    return this.#requests.answer(true, params, options);
  }
}

/** `engine.completions`: the prompt as it is, without a chat template. */
export class Completions {
  #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  create(
    params: CompletionCreateParamsStreaming,
    options?: RequestOptions,
  ): Promise<AsyncIterableIterator<CompletionChunk>>;
  create(
    params: CompletionCreateParamsNonStreaming,
    options?: RequestOptions,
  ): Promise<Completion>;
  create(
    params: CompletionCreateParams,
    options?: RequestOptions,
  ): Promise<AsyncIterableIterator<CompletionChunk> | Completion>;
  create(
    params: CompletionCreateParams,
    options: RequestOptions = {},
  ): Promise<AsyncIterableIterator<CompletionChunk> | Completion> {
    return this.#requests.answer(false, params, options);
  }
}

/** `engine.models`: the one that is loaded. */
export class Models {
  #models: ModelList;

  constructor(models: ModelList) {
    this.#models = models;
  }

  list(): Promise<ModelList> {
    return Promise.resolve(structuredClone(this.#models));
  }
}

/** Numbers requests, and hands on what the runtime answers. */
class Requests {
  #next = 0;

  constructor(readonly backend: Backend) {}

  async answer<Whole, Chunk>(
    chat: boolean,
    params: ChatCompletionCreateParams | CompletionCreateParams,
    { signal }: RequestOptions,
  ): Promise<AsyncIterableIterator<Chunk> | Whole> {
    const request = { chat, body: bodyOf(params) };
    const id = this.#next++;
    if (params.stream) return ResponseStream.start<Chunk>(this.backend, id, request, signal);
    const responses = await ResponseStream.start<Whole>(this.backend, id, request, signal);
    const whole = await responses.next();
    if (whole.done) throw new InternalError("the answer ended without a response");
    return whole.value;
  }
}
