/** The package in webpack, with nothing configured for it. */

import { createEngine } from "tegula";
import { ask } from "../ask.js";

void ask(createEngine);
