/**
 * What a tab remembers by itself across reloads. It is written at once, even while the page goes away,
 * when a database is too slow.
 */

import type { Exchange } from "./record.js";

/** The tab's own notes. */
export interface Session {
  conversation: string;
  draft: string;
  /** An answer that was being written when the page went away. */
  unfinished?: Exchange;
}

const KEY = "tegula-demo";

/** What the tab remembers; nothing in a new one, or where the browser keeps nothing. */
export function remembered(): Session | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Session | null;
    return typeof kept?.conversation === "string" && typeof kept.draft === "string"
      ? kept
      : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers. */
export function remember(session: Session): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // The page works without; the database may have the same.
  }
}

/** The address of the model that was chosen last, in any tab. */
export function lastModel(): string | null {
  try {
    return localStorage.getItem(`${KEY}-model`);
  } catch {
    return null;
  }
}

/** Remembers the choice of a model. */
export function rememberModel(url: string): void {
  try {
    localStorage.setItem(`${KEY}-model`, url);
  } catch {
    // The first of the list is chosen next time.
  }
}
