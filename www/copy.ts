/** Buttons that copy a text, and say that they did. */

import { button } from "./page.js";
import { announce } from "./say.js";

/** A button that copies what `text` gives; `what` is its name for screen readers. */
export function copyButton(what: string, text: () => string): HTMLButtonElement {
  let reset: ReturnType<typeof setTimeout> | undefined;
  const made = button("Copy", "quiet copy", () => void press(), `Copy ${what}`);
  const press = async (): Promise<void> => {
    const copied = await write(text());
    made.textContent = copied ? "Copied" : "Not copied";
    announce(
      copied ? `The ${what} was copied` : `The browser did not let the page copy the ${what}`,
    );
    clearTimeout(reset);
    reset = setTimeout(() => (made.textContent = "Copy"), 2000);
  };
  return made;
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeThroughSelection(text);
  }
}

/** For pages that may not use the clipboard's own interface. */
function writeThroughSelection(text: string): boolean {
  const focused = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
