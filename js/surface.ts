/** What every entry of the package exports, beside `createEngine`. */

export { type CachedModel, deleteModelInCache, hasModelInCache } from "./load/models.js";
export { ChatCompletions, Completions, Engine, Models } from "./engine/engine.js";
export * from "./api/errors.js";
export type * from "./api/forms.js";
export type * from "./api/openai.js";
export type { EngineOptions } from "./engine/options.js";
export type { DeviceInfo, EngineStats, KernelChoice, LoadProgress, ModelInfo, Precision } from "./api/backend.js";
export { checkWebGPU, type GpuLike, type WebGPUStatus } from "./wasm/webgpu.js";
