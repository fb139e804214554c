/**
 * The panels that fold out of the bar. Esc and a press elsewhere close them, and one is open at a
 * time.
 */

const panels = [...document.querySelectorAll<HTMLDetailsElement>("details.panel")];

/**
 * Closes the open panel and gives the focus back to what opened it. Gives whether there was one.
 */
export function closePanel(): boolean {
  const open = panels.find((panel) => panel.open);
  if (!open) return false;
  open.open = false;
  open.querySelector("summary")?.focus();
  return true;
}

for (const panel of panels) {
  panel.addEventListener("toggle", () => {
    if (panel.open) for (const other of panels) if (other !== panel) other.open = false;
  });
}

document.addEventListener("pointerdown", ({ target }) => {
  for (const panel of panels) {
    if (panel.open && !(target instanceof Node && panel.contains(target))) panel.open = false;
  }
});
