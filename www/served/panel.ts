/** The panel in the bar: which server this is, how busy it is, and the key that may be forgotten. */

import { element, make } from "../page.js";
import { count } from "../words.js";
import { keptKey } from "./key.js";

const panel = element("server", HTMLDetailsElement);
const dot = panel.querySelector<HTMLElement>(".dot");
const facts = element("server-facts", HTMLDListElement);
const forget = element("forget-key", HTMLButtonElement);

/** The base URL of the server's API, as clients take it. */
export const API = new URL("v1", document.baseURI).href;

/** What `/health` answers, as far as it is shown. */
interface Health {
  running: number;
  most: number | null;
}

/** Whether the server answers; nothing before that is known. */
export function showServer(answers: boolean | undefined): void {
  const state = answers === undefined ? "" : answers ? "good" : "bad";
  if (dot) dot.dataset["state"] = state;
  // What the colour of the dot says, for who does not see it.
  element("server-state", HTMLSpanElement).textContent =
    state === "bad" ? "Not connected: " : "Server: ";
  element("server-name", HTMLSpanElement).textContent = location.host;
  forget.hidden = keptKey() === undefined;
  showFacts("");
}

/** Calls `forgotten` when the key shall be forgotten. */
export function onForget(forgotten: () => void): void {
  forget.addEventListener("click", () => {
    panel.open = false;
    forgotten();
  });
}

function showFacts(busy: string): void {
  const rows = [["API", API], ...(busy ? [["Under way", busy]] : [])];
  facts.replaceChildren(
    ...rows.flatMap(([name = "", value = ""]) => [make("dt", "", name), make("dd", "", value)]),
  );
}

panel.addEventListener("toggle", () => {
  if (panel.open) void look();
});

/** How busy the server is, at this moment. */
async function look(): Promise<void> {
  try {
    const response = await fetch(new URL("health", document.baseURI));
    const { running, most } = (await response.json()) as Health;
    showFacts(`${count(running)}${most === null ? "" : ` of ${count(most)}`} requests`);
  } catch {
    showFacts("The server does not answer");
  }
}
