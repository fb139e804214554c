/** The package in Vite, with nothing configured for it. */

import { createEngine } from "tegula";
import { show } from "../ask.js";

void show(createEngine);
