/**
 * Whether the host has newer versions of cached files. It is asked at every load. No load waits long
 * for the answer: without one in time, all files count as unchanged.
 */

import { pageLocation } from "./address.js";
import type { KeptFile, Version } from "./cache.js";
import { type Kind, flawOf } from "./content.js";
import { read } from "./files.js";
import { knownReason } from "./refusal.js";

/** How long a load waits, in milliseconds. Tests make it short. */
export const BOUND = {
  /** Without a byte from the host. */
  silence: 2000,
  /** In all. */
  total: 10_000,
};

/** A file that is in the cache. */
export interface Candidate {
  url: string;
  kind: Kind;
  /** Whether a package may lack it. */
  optional: boolean;
  kept: KeptFile & { data: Blob };
}

/** What the host has. */
export interface Found {
  /** The file; `null` where there is none any more. */
  data: Blob | null;
  version: Version;
  /** Whether its bytes are others than those in the cache. */
  changed: boolean;
}

/**
 * What the host has of these files, without those that are as they were. Nothing if it does not
 * say so of each of them in time: parts of a version are never mixed with parts of another.
 */
export async function newer(
  candidates: Candidate[],
  signal: AbortSignal,
): Promise<Map<string, Found> | undefined> {
  if (candidates.some(({ url }) => knownReason(url) !== undefined)) return undefined;
  const stop = new AbortController();
  const silent = (): void => stop.abort(new Error("the host does not answer in time"));
  const total = setTimeout(silent, BOUND.total);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(silent, BOUND.silence);
  };
  heard();
  const both = AbortSignal.any([signal, stop.signal]);
  const aborted = new Promise<never>((_, reject) => {
    both.addEventListener("abort", () => reject(both.reason as Error), { once: true });
  });
  try {
    const checks = candidates.map(async (candidate) => {
      return [candidate.url, await check(candidate, both, heard)] as const;
    });
    // Hosts of tests, and broken ones, do not always heed the signal.
    const found = await Promise.race([Promise.all(checks), aborted]);
    return new Map(found.filter((entry): entry is [string, Found] => entry[1] !== undefined));
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    clearTimeout(total);
    clearTimeout(silence);
    // Checks that still run are of no use any more.
    stop.abort();
    aborted.catch(() => {});
  }
}

/** What the host has of a file; nothing if it is as it was. Throws where the host does not say. */
async function check(
  { url, kind, optional, kept }: Candidate,
  signal: AbortSignal,
  heard: () => void,
): Promise<Found | undefined> {
  const response = await read(url, { signal, cache: "no-cache", headers: conditions(kept.version) });
  heard();
  if (response.status === 304) return undefined;
  if (optional && (response.status === 404 || response.status === 410))
    return { data: null, version: {}, changed: true };
  if (!response.ok) throw new Error(`status ${response.status}`);
  const version = versionOf(response);
  if (isSame(version, kept.version)) {
    response.body?.cancel().catch(() => {});
    return undefined;
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  if (response.body) {
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      heard();
    }
  }
  const data = new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
  const flaw = await flawOf(data, kind);
  if (flaw) throw new Error(flaw.what);
  const changed = !(await isEqual(data, kept.data));
  return { data, version, changed };
}

/**
 * Conditions for a request. A page needs none: its browser's own cache makes the request a
 * conditional one, and of another origin such headers would need permission first (CORS).
 */
function conditions({ etag, modified }: Version): Record<string, string> {
  if (pageLocation()) return {};
  if (etag) return { "If-None-Match": etag };
  return modified ? { "If-Modified-Since": modified } : {};
}

/** The version that a host names; nothing of it where other origins may not see it. */
export function versionOf(response: Response): Version {
  const [etag, modified] = ["ETag", "Last-Modified"].map((name) => response.headers.get(name));
  return { ...(etag && { etag }), ...(modified && { modified }) };
}

function isSame(one: Version, other: Version): boolean {
  if (one.etag || other.etag) return one.etag === other.etag;
  return one.modified !== undefined && one.modified === other.modified;
}

async function isEqual(one: Blob, other: Blob): Promise<boolean> {
  if (one.size !== other.size) return false;
  const [left, right] = await Promise.all(
    [one, other].map(async (blob) => new Uint8Array(await blob.arrayBuffer())),
  );
  return left!.every((byte, place) => byte === right![place]);
}
