/** What went wrong, in words for people who chat, and numbers as people write them. */

/** What went wrong. */
export interface Trouble {
  text: string;
  /** The message of the error, where it says more. */
  detail?: string;
  /** Nothing more is answered before it is loaded again. */
  fatal: boolean;
  /** The conversation is too long: its tokens, and those that fit. */
  full?: { prompt: number; context: number };
}

/** The trouble that a conversation is too long. Numbers that are not known are none (`NaN`). */
export function tooLong(prompt: number, context: number): Trouble {
  const what = Number.isFinite(prompt)
    ? `The message and what was said before it are ${count(prompt)} tokens long. `
    : "The conversation is too long. ";
  const fits = Number.isFinite(context) ? count(context) : "fewer";
  return {
    text: `${what}This model can take in ${fits}.`,
    fatal: false,
    full: { prompt, context },
  };
}

/** A number as people write it. */
export function count(number: number): string {
  return number.toLocaleString("en");
}
