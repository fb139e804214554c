/**
 * Files of a weight package: from the cache where they are there, else from the network. Small files (configuration, manifest, library,
 * tokenizer) are read whole and cached only when the runtime has accepted them; shards are streamed.
 *
 * Cached small files are trusted without asking the network, so that a cached model loads offline. Each is looked at first: what is no such
 * file (an HTML page that an earlier version kept) is fetched again. If a file turns out not to fit (an old library, a manifest that was
 * replaced on the server) the load starts over with `trusting: false`.
 */

import { LIBRARY, fileAt, nameOf } from "./address.js";
import { type FileCache, MANIFESTS } from "./cache.js";
import { type Flaw, type Kind, flawOf, flawOfHead } from "./content.js";
import { CorruptShardError, InvalidLibraryError, InvalidPackageError, ModelNotFoundError, NetworkError } from "./errors.js";
import { body, request } from "./http.js";
import { isPassing, refusal } from "./refusal.js";

/** Cached shards are read in slices of this size. */
const SLICE = 4 << 20;

/** A small file that breaks on its way is asked for so often. */
const TRIES = 3;

/** A shard on its way. */
export interface ShardBody {
  fromCache: boolean;
  /** Whether it came over more than one connection: only its hash tells whether the parts belong together. */
  pieced: boolean;
  slices: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Reads the files of one package. */
export class PackageSource {
  /** Whether a small file came from the cache. */
  trusted = false;
  /** Files that were taken as absent although the host did not plainly say so, and what it said. */
  doubts: string[] = [];
  /** Whether the manifest is in the cache. It is kept last, so that all files that the host has were kept with it. */
  #known = Promise.resolve(false);
  /** Small files from the network that wait for {@link keep}: `null` is known to be absent, `undefined` is not known any more. */
  #fetched = new Map<string, Blob | null | undefined>();

  constructor(
    readonly cache: FileCache,
    readonly signal: AbortSignal,
    readonly trusting = true,
  ) {}

