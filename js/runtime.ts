/** The Rust runtime, with the glue that wasm-bindgen wrote. The only module that imports generated code. */

import init, { type Device, Loader, onPanic, requestDevice } from "../pkg/tegula.js";
import { onFailure, useGpu } from "./wasm/host.js";
import { compileModule } from "./load/module.js";
import { Session } from "./engine/session.js";
import type { Wasm } from "./wasm/seam.js";
import { type GpuLike, requireWebGPU } from "./wasm/webgpu.js";

/** The thread's instance of the module, from the first address. A failure is forgotten, so that the next engine tries again. */
let instance: Promise<unknown> | undefined;

async function instantiate(address: string | undefined): Promise<void> {
  instance ??= compileModule(address).then((module) => init({ module_or_path: module }));
  try {
    await instance;
  } catch (error) {
    instance = undefined;
    throw error;
  }
}

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
      onPanic: (listener) => {
        // A panic first says what it is, then throws.
        onPanic(listener);
        onFailure(listener);
      },
    };
  };
  return new Session(newModule, () => requireWebGPU(gpu));
}
