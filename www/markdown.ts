/** Answers as the Markdown that models write. What comes out holds no scripts, styles, forms or images, whatever the model wrote. */

import DOMPurify from "dompurify";
import { marked } from "marked";

const ALLOWED = {
  USE_PROFILES: { html: true },
  // An image would be fetched from wherever the model says, and tell that server what was said here.
  FORBID_TAGS: ["img", "picture", "video", "audio", "source", "style", "form", "input", "button", "textarea", "select"],
  FORBID_ATTR: ["style", "class", "id", "name"],
  RETURN_DOM_FRAGMENT: true as const,
};

/** Renders a text, which may stop in the middle of anything. */
export function markdown(text: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true, breaks: true }), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return fragment;
}
