/**
 * `engine.fetch`: OpenAI's API over HTTP without a network, so that programs with a client of that API run as they are. It answers as
 * `tegula serve` does: the runtime writes responses, error objects and statuses for both, and texts go through here unchanged. What is
 * here are the addresses, and HTTP's side of bodies, headers and signals.
 */

import type { Backend, Inquiry, Reply } from "../api/backend.js";
import { EngineNotLoadedError, TegulaError } from "../api/errors.js";
import type { ErrorResponse } from "../api/openai.js";
import type { Requests, ResponseStream } from "./stream.js";

/** A function that takes what the browser's `fetch` takes. */
type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A request, as far as it matters here. */
interface Call {
  method: string;
  path: string;
  /** What the body is said to be. */
  type: string;
  body(): Promise<ArrayBuffer>;
  signal: AbortSignal | undefined;
}

/** An address: how its path ends, the methods that it takes, and what answers there. */
interface Route {
  path: RegExp;
  methods: readonly string[];
  answer(server: Server, call: Call, name: string): Promise<Response>;
}

const GET = ["GET", "HEAD"];
const POST = ["POST"];

/** Any base will do, so only the ends of paths count. The first that fits does. A model's name can hold slashes. */
const ROUTES: Route[] = [
  { path: /\/chat\/completions$/, methods: POST, answer: (server, call) => server.generate(true, call) },
  { path: /\/completions$/, methods: POST, answer: (server, call) => server.generate(false, call) },
  { path: /\/embeddings$/, methods: POST, answer: (server) => server.inquire({ kind: "embeddings" }) },
  { path: /\/models$/, methods: GET, answer: (server) => server.inquire({ kind: "models" }) },
  { path: /\/health$/, methods: GET, answer: (server) => server.inquire({ kind: "health" }) },
  { path: /\/models\/(.+)$/, methods: GET, answer: (server, _, name) => server.inquire({ kind: "model", name: decoded(name) }) },
];

/** What `tegula serve` sends with every answer. */
const COMMON = { "x-content-type-options": "nosniff" };

/** A fetch whose requests a backend answers. It needs no `this`. */
export function fetchFrom(backend: Backend, requests: Requests): Fetch {
  const server = new Server(backend, requests);
  return async (input, init) => {
    const call = read(input, init ?? {});
    call.signal?.throwIfAborted();
    const response = await server.answer(call);
    return call.method === "HEAD" ? new Response(null, response) : response;
  };
}

/**
 * Reads the arguments of a fetch. What is wrong with them is a `TypeError`, as ever. The body goes into a `Response` because some browsers
 * take no stream in a `Request`; both give a body the same type.
 */
function read(input: RequestInfo | URL, { body, ...init }: RequestInit): Call {
  const request = new Request(input, init);
  const holder = body === undefined || body === null ? request : new Response(body);
  // That of the arguments, not the request's: there are hosts that lose that one to garbage collection.
  const signal = init.signal === undefined && typeof input === "object" && "signal" in input ? input.signal : init.signal;
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    type: request.headers.get("content-type") ?? holder.headers.get("content-type") ?? "",
    body: () => holder.arrayBuffer(),
    signal: signal ?? undefined,
  };
}

/** Answers requests. */
class Server {
  constructor(
    readonly backend: Backend,
    readonly requests: Requests,
  ) {}

  async answer(call: Call): Promise<Response> {
    const { method, path } = call;
    for (const route of ROUTES) {
      const match = route.path.exec(path);
      if (!match) continue;
      if (route.methods.includes(method)) return route.answer(this, call, match[1] ?? "");
      return this.inquire({ kind: "method", method, path }, { allow: route.methods.join(",") });
    }
    return this.inquire({ kind: "address", method, path });
  }

  /** An answer that the runtime has ready. */
  async inquire(inquiry: Inquiry, headers: Record<string, string> = {}): Promise<Response> {
    return json(await this.backend.inquire(inquiry).catch(refusal), headers);
  }

  /** An answer of the model, whole or as events. */
  async generate(chat: boolean, { type, body, signal }: Call): Promise<Response> {
    if (!isJson(type)) return this.inquire({ kind: "media" });
    const text = decodedText(await body());
    if (text === undefined) return this.inquire({ kind: "encoding" });
    const headers: Record<string, string> = {};
    try {
      const responses = await this.requests.start({ chat, body: text, named: true }, signal);
      // A request that was interrupted at once has none.
      if (responses.answer) headers["x-request-id"] = responses.answer;
      if (responses.streams) return eventStream(responses, signal, headers);
      return json({ status: 200, body: await responses.whole() }, headers);
    } catch (error) {
      signal?.throwIfAborted();
      return json(refusal(error), headers);
    }
  }
}

/** An answer in one piece. */
function json({ status, body }: Reply, headers: Record<string, string>): Response {
  return new Response(body, { status, headers: { "content-type": "application/json", ...COMMON, ...headers } });
}

/** An answer as it comes: a response an event, then `[DONE]`; or an error as the last event. */
function eventStream(responses: ResponseStream, signal: AbortSignal | undefined, headers: Record<string, string>): Response {
  const encoder = new TextEncoder();
  const event = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);
  let left = false;
  const events = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // What has come but was not read is lost, as with a connection.
        signal?.throwIfAborted();
        const { data, last } = await responses.next().then(
          ({ done = false, value }) => ({ data: done ? "[DONE]" : value, last: done }),
          (error: unknown) => {
            signal?.throwIfAborted();
            return { data: refusal(error).body, last: true };
          },
        );
        if (left) return;
        controller.enqueue(event(data));
        if (last) controller.close();
      },
      async cancel() {
        left = true;
        await responses.return();
      },
    },
    // Nothing is taken before somebody reads.
    { highWaterMark: 0 },
  );
  const own = { "content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no" };
  return new Response(events, { headers: { ...own, ...COMMON, ...headers } });
}

/** The answer to a request that failed. The runtime says what; only where it is gone itself, these words are the error's own. */
function refusal(error: unknown): Reply {
  if (error instanceof TegulaError && error.response !== undefined) {
    const { status = 500 } = error as { status?: number };
    return { status, body: error.response };
  }
  const message = error instanceof Error ? error.message : String(error);
  const body: ErrorResponse = { error: { message, type: "server_error", param: null, code: null } };
  return { status: error instanceof EngineNotLoadedError ? 503 : 500, body: JSON.stringify(body) };
}

function isJson(type: string): boolean {
  return type.split(";")[0]!.trim().toLowerCase() === "application/json";
}

/** The text of a body; nothing if it is none. */
function decodedText(body: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** A part of a path without its escapes. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
