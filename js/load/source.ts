/**
 * Files of a weight package: from the cache if they are there, else from the network. Small files (configuration, manifest, library,
 * tokenizer) are read whole, and cached only when the runtime has accepted them. Shards are streamed.
 *
 * If small files are in the cache, the host is asked for newer versions (fresh.ts). These then replace the cached ones, all together. If
 * the host does not answer in time, the cached files are used, so that a cached model loads offline. A cached file that cannot be what its
 * name says, such as an HTML page that an earlier version kept, is fetched again.
 */

import { LIBRARY, MANIFESTS, fileAt, nameOf } from "./address.js";
import { type FileCache, type KeptFile, stagedUrl } from "./cache.js";
import { type Flaw, type Kind, flawOf, flawOfHead } from "./content.js";
import { CorruptShardError, InvalidLibraryError, InvalidPackageError, ModelNotFoundError, NetworkError } from "../api/errors.js";
import { type Candidate, newer, versionOf } from "./fresh.js";
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

/** Small files that a package may lack. */
const OPTIONAL = {
  "mlc-chat-config.json": "json",
  "tokenizer.json": "json",
  "tokenizer_config.json": "json",
  "chat_template.jinja": "template",
} as const satisfies Record<string, Kind>;

/** The name of a small file that a package may lack. */
export type OptionalFile = keyof typeof OPTIONAL;

/**
 * Where small files come from. `check`: the cache, unless the host has newer ones. `trust`: the
 * cache, as it is. `fetch`: the host.
 */
export type Origin = "check" | "trust" | "fetch";

/** Reads the files of one package. */
export class PackageSource {
  /** Whether a small file came from the cache. */
  trusted = false;
  /** Files that were taken as absent although the host did not plainly say so, and what it said. */
  doubts: string[] = [];
  /** Whether the manifest is in the cache. All files that the host had were kept with it. */
  #known = Promise.resolve(false);
  /** Whether the host had newer versions of files that are in the cache, which are now read in their place. */
  replaced = false;
  /** The newer versions. */
  #newer = new Map<string, Blob | null>();
  /** Shards of the newer version that wait for the others of it. */
  #staged = new Map<string, Blob>();
  /** Small files from the network that wait for {@link keep}; `undefined` is not known any more. */
  #fetched = new Map<string, KeptFile | undefined>();

  constructor(
    readonly cache: FileCache,
    readonly signal: AbortSignal,
    readonly origin: Origin = "check",
  ) {}

  /** Asks the host for newer versions of the small files that are in the cache. To be called before any of them is read. */
  async check(model: string, library: string): Promise<void> {
    if (this.origin !== "check") return;
    const optional = Object.entries(OPTIONAL).map(([name, kind]) => [fileAt(model, name), kind, true] as const);
    const manifests = MANIFESTS.map((name) => [fileAt(model, name), "manifest", false] as const);
    const candidates: Candidate[] = [];
    const hasManifest = (): boolean => candidates.some(({ kind }) => kind === "manifest");
    for (const [url, kind, optionally] of [...manifests, [library, "library", false] as const, ...optional]) {
      const kept = isKept(url) ? await this.cache.kept(url) : undefined;
      const { data, version } = kept ?? {};
      if (!data || (await flawOf(data, kind))) continue;
      if (kind === "manifest" && hasManifest()) continue;
      candidates.push({ url, kind, optional: optionally, kept: { data, version: version! } });
    }
    // Without a manifest nothing holds the others together: they are as good as not there.
    if (!hasManifest()) return;
    for (const [url, { data, version, changed }] of (await newer(candidates, this.signal)) ?? []) {
      // An unchanged file may have a new version to note.
      if (changed || Object.keys(version).length > 0) this.#fetched.set(url, { data, version });
      if (changed) this.#newer.set(url, data);
      this.replaced ||= changed;
    }
  }

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
  async optional(model: string, name: OptionalFile): Promise<Blob | undefined> {
    const [url, kind] = [fileAt(model, name), OPTIONAL[name]];
    const cached = await this.#cached(url, kind);
    if (cached !== undefined) return cached ?? undefined;
    try {
      return await this.#download(url, kind);
    } catch (error) {
      const known = (await this.#known) && !this.replaced;
      const absent = absence(error) ?? (error instanceof NetworkError && known ? "no answer" : undefined);
      if (absent === undefined) throw error;
      this.#fetched.set(url, absent === NOT_FOUND ? { data: null, version: {} } : undefined);
      if (absent !== NOT_FOUND) this.doubts.push(`${nameOf(url)} (${absent})`);
      return undefined;
    }
  }

  /** What the cache says of a file, if it can be such a file. */
  async #cached(url: string, kind: Kind): Promise<Blob | null | undefined> {
    if (this.#newer.has(url)) return this.#newer.get(url);
    const cached = this.origin !== "fetch" && isKept(url) ? await this.cache.get(url) : undefined;
    // A newer version may have files that the one before lacked.
    if (cached === null && this.replaced) return undefined;
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
      this.#fetched.set(url, { data: file, version: versionOf(response) });
      return file;
    }
  }

  /** Caches a shard that came from the network, and is verified. */
  async keepShard(url: string, file: Blob): Promise<void> {
    // It must not take the place of one of the version before until all of its own version is there.
    if (this.replaced) this.#staged.set(url, file);
    await this.cache.put(this.replaced ? stagedUrl(url) : url, file);
  }

  /**
   * Caches the small files that came from the network, and the shards that waited for this: all of it, or nothing. Remembers where the library of
   * the model is.
   */
  async keep(model: string, library: string): Promise<void> {
    const files = [...this.#fetched].filter(([url]) => isKept(url));
    for (const [url, data] of this.#staged) files.push([url, { data, version: {} }], [stagedUrl(url), undefined]);
    this.#fetched.clear();
    this.#staged.clear();
    if (files.length > 0) await this.cache.putAll(files);
    if (library !== fileAt(model, LIBRARY) && isKept(library)) await this.cache.keepLibrary(model, library);
  }

  /** A shard of so many bytes, from the cache unless `fresh`. The body starts to flow when its slices are asked for. */
  async shard(url: string, bytes: number, fresh = false): Promise<ShardBody> {
    let cached = fresh ? undefined : await this.cache.get(url);
    if (this.replaced && !fresh) {
      // From a load of this version that did not come to its end.
      const staged = await this.cache.get(stagedUrl(url));
      if (staged) this.#staged.set(url, (cached = staged));
    }
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
