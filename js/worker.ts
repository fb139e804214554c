/** The script of the worker that `createEngine` makes. Import it in a worker script of your own to serve an engine from there. */

import { EngineHandler } from "./worker/handler.js";
import type { Port } from "./worker/protocol.js";
import { localSession } from "./runtime.js";

new EngineHandler(globalThis as unknown as Port, localSession());
