/**
 * An answer as a model writes it, taken apart: text, reasoning in `<think>`, tool calls in
 * `<tool_call>`. Tags inside code are text: a model that explains them would otherwise lose half of
 * its answer.
 */

/** A part of an answer. `open` says that its closing tag has not come. */
export interface Part {
  kind: "text" | "thinking" | "tool";
  text: string;
  open: boolean;
}

const TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>"];

/** The end of the text, `Z` below; `$` is the end of a line here. */
const END = /(?![^])/.source;
/** Code in fences, which may be open at the end. */
const FENCED = /^[ \t]{0,3}(?<fence>`{3,}|~{3,})[^\n]*(?:\n[^]*?(?:\n[ \t]*\k<fence>[ \t]*$|Z)|Z)/
  .source;
/** Code in a line; no blank line is in it. */
const SPAN = /(?<!`)(?<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[^])*?[^`]\k<ticks>(?!`)/.source;
const TAG = /<(?<tag>think|tool_call)>|<\/think>/.source;
/** Code or a tag. */
const SCAN = new RegExp([FENCED.replaceAll("Z", END), SPAN, TAG].join("|"), "gm");

/** Takes an answer apart. While it is `growing`, the beginning of a tag at its end is kept back. */
export function split(answer: string, growing = false): Part[] {
  const text = growing ? withoutHalfTag(answer) : answer;
  const parts: Part[] = [];
  let from = 0;
  const add = (kind: Part["kind"], content: string, open = false): void => {
    // Models that were told not to think write empty tags.
    if (content.trim() !== "" || (open && growing)) parts.push({ kind, text: content, open });
  };
  SCAN.lastIndex = 0;
  for (let found = SCAN.exec(text); found; found = SCAN.exec(text)) {
    const end = found.index + found[0].length;
    if (found[0] === "</think>") {
      // Some templates open the reasoning in the prompt, so that the answer only closes it.
      if (parts.some(({ kind }) => kind === "thinking")) continue;
      parts.length = 0;
      add("thinking", text.slice(0, found.index));
      from = end;
      continue;
    }
    const tag = found.groups?.["tag"];
    if (!tag || !begins(tag, text, found.index, end)) continue;
    add("text", text.slice(from, found.index));
    const closing = `</${tag}>`;
    const close = text.indexOf(closing, end);
    add(
      tag === "think" ? "thinking" : "tool",
      text.slice(end, close < 0 ? undefined : close),
      close < 0,
    );
    from = close < 0 ? text.length : close + closing.length;
    SCAN.lastIndex = from;
  }
  add("text", text.slice(from));
  return parts;
}

/**
 * Whether a tag is one, and not a word about it: reasoning begins a line, and a call holds an
 * object.
 */
function begins(tag: string, text: string, at: number, end: number): boolean {
  if (tag === "tool_call") return /^\s*(?:\{|(?![^]))/.test(text.slice(end));
  return text.slice(text.lastIndexOf("\n", at - 1) + 1, at).trim() === "";
}

/** What is given back to the model in later turns: templates expect no reasoning in them. */
export function spoken(answer: string): string {
  const texts = split(answer).filter(({ kind }) => kind !== "thinking");
  return texts
    .map(({ kind, text }) => (kind === "tool" ? `<tool_call>${text}</tool_call>` : text))
    .join("")
    .trim();
}

/**
 * A tool call as far as it can be read: the name, and the arguments in lines. What is no JSON stays
 * as it is.
 */
export function readCall(text: string): { name?: string; body: string } {
  try {
    const call = JSON.parse(text) as Record<string, unknown> | null;
    const name = call?.["name"];
    if (typeof name !== "string") return { body: JSON.stringify(call, null, 2) };
    let given: unknown = call?.["arguments"] ?? call?.["parameters"] ?? {};
    // OpenAI's form has the arguments as a text.
    if (typeof given === "string") given = parsed(given);
    return { name, body: typeof given === "string" ? given : JSON.stringify(given, null, 2) };
  } catch {
    const name = /"name"\s*:\s*"([^"\\]+)"/.exec(text)?.[1];
    return { ...(name && { name }), body: text.trim() };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withoutHalfTag(text: string): string {
  const begun = text.lastIndexOf("<");
  const tail = begun < 0 ? "" : text.slice(begun);
  return tail !== "" && TAGS.some((tag) => tag !== tail && tag.startsWith(tail))
    ? text.slice(0, begun)
    : text;
}
