/**
 * Why a file could not be fetched, as an error for people: what the host's status means, the host's own
 * words, and what keeps a page from asking at all. Browsers tell scripts little of it.
 */

import { pageLocation } from "./address.js";
import { ModelNotFoundError, NetworkError, type NetworkFailure } from "../api/errors.js";

/** Whether a status says that the same request may be answered later. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/**
 * Addresses that the page's Content Security Policy has refused in this thread. Browsers tell it to
 * listeners, not to `fetch`.
 */
let refused: Set<string> | undefined;

/** Begins to listen for what the policy refuses. */
export function watchPolicy(): void {
  if (refused || typeof globalThis.addEventListener !== "function") return;
  const found = (refused = new Set<string>());
  globalThis.addEventListener("securitypolicyviolation", (event) => {
    const { effectiveDirective, blockedURI, disposition } = event as SecurityPolicyViolationEvent;
    if (effectiveDirective === "connect-src" && disposition === "enforce") found.add(blockedURI);
  });
}

/** Why a request cannot succeed, where that is known without asking. */
export function knownReason(url: string): NetworkFailure | undefined {
  const { origin, protocol, hostname, pathname } = new URL(url);
  if (refused?.has(url) || refused?.has(origin) || refused?.has(origin + pathname)) return "policy";
  // What is on this machine is asked whatever the network does, and however the page came.
  if (/^(localhost|127\..*|\[::1\])$/.test(hostname)) return undefined;
  const isSecure = pageLocation()?.protocol === "https:";
  if (isSecure && protocol === "http:") return "insecure";
  const isOffline = typeof navigator !== "undefined" && navigator.onLine === false;
  return isOffline ? "offline" : undefined;
}

/** The error for a request that got no answer. */
export function unreachable(url: string, reason: NetworkFailure, cause: unknown): NetworkError {
  const { origin } = new URL(url);
  const place = pageLocation();
  const page = place ? `this page's origin, ${place.origin}` : "this origin";
  const why: Record<NetworkFailure, string> = {
    connection:
      `${cause instanceof Error ? cause.message : String(cause)}; check the address and the ` +
      `connection, that the host allows ${page} (CORS), ` +
      `and that no Content Security Policy forbids ${origin} (connect-src)`,
    cors:
      `the host answers, but it does not allow ${page}: ` +
      'have it send "Access-Control-Allow-Origin: *" ' +
      "with every answer, those of hosts that it redirects to included (CORS)",
    policy: `the page's Content Security Policy forbids it; add ${origin} to its connect-src`,
    insecure: "a page over https may not fetch over http; serve the model over https",
    offline: "the browser is offline",
  };
  return new NetworkError(
    `${url} could not be fetched: ${why[reason]}`,
    { url, reason },
    { cause },
  );
}

/** The error for an answer that is no success. */
export async function refusal(
  response: Response,
  url: string,
): Promise<ModelNotFoundError | NetworkError> {
  const { status } = response;
  const words = await wordsOf(response);
  const said = `status ${status}${words && `: ${words}`}`;
  if (status === 404 || status === 410)
    return new ModelNotFoundError(`there is no file at ${url} (${said})`, { url, status });
  const signed = new URL(url).search
    ? "; if the address is signed, see whether its signature still holds"
    : "";
  const advice: Record<number, string> = {
    401:
      "the host wants a login; " +
      "Hugging Face says so, too, of repositories that are private, gated or not there",
    403:
      "anyone must be allowed to read it; " +
      `hosts like S3 say so, too, of files that are not there${signed}`,
    429: "the host is asked too often; try again later",
  };
  const what = advice[status] ?? (isPassing(status) ? "the host has trouble; try again later" : "");
  return new NetworkError(`${url} could not be fetched (${said})${what && `: ${what}`}`, {
    url,
    status,
  });
}

/**
 * What the host says about a status, in its own words where there are any: Hugging Face in a
 * header, others in JSON or XML.
 */
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
    return /^[^<{]{1,200}$/.test(line) && !/^(not found|forbidden|no such file)/i.test(line)
      ? line
      : "";
  }
}
