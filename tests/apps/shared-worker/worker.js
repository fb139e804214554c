/** The package in a shared worker: whoever connects gets the answer. */

import { ask } from "./ask.js";
import { createEngine } from "./tegula/service-worker.js";

addEventListener("connect", async (event) => event.ports[0].postMessage(await ask(createEngine)));
