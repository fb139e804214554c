/**
 * The interface between an engine and what runs its model. {@link Engine} speaks to a {@link Backend},
 * which is the runtime in the same thread or a worker behind messages.
 */

import type { CompletionUsage, ModelList } from "./openai.js";

/** Where the files are (absolute URLs) and how to load them. */
export interface LoadOptions {
  model: string;
  library: string;
  /** The runtime, where it is not beside the scripts. */
  wasm?: string;
  /** The grammar module, likewise. */
  grammar?: string;
  cache: "indexeddb" | "none";
  baseline: boolean;
  kernels: "measure" | "default";
  runAhead?: number | undefined;
  precision: Precision;
  /** What responses call the model. */
  name: string;
}

/** What arithmetic is used: the fastest that the device has, or what draws the same tokens on all hosts. */
export type Precision = "auto" | "f32";

/** How far a load has come. */
export interface LoadProgress {
  /** `package`: configuration, manifest, library and tokenizer; `weights`: the shards; `pipelines`: kernels are compiled; `ready`. */
  phase: "package" | "weights" | "pipelines" | "ready";
  /** Bytes of weights that have arrived. */
  loadedBytes: number;
  /** Bytes of weights in all; 0 until the manifest is known. */
  totalBytes: number;
  /** No byte of weights has come from the network so far. */
  fromCache: boolean;
  /** How many kernels are compiled, and how many will be. They compile while weights are on their way; absent until it has begun. */
  kernels?: { compiled: number; total: number };
  /** A line for people. */
  text: string;
}

/** What a device can do. */
export interface DeviceInfo {
  name: string;
  vendor: string;
  backend: string;
  driver: string;
  deviceType: string;
  subgroups: boolean;
  subgroupMinSize: number;
  subgroupMaxSize: number;
  f16: boolean;
  /** Whether kernels may use matrix units. Chrome has them behind a flag. */
  matrix: boolean;
  timestamps: boolean;
  /** WebGPU limits that matter, in bytes or counts. */
  limits: Record<string, number>;
}

/** Facts about the loaded model. */
export interface ModelInfo {
  architecture: string;
  quantization: string;
  /** What prompts are multiplied as on this device: `float`, or `int8` where the library was compiled for it. */
  activations: "float" | "int8";
  contextWindowSize: number;
  /** The most answers that are generated together. */
  maxBatchSize: number;
  vocabSize: number;
  /** Whether the package holds a template that turns messages into a prompt. Without one only `completions` makes sense. */
  chat: boolean;
  /** Whether the package holds a tokenizer. Without one prompts must be token ids. */
  tokenizer: boolean;
}

/** Which of several kernels runs for one piece of work, where the library leaves the choice to the device. */
export interface KernelChoice {
  /** What is computed. */
  name: string;
  /** Which of the library's alternatives runs. */
  chosen: number;
  /** The same for people. */
  schedule: string;
  /** What they took, or why that is not known. */
  why: string;
}

/** What a load gives. */
export interface Loaded {
  device: DeviceInfo;
  model: ModelInfo;
  kernels: KernelChoice[];
  models: ModelList;
}

/** A request. The runtime reads and checks it, natively and here with the same code. */
export interface GenerateRequest {
  /** Whether it is a chat completion, or a completion. */
  chat: boolean;
  /** Its body, as JSON. */
  body: string;
  /** Whether a model that it names must be the loaded one, as for a server. Else any name will do. */
  named: boolean;
}

/** What a server would say of itself, or to a request that it cannot take. The words are the runtime's, natively and here. */
export type Inquiry =
  | { kind: "health" | "models" | "embeddings" | "media" | "encoding" }
  | { kind: "model"; name: string }
  | { kind: "address" | "method"; method: string; path: string };

/** What it says: a status of HTTP, and JSON. */
export interface Reply {
  status: number;
  body: string;
}

/**
 * What happens to a request, in this order: accepted once, progress, then finished or failed once.
 * `responses` are OpenAI's objects, as the JSON that the runtime wrote; `id` is the one that they have.
 */
export type GenerateEvent<Failure = Error> =
  | { kind: "accepted"; id: string; streams: boolean; responses: string[] }
  | { kind: "progress"; responses: string[] }
  | { kind: "finished"; responses: string[]; usage: CompletionUsage }
  | { kind: "failed"; error: Failure };

/** Figures about the engine. */
export interface EngineStats {
  /** Requests that wait or run. */
  active: number;
  /** Of the answer that finished last; zero before the first. */
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
  /** Since the engine was made. */
  promptTokens: number;
  completionTokens: number;
}

/** Who listens while a model loads. */
export interface LoadListeners {
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  onWarning?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The half of an engine that holds the model. */
export interface Backend {
  load(options: LoadOptions, listeners: LoadListeners): Promise<Loaded>;
  /** Starts a request under an id that the caller chose and has not used before. Never throws: failures are events. */
  generate(id: number, request: GenerateRequest, listener: (event: GenerateEvent) => void): void;
  /** Ends one request, or all, with reason `abort`. */
  interrupt(id?: number): void;
  /** Asks what a server would say. */
  inquire(inquiry: Inquiry): Promise<Reply>;
  stats(): Promise<EngineStats>;
  unload(): Promise<void>;
}
