/** Tegula: LLMs compiled for WebGPU. See {@link createEngine}. */

export { createEngine } from "./create.js";
export * from "./surface.js";
