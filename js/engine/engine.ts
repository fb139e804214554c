/**
 * The engine as pages see it: OpenAI's `chat.completions.create`, `completions.create` and
 * `models.list` over a {@link Backend}, and the same over HTTP. The runtime builds the responses.
 */

import type { Backend, DeviceInfo, EngineStats, KernelChoice, Loaded, ModelInfo } from "../api/backend.js";
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
import { fetchFrom } from "./fetch.js";
import { bodyOf } from "./request.js";
import { ObjectStream, Requests } from "./stream.js";

/** A loaded model that answers requests, several at once if they come so. */
export class Engine {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;
  readonly models: Models;
  /**
   * OpenAI's API over HTTP, answered by this engine whatever the host of the address: what a client of that API takes in place of the
   * browser's `fetch`. It needs no `this`.
   */
  readonly fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
  #backend: Backend;
  #loaded: Loaded;

  /** Made by `createEngine`. */
  constructor(backend: Backend, loaded: Loaded) {
    this.#backend = backend;
    this.#loaded = loaded;
    const requests = new Requests(backend);
    const answers = new Answers(requests);
    this.chat = { completions: new ChatCompletions(answers) };
    this.completions = new Completions(answers);
    this.models = new Models(loaded.models);
    this.fetch = fetchFrom(backend, requests);
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
  #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
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
    return this.#answers.answer(true, params, options);
  }
}

/** `engine.completions`: the prompt as it is, without a chat template. */
export class Completions {
  #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
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
    return this.#answers.answer(false, params, options);
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

/** Answers requests with objects. */
class Answers {
  constructor(readonly requests: Requests) {}

  async answer<Whole, Chunk>(
    chat: boolean,
    params: ChatCompletionCreateParams | CompletionCreateParams,
    { signal }: RequestOptions,
  ): Promise<AsyncIterableIterator<Chunk> | Whole> {
    // Programs written for another model run unchanged.
    const request = { chat, body: bodyOf(params), named: false };
    const responses = await this.requests.start(request, signal);
    if (params.stream) return new ObjectStream<Chunk>(responses);
    return JSON.parse(await responses.whole()) as Whole;
  }
}
