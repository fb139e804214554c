/** What went wrong before anything could answer: a box below the welcome. */

import { element, make } from "./page.js";

/** The box. */
export const problem = element("problem", HTMLDivElement);

/** Shows what went wrong. `detail` folds out where it says more. */
export function showProblem(title: string, text: string, detail?: string): void {
  const more =
    detail && detail !== text
      ? [make("details", "", make("summary", "", "Details"), make("p", "", detail))]
      : [];
  problem.replaceChildren(make("strong", "", title), make("p", "", text), ...more);
  problem.hidden = false;
}
