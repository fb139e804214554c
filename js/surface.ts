/** What every entry of the package exports, whichever way it makes engines. */

export { type CachedModel, deleteModelInCache, hasModelInCache } from "./cache.js";
export { ChatCompletions, Completions, Engine } from "./engine.js";
export * from "./errors.js";
export type * from "./openai.js";
export type { EngineOptions, GpuLike } from "./options.js";
export type { DeviceInfo, EngineStats, KernelChoice, LoadProgress, ModelInfo } from "./protocol.js";
export { checkWebGPU, type WebGPUStatus } from "./webgpu.js";
