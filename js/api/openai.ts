/** The OpenAI types that this package speaks, as far as it serves them. Field names are OpenAI's, hence the snake case. */

import type { ChatCompletionTool, ChatCompletionToolChoiceOption, ReasoningEffort, ResponseFormat, StructuredOutputs } from "./forms.js";

/** Part of a message's content. */
export interface ChatCompletionContentPartText {
  type: "text";
  text: string;
}

/** Parts that OpenAI's types have and text models cannot take: a request with one is refused, with the part's name. */
export type ChatCompletionContentPartOther =
  | { type: "refusal"; refusal: string }
  | { type: "image_url"; image_url: object }
  | { type: "input_audio"; input_audio: object }
  | { type: "file"; file: object };

export type ChatCompletionContentPart = ChatCompletionContentPartText | ChatCompletionContentPartOther;

/** A call that the model made. Only those of functions are taken. */
export type ChatCompletionMessageToolCall =
  | { id: string; type: "function"; function: { name: string; arguments: string } }
  | { id: string; type: "custom"; custom: { name: string; input: string } };

/** A turn of the conversation. */
export interface ChatCompletionMessageParam {
  role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  content?: string | ChatCompletionContentPart[] | null;
  name?: string;
  /** Calls that the model made, in messages of the assistant. */
  tool_calls?: ChatCompletionMessageToolCall[];
  /** Which call a message of a tool answers. */
  tool_call_id?: string;
}

interface SamplingParams {
  /** Accepted for compatibility; one model is loaded. */
  model?: string;
  /** The most tokens to generate; by default until the context window is full. */
  max_tokens?: number | null;
  /** OpenAI's newer name of `max_tokens`. */
  max_completion_tokens?: number | null;
  /** 0 takes the likeliest token; by default what the package says. */
  temperature?: number | null;
  /** Keep the likeliest tokens that make up this probability. */
  top_p?: number | null;
  /** Keep so many of the likeliest tokens, before `top_p`; 0 and -1 set no limit (not of OpenAI). */
  top_k?: number | null;
  /** From 0 to 1: keep tokens that are at least this part as likely as the likeliest, after `top_p` (not of OpenAI). */
  min_p?: number | null;
  /** The same seed repeats the same answer, while `system_fingerprint` is the same. */
  seed?: number | null;
  /** Texts (at most four) that end the answer; not part of it. */
  stop?: string | string[] | null;
  /** From -2 to 2; against tokens that the answer has already, by how often. */
  frequency_penalty?: number | null;
  /** From -2 to 2; against tokens that the answer has already. */
  presence_penalty?: number | null;
  /** Above 0; divides the logits of tokens that the answer has already (not of OpenAI). */
  repetition_penalty?: number | null;
  /** Added to the logits of token ids. */
  logit_bias?: Record<string, number> | null;
  /** How many answers, 16 at most. They draw with the seed and the numbers after it. */
  n?: number | null;
  /** Continue past the end-of-text token (not of OpenAI). */
  ignore_eos?: boolean;
  /** What the answer must be (vLLM's, not of OpenAI); not beside a `response_format`. */
  structured_outputs?: StructuredOutputs | null;
  /** Where requests wait, lower numbers run first (not of OpenAI). */
  priority?: number | null;
  /** Means nothing here. */
  user?: string;
}

interface StreamOptions {
  /** Send a last chunk that has no choices but the usage. */
  include_usage?: boolean;
}

interface ChatCompletionParams extends SamplingParams {
  messages: ChatCompletionMessageParam[];
  /** Tools that the chat template describes to the model. */
  tools?: ChatCompletionTool[] | null;
  /** More variables for the chat template. */
  chat_template_kwargs?: Record<string, unknown>;
  extra_body?: { enable_thinking?: boolean | null };
  /** Whether a tool must be called, and which ones may be; by default the model decides. */
  tool_choice?: ChatCompletionToolChoiceOption | null;
  /** What the answer must be, its reasoning aside. */
  response_format?: ResponseFormat | null;
  /** How much to reason, for models that do. */
  reasoning_effort?: ReasoningEffort | null;
  /** The most tokens of reasoning, after which the answer follows (not of OpenAI). */
  thinking_budget?: number | null;
  /** Tell how likely the tokens of the answer were. */
  logprobs?: boolean | null;
  /** And so many of the likeliest tokens in their places, 20 at most. */
  top_logprobs?: number | null;
  /** Whether an answer may call several tools, as it may if this is not said. */
  parallel_tool_calls?: boolean;
  /** The following fields say nothing to a model on this device. They are taken, and mean nothing. */
  metadata?: object | null;
  store?: boolean | null;
  service_tier?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: string | null;
}

interface CompletionParams extends SamplingParams {
  /** A text to continue, or token ids, or a list of such prompts. */
  prompt: string | number[] | string[] | number[][] | null;
  /** Give back the prompt before its continuation. */
  echo?: boolean | null;
  /** The text behind the gap that is to be filled, for models that were trained to do so. */
  suffix?: string | null;
  /** Make so many answers, and give the `n` likeliest. */
  best_of?: number | null;
  /** Tell how likely the tokens of the answer were, and so many of the likeliest in their places, 5 at most. */
  logprobs?: number | null;
}

