/**
 * GET requests over networks as they are: what may pass is tried again, a body that breaks goes on where it broke, and what cannot be
 * fetched is said with its cause, as far as browsers let one find it.
 */

import { ModelNotFoundError, NetworkError, type NetworkFailure } from "./errors.js";
import { read } from "./files.js";

/** How patient requests are. Tests make it quick. */
export const PATIENCE = {
  /** Pauses before the second try and those that follow, in milliseconds. */
  pauses: [300, 1000, 3000],
  /** The longest pause that a host may ask for (Retry-After). */
  longestPause: 30_000,
  /** A connection that brings nothing for so long is given up. Slow hosts are not: they bring a little. */
  silence: 60_000,
  wait: pause,
};

/** How to ask. */
export interface Ask {
  signal: AbortSignal;
  cache: RequestCache;
  /** The first byte that is wanted. */
  from?: number;
}

/**
 * Asks until there is an answer that would not change by asking again; whatever its status is. Throws {@link NetworkError}, or the
 * signal's reason.
 */
export async function request(url: string, ask: Ask): Promise<Response> {
  for (let tries = 0; ; tries += 1) {
    const answer = await once(url, ask);
    const pause = pauseAfter(answer, tries);
    if (pause === undefined) {
      if (answer instanceof Response) return answer;
      throw answer;
    }
    if (answer instanceof Response) answer.body?.cancel().catch(() => {});
    await PATIENCE.wait(pause, ask.signal);
  }
}

/** Whether a status says that the same request may be answered later. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** How long to wait before the next try; nothing if there shall be none. */
function pauseAfter(answer: Response | NetworkError, tries: number): number | undefined {
  const pause = PATIENCE.pauses[tries];
  if (answer instanceof NetworkError) return answer.reason === "connection" ? pause : undefined;
  if (![408, 425, 429, 502, 503, 504].includes(answer.status)) return undefined;
  // Of other origins this header is seen only where they expose it.
  const asked = answer.headers.get("Retry-After");
  if (asked === null || pause === undefined) return pause;
  const wanted = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - Date.now();
  if (Number.isNaN(wanted)) return pause;
  return wanted > PATIENCE.longestPause ? undefined : Math.max(wanted, pause);
}

async function once(url: string, ask: Ask): Promise<Response | NetworkError> {
  const answer = await tryOnce(url, ask);
  if (answer instanceof Response) return answer;
  const known = knownReason(url);
  if (known) return unreachable(url, known, answer);
  if (answer instanceof TypeError && (await answersWithoutCors(url, ask.signal))) {
    // The host is there. That is CORS, unless the network came back in between.
    const again = await tryOnce(url, ask);
    return again instanceof Response ? again : unreachable(url, knownReason(url) ?? "cors", again);
  }
  // A violation of the policy is told after the request has failed.
  return unreachable(url, knownReason(url) ?? "connection", answer);
}

