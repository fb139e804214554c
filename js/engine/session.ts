/** The runtime in this thread. It loads a model into the WebAssembly module, and hands the module's events to the request that they belong to. */

import { DeviceError, DeviceLostError, EngineNotLoadedError, InternalError } from "../api/errors.js";
import { loadModel } from "../load/load.js";
import type { CompletionUsage, ModelList } from "../api/openai.js";
import type {
  Backend,
  EngineStats,
  GenerateEvent,
  GenerateRequest,
  Inquiry,
  LoadListeners,
  LoadOptions,
  Loaded,
  Reply,
} from "../api/backend.js";
import { requireWebGPU } from "../wasm/webgpu.js";
import { fromRuntime, runtimeAwait, runtimeCall } from "../wasm/seam.js";
import type { Wasm, WasmDevice, WasmEngine, WasmEvent } from "../wasm/seam.js";

/** A backend in this thread. */
export class Session implements Backend {
  #wasm: Wasm | undefined;
  #device: WasmDevice | undefined;
  #engine: WasmEngine | undefined;
  #ended: Error | undefined;
  #running = new Map<number, (event: GenerateEvent) => void>();
  /** Where the grammar module is, if not beside the scripts. */
  #grammar: string | undefined;
  /** Requests that wait for the grammar module, and whether they were interrupted meanwhile. */
  #waiting = new Map<number, boolean>();
  #stats = { prefillTokensPerSecond: 0, decodeTokensPerSecond: 0, promptTokens: 0, completionTokens: 0 };

  /** `instantiate` gives the module, from an address or the package's; called once, when a model is loaded. `findGpu` throws where there is no WebGPU. */
  constructor(
    readonly instantiate: (address: string | undefined) => Promise<Wasm>,
    readonly findGpu: () => Promise<void> = requireWebGPU,
  ) {}

  async load(options: LoadOptions, listeners: LoadListeners): Promise<Loaded> {
    if (this.#wasm) throw new InternalError("a session loads one model");
    listeners.signal?.throwIfAborted();
    await this.findGpu();
    const wasm = await this.instantiate(options.wasm);
    this.#wasm = wasm;
    this.#grammar = options.grammar;
    // What was awaited of the module when it panicked never comes.
    const panic = new Promise<never>((_, reject) => {
      wasm.onPanic((message) => {
        const error = new InternalError(`the runtime failed: ${message}`);
        this.#end(error);
        reject(error);
      });
    });
    panic.catch(() => {});
    return Promise.race([panic, this.#loadInto(wasm, options, listeners)]);
  }

  async #loadInto(wasm: Wasm, options: LoadOptions, listeners: LoadListeners): Promise<Loaded> {
    const device = await runtimeAwait(() => wasm.requestDevice(options.baseline));
    this.#device = device;
    this.#engine = await loadModel(wasm, device, options, listeners, (events) => this.#dispatch(events));
    const models = JSON.parse(this.#engine.models()) as ModelList;
    return { device: device.info(), model: this.#engine.model(), kernels: this.#engine.kernels(), models };
  }

  generate(id: number, request: GenerateRequest, listener: (event: GenerateEvent) => void): void {
    const { chat, body, named } = request;
    this.#running.set(id, listener);
    try {
      const engine = this.#usable();
      if (runtimeCall(() => engine.needsGrammar(chat, body))) void this.#generateHeld(id, request);
      else runtimeCall(() => engine.submit(id, chat, body, named));
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** Loads the grammar module, then starts the request. */
  async #generateHeld(id: number, { chat, body, named }: GenerateRequest): Promise<void> {
    this.#waiting.set(id, false);
    try {
      const module = await this.#wasm!.loadGrammar(this.#grammar);
      // Meanwhile the engine may have been unloaded, and another request may have given the module.
      if (!this.#running.has(id)) return;
      const engine = this.#usable();
      if (runtimeCall(() => engine.needsGrammar(chat, body))) runtimeCall(() => engine.setGrammar(module));
      runtimeCall(() => engine.submit(id, chat, body, named));
      if (this.#waiting.get(id)) engine.interrupt(id);
    } catch (error) {
      this.#fail(id, error);
    } finally {
      this.#waiting.delete(id);
    }
  }

  #fail(id: number, error: unknown): void {
    const listener = this.#running.get(id);
    this.#running.delete(id);
    listener?.({ kind: "failed", error: error as Error });
  }

  interrupt(id?: number): void {
    if (this.#ended) return;
    for (const running of id === undefined ? this.#running.keys() : [id]) {
      if (this.#waiting.has(running)) this.#waiting.set(running, true);
      else this.#engine?.interrupt(running);
    }
  }

  async inquire(inquiry: Inquiry): Promise<Reply> {
    const engine = this.#usable();
    return runtimeCall(() => engine.inquire(inquiry));
  }

  stats(): Promise<EngineStats> {
    return Promise.resolve({ active: this.#running.size, ...this.#stats });
  }

  unload(): Promise<void> {
    const poisoned = this.#ended instanceof InternalError;
    this.#end(new EngineNotLoadedError("the engine was unloaded"));
    if (!poisoned) {
      this.#engine?.free();
      this.#device?.free();
    }
    this.#engine = undefined;
    this.#device = undefined;
    return Promise.resolve();
  }

  #dispatch(events: WasmEvent[]): void {
    for (const event of events) {
      const listener = this.#running.get(event.request);
      if (!listener) continue;
      if (event.kind === "accepted" || event.kind === "progress") {
        const { request: _, ...rest } = event;
        listener(rest);
        continue;
      }
      this.#running.delete(event.request);
      if (event.kind === "finished") {
        this.#count(event.usage);
        listener({ kind: "finished", responses: event.responses, usage: event.usage });
        continue;
      }
      const error = fromRuntime(event.failure);
      listener({ kind: "failed", error });
      if (error instanceof DeviceLostError || error instanceof DeviceError) this.#end(error);
    }
  }

  #count({ prompt_tokens, completion_tokens, extra }: CompletionUsage): void {
    this.#stats = {
      prefillTokensPerSecond: extra.prefill_tokens_per_s,
      decodeTokensPerSecond: extra.decode_tokens_per_s,
      promptTokens: this.#stats.promptTokens + prompt_tokens,
      completionTokens: this.#stats.completionTokens + completion_tokens,
    };
  }

  /** The engine, as long as it can be used. */
  #usable(): WasmEngine {
    if (!this.#engine || this.#ended) throw this.#ended ?? new EngineNotLoadedError("no model is loaded");
    return this.#engine;
  }

  /** Nothing runs after this; requests that do fail. */
  #end(error: Error): void {
    this.#ended ??= error;
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const listener of running) listener({ kind: "failed", error });
  }
}
