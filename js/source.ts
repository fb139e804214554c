/**
 * Files of a weight package: from the cache where they are there, else from the network. Small files (configuration, manifest, library,
 * tokenizer) are read whole and cached only when the runtime has accepted them; shards are streamed.
 *
 * Cached small files are trusted without asking the network, so that a cached model loads offline. If such a file turns out not to fit (an
 * old library, a manifest that was replaced on the server) the load starts over with `trusting: false`.
 */

import type { FileCache } from "./cache.js";
import { ModelNotFoundError, NetworkError } from "./errors.js";

/** Cached shards are read in slices of this size. */
const SLICE = 4 << 20;

/** A shard on its way. */
export interface ShardBody {
  fromCache: boolean;
  slices: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Reads the files of one package. */
export class PackageSource {
  /** Whether a small file came from the cache. */
  trusted = false;
  /** Small files from the network that wait for {@link keep}. */
  #fetched = new Map<string, Blob | null>();

  constructor(
    readonly cache: FileCache,
    readonly signal: AbortSignal,
    readonly trusting = true,
  ) {}

  /** A small file. Throws {@link ModelNotFoundError} or {@link NetworkError}. */
  async file(url: string): Promise<Blob> {
    const cached = await this.#trust(url);
    if (cached) return cached;
    const response = await this.#fetch(url, "no-cache");
    const blob = await whole(response, url, this.signal);
    this.#fetched.set(url, blob);
    return blob;
  }

  /** A small file that a package may lack. That it does is cached, too. */
  async optional(url: string): Promise<Blob | null> {
    if ((await this.#trust(url)) === null) return null;
    try {
      return await this.file(url);
    } catch (error) {
      if (!(error instanceof ModelNotFoundError)) throw error;
      this.#fetched.set(url, null);
      return null;
    }
  }

  async #trust(url: string): Promise<Blob | null | undefined> {
    const cached = this.trusting ? await this.cache.get(url) : undefined;
    if (cached !== undefined) this.trusted = true;
    return cached;
  }

  /** Caches the small files that came from the network. */
  async keep(): Promise<void> {
    for (const [url, blob] of this.#fetched) await this.cache.put(url, blob);
    this.#fetched.clear();
  }

  /** A shard, from the cache unless `fresh`. The body starts to flow when its slices are asked for. */
  async shard(url: string, fresh = false): Promise<ShardBody> {
    const cached = fresh ? undefined : await this.cache.get(url);
    if (cached) return { fromCache: true, slices: blobSlices(cached, this.signal) };
    // The HTTP cache would only hold a second copy of what goes into IndexedDB.
    const response = await this.#fetch(url, "no-store");
    return { fromCache: false, slices: bodySlices(response, url, this.signal) };
  }

  async #fetch(url: string, cache: RequestCache): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url, { cache, signal: this.signal });
    } catch (error) {
      throw unreachable(url, error, this.signal);
    }
    if (response.ok) return response;
    const { status } = response;
    if (status === 404 || status === 410) throw new ModelNotFoundError(`there is no file at ${url} (status ${status})`, { url, status });
    throw new NetworkError(`${url} answered with status ${status}`, { url, status });
  }
}

async function whole(response: Response, url: string, signal: AbortSignal): Promise<Blob> {
  try {
    return await response.blob();
  } catch (error) {
    throw unreachable(url, error, signal);
  }
}

async function* bodySlices(response: Response, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw unreachable(url, error, signal);
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function* blobSlices(blob: Blob, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let start = 0; start < blob.size; start += SLICE) {
    signal.throwIfAborted();
    yield new Uint8Array(await blob.slice(start, start + SLICE).arrayBuffer());
  }
}

function unreachable(url: string, cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const message = `${url} could not be fetched (${detail}); check the connection, and that the server allows this origin (CORS)`;
  return new NetworkError(message, { url }, { cause });
}
