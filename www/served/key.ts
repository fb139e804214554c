/** The API key: asked for where the server wants one, and kept as long as the tab is open. */

import { element } from "../page.js";

const NAME = "tegula-key";

const form = element("key-form", HTMLFormElement);
const input = element("key", HTMLInputElement);

/** The key of this tab, also where the browser keeps nothing. */
let held: string | undefined;

/** The key that was given in this tab. */
export function keptKey(): string | undefined {
  try {
    return held ?? sessionStorage.getItem(NAME) ?? undefined;
  } catch {
    return held;
  }
}

/** Keeps a key, or forgets the one that is kept. */
export function keepKey(key: string | undefined): void {
  held = key;
  try {
    if (key === undefined) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // It lasts until the page is closed.
  }
}

/** Shows the form, or hides it. What was typed is gone then. */
export function showKeyForm(visible: boolean): void {
  form.hidden = !visible;
  input.value = "";
}

/** The box to type the key in. */
export { input as keyBox };

/** Calls `given` when a key was typed. It is kept already. */
export function onKey(given: () => void): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === "") return;
    keepKey(key);
    given();
  });
}
