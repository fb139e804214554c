/**
 * The page of `tegula serve`: the demo's conversation with the models of the server that the page
 * came from.
 */

import { begin } from "../begin.js";
import { Server } from "./server.js";

void begin((events) => new Server(events));
