/**
 * GET requests over unreliable networks. What may succeed later is tried again, and a body that breaks
 * goes on where it broke. A file that cannot be fetched becomes an error that names the cause, as far
 * as browsers let a script find it.
 */

import { pageLocation } from "./address.js";
import { NetworkError } from "../api/errors.js";
import { read } from "./files.js";
import { knownReason, refusal, unreachable, watchPolicy } from "./refusal.js";

/** How patient requests are. Tests make it quick. */
export const PATIENCE = {
  /** Pauses before the second try and those that follow, in milliseconds. */
  pauses: [300, 1000, 3000],
  /** The longest pause that a host may ask for (Retry-After). */
  longestPause: 30_000,
  /**
   * A connection that brings nothing for so long is given up. Slow hosts are not: they bring a
   * little.
   */
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
 * Asks until there is an answer that would not change by asking again; whatever its status is.
 * Throws {@link NetworkError}, or the signal's reason.
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
  const timer = setTimeout(
    () => silent.abort(new Error(`no answer for ${PATIENCE.silence / 1000} s`)),
    PATIENCE.silence,
  );
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
 * The body of an answer, as it arrives. One that breaks, or ends before `bytes` where those are
 * known, goes on where it broke, by a range if the host knows ranges. `onSeam` is called when it
 * does: only a hash can tell whether both parts are of the same file.
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
    const [, from = arrived] =
      /^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "") ?? [];
    skip = response.status === 206 ? Math.max(arrived - Number(from), 0) : arrived;
  }
}

/**
 * The rest of a file, or all of it where a host of another origin refuses to be asked for a range.
 */
async function rest(url: string, ask: Ask): Promise<Response> {
  try {
    return await request(url, ask);
  } catch (error) {
    if (!(error instanceof NetworkError && error.reason === "cors")) throw error;
    return await request(url, { ...ask, from: 0 });
  }
}

async function* slices(
  response: Response,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
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
    timer = setTimeout(
      () => reject(new Error(`nothing came for ${PATIENCE.silence / 1000} s`)),
      PATIENCE.silence,
    );
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

/** Whether the host answers where nobody asks for its permission: only browsers do. */
async function answersWithoutCors(url: string, signal: AbortSignal): Promise<boolean> {
  if (!pageLocation()) return false;
  try {
    await fetch(url, {
      mode: "no-cors",
      method: "HEAD",
      cache: "no-store",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE.silence)]),
    });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
