/** The Rust runtime, as wasm-pack built it. The only module that imports generated code. */

import init, { type Device, Loader, onPanic, requestDevice } from "../pkg/tegula.js";
import { Session } from "./session.js";
import type { Wasm } from "./wasm.js";

/** A session over the WebAssembly module beside this script, of which a thread has one instance. */
export function localSession(): Session {
  return new Session(async () => {
    await init();
    const newLoader: Wasm["newLoader"] = (device, library, files) => new Loader(device as Device, library, files);
    return { requestDevice, newLoader, onPanic } satisfies Wasm;
  });
}