interface Streaming {
  stream: true;
  stream_options?: StreamOptions | null;
}

interface NonStreaming {
  stream?: false | null;
}

export type ChatCompletionCreateParamsStreaming = ChatCompletionParams & Streaming;
export type ChatCompletionCreateParamsNonStreaming = ChatCompletionParams & NonStreaming;
export type ChatCompletionCreateParams = ChatCompletionCreateParamsStreaming | ChatCompletionCreateParamsNonStreaming;
export type CompletionCreateParamsStreaming = CompletionParams & Streaming;
export type CompletionCreateParamsNonStreaming = CompletionParams & NonStreaming;
export type CompletionCreateParams = CompletionCreateParamsStreaming | CompletionCreateParamsNonStreaming;

/** Why an answer ended: by itself or at a stop text, at the token limit, with calls of tools, or interrupted. */
export type FinishReason = "stop" | "length" | "tool_calls" | "abort";

/** Counts, and under `extra` how fast it went. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Tokens of the prompt that an earlier request had computed. */
  prompt_tokens_details: { cached_tokens: number };
  /** Tokens of the answer that are reasoning. */
  completion_tokens_details: { reasoning_tokens: number };
  extra: {
    e2e_latency_s: number;
    time_to_first_token_s: number;
    time_per_output_token_s: number;
    prefill_tokens_per_s: number;
    decode_tokens_per_s: number;
  };
}

interface Envelope<Object extends string, Choice> {
  id: string;
  object: Object;
  /** Seconds since 1970. */
  created: number;
  model: string;
  choices: Choice[];
  /** Answers to the same prompt, settings and seed are the same while this is the same. */
  system_fingerprint: string;
}

/** A token, and the natural logarithm of its probability. */
export interface TopLogprob {
  token: string;
  /** The token's text as UTF-8, of which it may hold a part of a character. */
  bytes: number[];
  logprob: number;
}

export interface ChatCompletionTokenLogprob extends TopLogprob {
  /** The likeliest tokens in its place. */
  top_logprobs: TopLogprob[];
}

interface ChatChoice<Reason> {
  index: number;
  finish_reason: Reason;
  logprobs: { content: ChatCompletionTokenLogprob[]; refusal: null } | null;
}

export interface ChatCompletionMessage {
  role: "assistant";
  /** Null if the message only calls tools. */
  content: string | null;
  refusal: null;
  /** What the model thought before it answered (not of OpenAI). */
  reasoning_content?: string;
  tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
}

export interface ChatCompletion extends Envelope<"chat.completion", ChatChoice<FinishReason> & { message: ChatCompletionMessage }> {
  usage: CompletionUsage;
}

/** What is new of an answer. */
export interface ChatCompletionDelta {
  role?: "assistant";
  content?: string;
  /** More of what the model thinks before it answers (not of OpenAI). */
  reasoning_content?: string;
  /** The first part of a call has its id and name, later ones more of its arguments. */
  tool_calls?: { index: number; id?: string; type?: "function"; function: { name?: string; arguments: string } }[];
}

export interface ChatCompletionChunk
  extends Envelope<"chat.completion.chunk", ChatChoice<FinishReason | null> & { delta: ChatCompletionDelta }> {
  /** With `include_usage`: null, but in the last chunk, which has no choice. */
  usage?: CompletionUsage | null;
}

interface CompletionChoice<Reason> {
  index: number;
  text: string;
  finish_reason: Reason;
  /** All lists have an entry for each token. */
  logprobs: { text_offset: number[]; token_logprobs: number[]; tokens: string[]; top_logprobs: Record<string, number>[] } | null;
}

export interface Completion extends Envelope<"text_completion", CompletionChoice<Exclude<FinishReason, "tool_calls">>> {
  usage: CompletionUsage;
}

export interface CompletionChunk extends Envelope<"text_completion", CompletionChoice<Exclude<FinishReason, "tool_calls"> | null>> {
  /** With `include_usage`: null, but in the last chunk, which has no choice. */
  usage?: CompletionUsage | null;
}

/** A model. */
export interface Model {
  /** What requests and responses call it. */
  id: string;
  object: "model";
  /** Seconds since 1970, when it was loaded. */
  created: number;
  owned_by: string;
}

/** The models that an engine serves. */
export interface ModelList {
  object: "list";
  data: Model[];
}

/** The body of an answer to a request that failed. */
export interface ErrorResponse {
  error: {
    message: string;
    type: "invalid_request_error" | "server_error";
    /** Path of the field that is at fault, if one is. */
    param: string | null;
    /** OpenAI's name of the mistake, if it has one. */
    code: string | null;
  };
}

/** How to cancel one request. */
export interface RequestOptions {
  signal?: AbortSignal;
}
