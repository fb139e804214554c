/** Tegula: LLMs compiled for WebGPU. See {@link createEngine}. */

export { createEngine } from "./engine/create.js";
export * from "./surface.js";
