/** The package in a service worker: whoever sends a message gets the answer. */

import { ask } from "./ask.js";
import { createEngine } from "./tegula/service-worker.js";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil(ask(createEngine).then((text) => event.source.postMessage(text))));
