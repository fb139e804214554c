/** Tegula: LLMs compiled for WebGPU. See {@link createEngine}. */

export { type CachedModel, deleteModelInCache, hasModelInCache } from "./cache.js";
export { createEngine } from "./create.js";
export { ChatCompletions, Completions, Engine } from "./engine.js";
export * from "./errors.js";
export type * from "./openai.js";
export type { EngineOptions, GpuLike } from "./options.js";
export type { DeviceInfo, EngineStats, KernelChoice, LoadProgress, ModelInfo } from "./protocol.js";
export { checkWebGPU, type WebGPUStatus } from "./webgpu.js";