  /** The manifest of the package in a folder, under its name or the one that it had before. It is asked for before all other files. */
  async manifest(model: string): Promise<Blob> {
    const [url, before] = MANIFESTS.map((name) => fileAt(model, name)) as [string, string];
    const kept = this.#cached(url, "manifest").then(async (found) => found ?? (await this.#cached(before, "manifest")));
    this.#known = kept.then((found) => found instanceof Blob);
    const cached = await kept;
    if (cached) return cached;
    try {
      return await this.#download(url, "manifest");
    } catch (error) {
      if (!absence(error)) throw error;
      // The newer name is the one to ask for, if there is neither.
      const older = await this.#download(before, "manifest").catch((second: unknown) => {
        throw absence(second) ? error : second;
      });
      this.#fetched.set(url, undefined);
      return older;
    }
  }

  /** A small file. Throws {@link ModelNotFoundError}, {@link NetworkError}, or what a content that is none becomes. */
  async file(url: string, kind: Kind): Promise<Blob> {
    return (await this.#cached(url, kind)) ?? (await this.#download(url, kind));
  }

  /**
   * A small file that a package may lack. Only a plain "not found" is remembered. A host may say it otherwise: S3 with status 403, others
   * without CORS or with an HTML page; the file is absent then for this load, which is told.
   *
   * A host in trouble says nothing about the file. To go on without it could leave the model without its template, which it would answer
   * with nonsense, so that fails; unless the manifest is from the cache: whoever kept it had every file that there is.
   */
  async optional(url: string, kind: Kind): Promise<Blob | undefined> {
    const cached = await this.#cached(url, kind);
    if (cached !== undefined) return cached ?? undefined;
    try {
      return await this.#download(url, kind);
    } catch (error) {
      const absent = absence(error) ?? (error instanceof NetworkError && (await this.#known) ? "no answer" : undefined);
      if (absent === undefined) throw error;
      this.#fetched.set(url, absent === NOT_FOUND ? null : undefined);
      if (absent !== NOT_FOUND) this.doubts.push(`${nameOf(url)} (${absent})`);
      return undefined;
    }
  }

  /** What the cache says of a file, if it can be such a file. */
  async #cached(url: string, kind: Kind): Promise<Blob | null | undefined> {
    const cached = this.trusting && isKept(url) ? await this.cache.get(url) : undefined;
    if (cached === undefined || (cached && (await flawOf(cached, kind)))) return undefined;
    this.trusted = true;
    return cached;
  }

  async #download(url: string, kind: Kind): Promise<Blob> {
    const ask = { signal: this.signal, cache: "no-cache" as const };
    for (let tries = 1; ; tries += 1) {
      const response = await request(url, ask);
      if (!response.ok) throw await refusal(response, url);
      const parts: Uint8Array<ArrayBuffer>[] = [];
      try {
        for await (const slice of body(response, url, ask)) parts.push(slice);
      } catch (error) {
        if (tries < TRIES && error instanceof NetworkError) continue;
        throw error;
      }
      const file = new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
      const flaw = await flawOf(file, kind);
      if (flaw) throw misfit(url, kind, flaw);
      this.#fetched.set(url, file);
      return file;
    }
  }

  /** Caches the small files that came from the network, and where the library of the model is. */
  async keep(model: string, library: string): Promise<void> {
    const isManifest = (url: string): boolean => MANIFESTS.some((name) => fileAt(model, name) === url);
    for (const [url, file] of [...this.#fetched].sort(([a], [b]) => Number(isManifest(a)) - Number(isManifest(b)))) {
      if (!isKept(url)) continue;
      if (file === undefined) await this.cache.delete(url);
      else await this.cache.put(url, file);
    }
    this.#fetched.clear();
    if (library !== fileAt(model, LIBRARY) && isKept(library)) await this.cache.keepLibrary(model, library);
  }

  /** A shard of so many bytes, from the cache unless `fresh`. The body starts to flow when its slices are asked for. */
  async shard(url: string, bytes: number, fresh = false): Promise<ShardBody> {
    const cached = fresh ? undefined : await this.cache.get(url);
    if (cached) return { fromCache: true, pieced: false, slices: blobSlices(cached, this.signal) };
    // The HTTP cache would only hold a second copy of what goes into IndexedDB.
    const ask = { signal: this.signal, cache: "no-store" as const };
    const response = await request(url, ask);
    if (!response.ok) throw await refusal(response, url);
    const shard: ShardBody = { fromCache: false, pieced: false, slices: [] as never };
    const type = response.headers.get("Content-Type") ?? "";
    shard.slices = checked(body(response, url, ask, bytes, () => (shard.pieced = true)), url, type, bytes);
    return shard;
  }
}

const NOT_FOUND = "not found";

/** In a few words how an error says that there is no such file; nothing if it does not. */
export function absence(error: unknown): string | undefined {
  if (error instanceof ModelNotFoundError) return NOT_FOUND;
  if (error instanceof NetworkError && error.status !== undefined) return isPassing(error.status) ? undefined : `status ${error.status}`;
  if (error instanceof NetworkError) return error.reason === "cors" ? "refused by CORS" : undefined;
  return emptyHanded.get(error as Error);
}

/** Errors about bodies that say, in their way, that there is no such file; and what those are. */
const emptyHanded = new WeakMap<Error, string>();

/** The error for a body that is no such file. */
function misfit(url: string, kind: Kind, { what, advice, absent }: Flaw): Error {
  const type = kind === "library" ? InvalidLibraryError : InvalidPackageError;
  const error = new type(`${url} answers with ${what}: ${advice}`, { url });
  if (absent) emptyHanded.set(error, what);
  return error;
}

/** Addresses of Blobs and of data hold for this visit only. */
function isKept(url: string): boolean {
  return !/^(blob|data):/.test(url);
}

/** Names what stands in the place of a shard, where that can be told, rather than that it is damaged. */
async function* checked(
  slices: AsyncIterable<Uint8Array<ArrayBuffer>>,
  url: string,
  type: string,
  bytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let begun = false;
  const check = (head: Uint8Array): void => {
    const flaw = flawOfHead(head, type, "shard");
    if (!flaw) return;
    const fields = { shard: nameOf(url), expected: `${bytes} bytes`, found: flaw.what };
    throw new CorruptShardError(`${url} answers with ${flaw.what}: ${flaw.advice}`, fields);
  };
  for await (const slice of slices) {
    if (!begun) check(slice.subarray(0, 4096));
    begun = true;
    yield slice;
  }
  if (!begun && bytes > 0) check(new Uint8Array());
}

async function* blobSlices(blob: Blob, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let start = 0; start < blob.size; start += SLICE) {
    signal.throwIfAborted();
    yield new Uint8Array(await blob.slice(start, start + SLICE).arrayBuffer());
  }
}
