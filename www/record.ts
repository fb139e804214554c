/** The records in which conversations are kept. */

/** A question and what came of it. */
export interface Exchange {
  id: string;
  conversation: string;
  /** Milliseconds since 1970; exchanges of a conversation are in this order. */
  created: number;
  question: string;
  /** What the model wrote, with its reasoning; of an answer that did not end, what had come. */
  answer: string;
  /** Address of the model's folder, and what it is called. */
  model: string;
  speaker: string;
  /** `text`: the model was not trained to chat, and the answer continues the question. */
  style: "chat" | "text";
  /**
   * How the answer ended; `null` while it is written, and after a page that was closed meanwhile.
   */
  ended: "stop" | "length" | "abort" | "failed" | null;
  /** Of one that failed: why, for people. */
  problem?: string;
  /** How long the model thought, in seconds. */
  thought?: number;
  /** Tokens of the conversation up to the end of this answer. */
  tokens?: number;
  /** The model is not told of it any more, to make room. */
  dropped?: boolean;
}

/** A conversation without its exchanges. */
export interface Conversation {
  id: string;
  title: string;
  /** Milliseconds since 1970. */
  updated: number;
  /** What stands in the box. */
  draft: string;
}

/** A conversation as a whole. */
export interface Saved {
  conversation: Conversation;
  exchanges: Exchange[];
}

/** The title of a conversation, from the first that was written in it. */
export function titleOf(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 59).trimEnd()}…` : line;
}
