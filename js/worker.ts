/** The worker that `createEngine` makes. */

import { EngineHandler } from "./handler.js";
import type { Port } from "./protocol.js";
import { localSession } from "./runtime.js";

new EngineHandler(globalThis as unknown as Port, localSession());
