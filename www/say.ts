/**
 * Messages beside the conversation: announcements for screen readers, and notices above the box, some
 * of which can undo something.
 */

import { button, element, keepingFocus, make } from "./page.js";

const status = element("status", HTMLDivElement);
const notices = element("notices", HTMLDivElement);

/** Says something to people who do not see the page change. */
export function announce(text: string): void {
  // A text that is already there would not be read again.
  status.textContent = "";
  setTimeout(() => (status.textContent = text), 50);
}

/** A notice. It stays until it is dismissed, acted on, or replaced by another of its kind. */
export interface Notice {
  kind: "undo" | "deleted" | "storage" | "loading";
  text: string;
  action?: { label: string; run: () => void };
}

/** Shows a notice. */
export function notify({ kind, text, action }: Notice): void {
  const item = make("div", "notice", make("span", "", text));
  item.dataset["kind"] = kind;
  if (action) {
    const act = (): void => {
      dismiss(kind);
      action.run();
    };
    // Several notices may have a button of this name.
    item.append(button(action.label, "quiet", act, `${action.label}: ${text}`));
  }
  item.append(button("×", "quiet close", () => dismiss(kind), "Dismiss"));
  const old = find(kind);
  if (old) keepingFocus(() => old.replaceWith(item));
  else notices.append(item);
}

/** Takes a notice away; nothing happens where there is none. */
export function dismiss(kind: Notice["kind"]): void {
  const found = find(kind);
  if (found) keepingFocus(() => found.remove());
}

/** Whether such a notice is shown. */
export function noticed(kind: Notice["kind"]): boolean {
  return find(kind) !== null;
}

function find(kind: string): Element | null {
  return notices.querySelector(`[data-kind="${kind}"]`);
}
