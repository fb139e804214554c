/** The Rust runtime, with the glue that wasm-bindgen wrote. The only module that imports generated code. */

import init, { type Device, Loader, onPanic, requestDevice } from "../pkg/tegula.js";
import initGrammar, { Vocabulary } from "../pkg/tegula_grammar.js";
import { onFailure, useGpu } from "./wasm/host.js";
import { GRAMMAR, RUNTIME, compileModule } from "./load/module.js";
import { Session } from "./engine/session.js";
import type { WasmGrammar } from "./wasm/grammar.js";
import type { Wasm } from "./wasm/seam.js";
import { type GpuLike, requireWebGPU } from "./wasm/webgpu.js";

/** Does something once. A failure is forgotten, so that the next who asks tries again. */
function once<T>(make: (address: string | undefined) => Promise<T>): (address: string | undefined) => Promise<T> {
  let made: Promise<T> | undefined;
  return async (address) => {
    made ??= make(address);
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}

/** The thread's instances of the modules, from the first address. */
const instantiate = once(async (address) => init({ module_or_path: await compileModule(RUNTIME, address) }));
const loadGrammar = once(async (address): Promise<WasmGrammar> => {
  await initGrammar({ module_or_path: await compileModule(GRAMMAR, address) });
  return { vocabulary: (bytes, lengths, special, ends) => new Vocabulary(bytes, lengths, special, ends) };
});

/** Devices are opened one after the other, since each looks for its GPU in the same place. */
let opening: Promise<unknown> = Promise.resolve();

function openDevice(gpu: GpuLike | undefined, baseline: boolean): Promise<Device> {
  const opened = opening.then(() => {
    useGpu(gpu);
    return requestDevice(baseline);
  });
  opening = opened.catch(() => {});
  return opened;
}

/** A session over this thread's instance of the module, on a GPU of the caller's or the browser's. */
export function localSession(gpu?: GpuLike): Session {
  const newModule = async (address: string | undefined): Promise<Wasm> => {
    await instantiate(address);
    return {
      requestDevice: (baseline) => openDevice(gpu, baseline),
      newLoader: (device, library, files, options) => new Loader(device as Device, library, files, options),
      loadGrammar,
      onPanic: (listener) => {
        // A panic first says what it is, then throws.
        onPanic(listener);
        onFailure(listener);
      },
    };
  };
  return new Session(newModule, () => requireWebGPU(gpu));
}
