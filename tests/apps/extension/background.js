/** The package in an extension's background: the model is one of the extension's files, and `outcome` is for the test to read. */

import { ask } from "./ask.js";
import { createEngine } from "./tegula/service-worker.js";

globalThis.outcome = ask(createEngine);
