/**
 * Who answers a conversation: an engine in this page (loader.ts), or the server that the page came
 * from (served/). All else on the page is the same for both.
 */

import type { ChatCompletionChunk, ChatCompletionMessageParam, CompletionChunk } from "tegula";
import type { Trouble } from "./words.js";

/** A model to choose. */
export interface Choice {
  /** Its address, by which conversations know it. */
  url: string;
  /** What it does well, to begin with. */
  suggestions?: string[];
}

/** A model that answers. */
export interface Talker {
  /** Whether it was trained to chat. Others continue texts. */
  readonly chat: boolean;
  /** The most tokens of a conversation; nothing where that is not known. */
  readonly context: number | undefined;
  /** Answers the last of these messages. `conversation` names what they are a part of. */
  converse(
    messages: ChatCompletionMessageParam[],
    conversation: string,
  ): Promise<AsyncIterable<ChatCompletionChunk>>;
  /** Continues a text, by so many tokens at most. */
  proceed(text: string, most: number): Promise<AsyncIterable<CompletionChunk>>;
  /** Ends the answer that is being written. */
  stop(): void;
}

/** Where answers come from. */
export interface Backend {
  /** The chosen model; nothing before the list is here. */
  readonly model: Choice | undefined;
  /** What the chosen model is called in a conversation. */
  readonly speaker: string;
  /** What answers now; nothing before it is ready. */
  readonly talker: Talker | undefined;
  /** Whether it is getting ready. */
  readonly isLoading: boolean;
  readonly phrases: Phrases;
  /** Lists the models, and gets the chosen one ready where that costs nobody anything. */
  begin(): Promise<void>;
  /** Gets the chosen model ready. Gives whether it is. */
  load(): Promise<boolean>;
  /** What answered is of no use any more. */
  drop(): void;
  /** What an error of the talker means. */
  trouble(error: unknown): Trouble;
}

/** What the page says of the backend. */
export interface Phrases {
  /** To who sends a message before it is ready. */
  loading: string;
  /** To who sends one where it is not getting ready. */
  absent: string;
  /** The button that gets it ready. */
  load: string;
  /** The button that does so again, after it was lost. */
  reload: string;
}

/** Who is told by a backend. */
export interface BackendEvents {
  /** It has become ready, or is not any more; or it shows something else. */
  changed(): void;
  /** Another model is about to take the place of the one that answers. */
  leave(): void;
}
