/** The Rust runtime, as wasm-pack built it. The only module that imports generated code. */

import init, { type Device, Loader, onPanic, requestDevice } from "../pkg/tegula.js";
import { notePanic, useGpu } from "./host.js";
import { compileModule } from "./module.js";
import type { GpuLike } from "./options.js";
import { Session } from "./session.js";
import type { Wasm } from "./wasm.js";
import { requireWebGPU } from "./webgpu.js";

/** Instantiates the module once a thread, from the first address. A failure is forgotten, so that the next engine tries again. */
let instance: Promise<unknown> | undefined;

async function instantiate(address: string | undefined): Promise<void> {
  instance ??= compileModule(address).then(async (module) => {
    await init({ module_or_path: module });
    onPanic(notePanic);
  });
  try {
    await instance;
  } catch (error) {
    instance = undefined;
    throw error;
  }
}

/** A session over this thread's instance of the module, on a GPU of the caller's or the browser's. */
export function localSession(gpu?: GpuLike): Session {
  const newModule = async (address: string | undefined): Promise<Wasm> => {
    useGpu(gpu);
    await instantiate(address);
    const newLoader: Wasm["newLoader"] = (device, library, files) => new Loader(device as Device, library, files);
    return { requestDevice, newLoader, onPanic };
  };
  return new Session(newModule, () => requireWebGPU(gpu));
}
