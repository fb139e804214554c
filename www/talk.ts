/** One request: what the model is told, and its answer as it comes. */

import type { ChatCompletionDelta, ChatCompletionMessageParam } from "tegula";
import type { Talker } from "./backend.js";
import { spoken } from "./parts.js";
import type { Exchange } from "./record.js";

/** Without a chat template nothing ends a text; this does. */
const LONGEST_TEXT = 256;

/**
 * Exchanges that the model is told of with the next message. Those without an answer would be
 * questions that nobody answered.
 */
export function told(exchanges: Exchange[]): Exchange[] {
  return exchanges.filter(
    ({ dropped, style, answer }) => !dropped && style === "chat" && spoken(answer) !== "",
  );
}

/**
 * Asks the model and writes its answer into `exchange` as it comes. `grown` is called after each
 * piece, with a line on the speed. Throws what the model throws; what had come stays.
 */
export async function ask(
  talker: Talker,
  before: Exchange[],
  exchange: Exchange,
  grown: (speed: string) => void,
): Promise<void> {
  const { question } = exchange;
  const messages: ChatCompletionMessageParam[] = told(before).flatMap(({ question, answer }) => [
    { role: "user", content: question },
    { role: "assistant", content: spoken(answer) },
  ]);
  messages.push({ role: "user", content: question });
  const stream =
    exchange.style === "chat"
      ? await talker.converse(messages, exchange.conversation)
      : await talker.proceed(question, LONGEST_TEXT);
  let tokens = 0;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let speed = "";
  let thinking = true;
  const written = writer();
  for await (const { choices, usage } of stream) {
    const choice = choices[0];
    if (choice) exchange.answer += "delta" in choice ? written(choice.delta) : choice.text;
    // Without tools nothing is called.
    const reason = choice?.finish_reason === "tool_calls" ? "stop" : choice?.finish_reason;
    exchange.ended = reason ?? exchange.ended;
    if (thinking) {
      thinking = !exchange.answer.includes("</think>");
      if (!thinking || /^\s*<think>/.test(exchange.answer)) exchange.thought = seconds();
    }
    tokens += 1;
    if (usage) {
      exchange.tokens = usage.total_tokens;
      const { decode_tokens_per_s: rate, time_to_first_token_s: wait } = usage.extra;
      const all = usage.completion_tokens;
      if (rate) {
        speed = `${rate.toFixed(1)} tokens/s · ${all} tokens · first after ${wait.toFixed(2)} s`;
      }
    } else if (seconds() > 0.2) {
      speed = `${(tokens / seconds()).toFixed(1)} tokens/s`;
    }
    grown(speed);
  }
  // A stream that ends without a reason did not end by itself.
  exchange.ended ??= "abort";
}

/** Puts an answer together as models write it: an exchange keeps reasoning in its tags. */
function writer(): (delta: ChatCompletionDelta) => string {
  let thinks = false;
  return ({ reasoning_content: thought = "", content = "" }) => {
    const open = thought && !thinks ? "<think>\n" : "";
    thinks ||= thought !== "";
    const close = content && thinks ? "\n</think>\n\n" : "";
    thinks &&= content === "";
    return open + thought + close + content;
  };
}

/**
 * Drops the oldest exchanges from what the model is told, until about `target` of `context` tokens
 * would be used, and at least one. Tokens are estimated by the length of texts. Gives whether there
 * was anything to drop.
 */
export function dropOldest(
  before: Exchange[],
  question: string,
  prompt: number,
  context: number,
  target = 0.7,
): boolean {
  const kept = told(before);
  if (kept.length === 0) return false;
  const length = ({ question, answer }: Pick<Exchange, "question" | "answer">): number =>
    question.length + spoken(answer).length;
  const all = kept.reduce((sum, exchange) => sum + length(exchange), question.length);
  let left = all;
  for (const [index, exchange] of kept.entries()) {
    if (index > 0 && (left / all) * prompt <= context * target) break;
    exchange.dropped = true;
    left -= length(exchange);
  }
  return true;
}