/** One request; gives the error where there is no answer. */
async function tryOnce(url: string, { signal, cache, from }: Ask): Promise<Response | Error> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(new Error(`no answer for ${PATIENCE.silence / 1000} s`)), PATIENCE.silence);
  try {
    watchPolicy();
    // With a range no host compresses, so that it counts the bytes that arrive here.
    const headers: HeadersInit = from ? { Range: `bytes=${from}-` } : {};
    return await read(url, { cache, headers, signal: AbortSignal.any([signal, silent.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The body of an answer, as it arrives. One that breaks, or ends before `bytes` where those are known, goes on where it broke, by a range if
 * the host knows ranges. `onSeam` is called when it does: only a hash can tell whether both parts are of the same file.
 */
export async function* body(
  response: Response,
  url: string,
  ask: Ask,
  bytes?: number,
  onSeam: () => void = () => {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let arrived = 0;
  let skip = 0;
  let tries = 0;
  for (;;) {
    let failure: unknown;
    try {
      for await (const slice of slices(response, url, ask.signal)) {
        const rest = slice.subarray(Math.min(skip, slice.length));
        skip -= slice.length - rest.length;
        if (rest.length === 0) continue;
        arrived += rest.length;
        tries = 0;
        yield rest;
      }
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      failure = error;
    }
    // What is short for the second time is short on the host, and the loader says so.
    if (!failure && (bytes === undefined || arrived >= bytes || tries > 0)) return;
    const pause = PATIENCE.pauses[tries];
    if (pause === undefined || bytes === undefined) throw failure;
    if (failure) await PATIENCE.wait(pause, ask.signal);
    tries += 1;
    onSeam();
    response = await rest(url, { ...ask, from: arrived });
    // There is no more of it.
    if (response.status === 416) return;
    if (!response.ok) throw await refusal(response, url);
    // Hosts that know no ranges send all of it again.
    const [, from = arrived] = /^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "") ?? [];
    skip = response.status === 206 ? Math.max(arrived - Number(from), 0) : arrived;
  }
}

/** The rest of a file, or all of it where a host of another origin refuses to be asked for a range. */
async function rest(url: string, ask: Ask): Promise<Response> {
  try {
    return await request(url, ask);
  } catch (error) {
    if (error instanceof NetworkError && error.reason === "cors") return await request(url, { ...ask, from: 0 });
    throw error;
  }
}

async function* slices(response: Response, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await unlessSilent(reader.read());
      if (done) return;
      yield value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, "connection", error);
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function unlessSilent<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${PATIENCE.silence / 1000} s`)), PATIENCE.silence);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", aborted, { once: true });
  });
}

/** Addresses that the page's Content Security Policy has refused in this thread. Browsers tell it to listeners, not to `fetch`. */
let refused: Set<string> | undefined;

function watchPolicy(): void {
  if (refused || typeof globalThis.addEventListener !== "function") return;
  const found = (refused = new Set<string>());
  globalThis.addEventListener("securitypolicyviolation", (event) => {
    const { effectiveDirective, blockedURI, disposition } = event as SecurityPolicyViolationEvent;
    if (effectiveDirective === "connect-src" && disposition === "enforce") found.add(blockedURI);
  });
}

/** Why a request cannot succeed, where that is known without asking. */
function knownReason(url: string): NetworkFailure | undefined {
  const { origin, protocol, hostname, pathname } = new URL(url);
  if (refused?.has(url) || refused?.has(origin) || refused?.has(origin + pathname)) return "policy";
  if (typeof location !== "undefined" && location.protocol === "https:" && protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) return "insecure";
  if (typeof navigator !== "undefined" && navigator.onLine === false && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) return "offline";
  return undefined;
}

/** Whether the host answers where nobody asks for its permission: only browsers do. */
async function answersWithoutCors(url: string, signal: AbortSignal): Promise<boolean> {
  if (typeof location === "undefined") return false;
  try {
    await fetch(url, { mode: "no-cors", method: "HEAD", cache: "no-store", signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE.silence)]) });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

function unreachable(url: string, reason: NetworkFailure, cause: unknown): NetworkError {
  const { origin } = new URL(url);
  const page = typeof location === "undefined" ? "this origin" : `this page's origin, ${location.origin}`;
  const why: Record<NetworkFailure, string> = {
    connection:
      `${cause instanceof Error ? cause.message : String(cause)}; check the address and the connection, that the host allows ${page} (CORS), ` +
      `and that no Content Security Policy forbids ${origin} (connect-src)`,
    cors:
      `the host answers, but it does not allow ${page}: have it send "Access-Control-Allow-Origin: *" ` +
      "with every answer, those of hosts that it redirects to included (CORS)",
    policy: `the page's Content Security Policy forbids it; add ${origin} to its connect-src`,
    insecure: "a page over https may not fetch over http; serve the model over https",
    offline: "the browser is offline",
  };
  return new NetworkError(`${url} could not be fetched: ${why[reason]}`, { url, reason }, { cause });
}

/** The error for an answer that is no success. */
export async function refusal(response: Response, url: string): Promise<ModelNotFoundError | NetworkError> {
  const { status } = response;
  const words = await wordsOf(response);
  const said = `status ${status}${words && `: ${words}`}`;
  if (status === 404 || status === 410) return new ModelNotFoundError(`there is no file at ${url} (${said})`, { url, status });
  const signed = new URL(url).search ? "; if the address is signed, see whether its signature still holds" : "";
  const advice: Record<number, string> = {
    401: "the host wants a login; Hugging Face says so, too, of repositories that are private, gated or not there",
    403: `anyone must be allowed to read it; hosts like S3 say so, too, of files that are not there${signed}`,
    429: "the host is asked too often; try again later",
  };
  const what = advice[status] ?? (isPassing(status) ? "the host has trouble; try again later" : "");
  return new NetworkError(`${url} could not be fetched (${said})${what && `: ${what}`}`, { url, status });
}

/** What the host says about a status, in its own words where there are any: Hugging Face in a header, others in JSON or XML. */
async function wordsOf(response: Response): Promise<string> {
  const header = response.headers.get("x-error-message");
  if (header) return header;
  const text = (await response.text().catch(() => "")).slice(0, 4096);
  const xml = /<Code>([^<]*)<\/Code>/i.exec(text);
  if (xml) return xml[1]!;
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message;
    return typeof said === "string" ? said.slice(0, 200) : "";
  } catch {
    // A few words of plain text, but no page.
    const line = text.trim().replace(/\s+/g, " ");
    return /^[^<{]{1,200}$/.test(line) && !/^(not found|forbidden|no such file)/i.test(line) ? line : "";
  }
}
