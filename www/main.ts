/** The demo: choose a model, load it, talk to it. It uses the npm package as any page would. */

import { begin } from "./begin.js";
import { Loader } from "./loader.js";
import { worksOffline } from "./offline.js";

void begin((events) => new Loader(events)).then(worksOffline);
