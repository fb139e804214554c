/** How an exchange ended, in words, and what can be done about it. */

import type { Exchange } from "./record.js";
import { told } from "./talk.js";

/** What an exchange that did not go well offers. */
export interface Offer {
  again?: boolean;
  dropOldest?: boolean;
  reload?: boolean;
  /** The package's own words. */
  detail?: string;
}

/**
 * A line below the answer; empty where it ended by itself. `size` is what the model can take in,
 * where one is loaded.
 */
export function noteOn({ ended, tokens, answer }: Exchange, size: number | undefined): string {
  if (ended === "length") {
    return size !== undefined && (tokens ?? 0) >= size
      ? "The answer was cut: the conversation is as long as this model can take in."
      : "The answer was cut: it reached the limit.";
  }
  if (ended === "abort") return answer === "" ? "Stopped before the answer began." : "Stopped.";
  if (ended === "stop" && answer.trim() === "") return "The model answered nothing.";
  // The one that this tab is writing gets no note.
  return ended === null
    ? "This answer is not finished: the page was closed, or another tab is writing it."
    : "";
}

/** What can be done. `before` are the exchanges before this one. */
export function offerOn(exchange: Exchange, before: Exchange[], size: number | undefined): Offer {
  const { ended, tokens } = exchange;
  const full =
    size !== undefined && (tokens ?? 0) >= size && (ended === "length" || ended === "failed");
  const dropOldest = full && told(before).length > 0;
  return { again: ended === null || (ended === "failed" && !dropOldest), dropOldest };
}
