/**
 * The elements of index.html that the scripts work with, and what is done to elements everywhere.
 */

/** The element with this id; index.html has all that are asked for. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return found;
}

/** Makes an element with classes and children. */
export function make(tag: string, classes = "", ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = classes;
  made.append(...children);
  return made;
}

/** Makes a button. `name` is what it is called where its text alone does not say enough. */
export function button(
  text: string,
  classes: string,
  press: () => void,
  name?: string,
): HTMLButtonElement {
  const made = make("button", classes, text) as HTMLButtonElement;
  made.type = "button";
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", press);
  return made;
}

/** Where focus goes when the focused element vanishes: to the first of these that is there. */
const RESTS = ["prompt", "load", "cancel", "model", "main"];

/**
 * Does something that may take the focused element away. Focus goes to a resting place then, and
 * never falls to the page.
 */
export function keepingFocus(change: () => void, next?: HTMLElement): void {
  const before = document.activeElement;
  change();
  const had = before instanceof HTMLElement && before !== document.body;
  if (!had || (before.isConnected && before.checkVisibility() && !before.matches(":disabled")))
    return;
  rest(next);
}

/** Puts the focus on `next` or, where that cannot have it, on a resting place. */
export function rest(next?: HTMLElement): void {
  const places = [next, ...RESTS.map((id) => document.getElementById(id))];
  places
    .find((place) => place?.isConnected && place.checkVisibility() && !place.matches(":disabled"))
    ?.focus();
}
