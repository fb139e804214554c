/**
 * Brings the shards of a package into the loader. A few shards download at once. The first of them goes to the GPU slice by slice as it
 * arrives; the others wait in memory, which bounds the memory to those few. The loader verifies each shard when it ends; only then is it
 * cached.
 */

import { fileAt } from "./address.js";
import { CorruptShardError } from "../api/errors.js";
import type { PackageSource, ShardBody } from "./source.js";
import { runtimeCall } from "../wasm/seam.js";
import type { WasmLoader } from "../wasm/seam.js";

/** Shards that download at the same time. */
export const CONCURRENT_SHARDS = 4;

/** Slices kept for the cache are gathered in Blobs of about this size, which browsers may move out of memory. */
const KEPT_PART = 8 << 20;

type Loader = Pick<WasmLoader, "shards" | "begin" | "push" | "end">;

/** Where bytes of weights come from, as they arrive. A negative count takes back bytes of a shard that must be fetched again. */
export type ByteListener = (bytes: number, fromCache: boolean) => void;

/** Loads all shards from the folder `model`. Throws what the source and the loader throw. */
export async function loadShards(loader: Loader, source: PackageSource, model: string, onBytes: ByteListener): Promise<void> {
  const shards = loader.shards().map(({ path, bytes }) => ({ url: fileAt(model, path), bytes }));
  const ahead: Arrival[] = [];
  let next = 0;
  const kept = new Keeper(source);
  try {
    for (const [index, shard] of shards.entries()) {
      while (next < shards.length && next < index + CONCURRENT_SHARDS) ahead.push(new Arrival(source, shards[next++]!, onBytes));
      const arrival = ahead.shift()!;
      try {
        await feed(loader, index, arrival, kept);
      } catch (error) {
        if (!(error instanceof CorruptShardError && (arrival.fromCache || arrival.pieced))) throw error;
        // The copy in the cache is damaged or of another version, or the file was replaced while it came in parts. The cached one stays until
        // another is whole: it may be of the version to which a load goes back.
        onBytes(-arrival.bytes, arrival.fromCache);
        await feed(loader, index, new Arrival(source, shard, onBytes, true), kept);
      }
    }
    await kept.settled();
  } finally {
    for (const arrival of ahead) arrival.cancel();
  }
}

async function feed(loader: Loader, index: number, arrival: Arrival, kept: Keeper): Promise<void> {
  runtimeCall(() => loader.begin(index));
  const file = new FileParts();
  for await (const slice of arrival) {
    runtimeCall(() => loader.push(slice));
    if (!arrival.fromCache) file.add(slice);
  }
  runtimeCall(() => loader.end());
  if (!arrival.fromCache) await kept.keep(arrival.shard.url, file.blob());
}

/** A shard that is read once. From the network it arrives on its own; from the cache only as fast as it is read. */
class Arrival implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** Bytes reported so far. */
  bytes = 0;
  #body: ShardBody | undefined;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #finished = false;
  #cancelled = false;
  #failure: { error: unknown } | undefined;
  #wake = () => {};

  constructor(
    readonly source: PackageSource,
    readonly shard: { url: string; bytes: number },
    readonly onBytes: ByteListener,
    readonly fresh = false,
  ) {
    void this.#download();
  }

  get fromCache(): boolean {
    return this.#body?.fromCache ?? false;
  }

  get pieced(): boolean {
    return this.#body?.pieced ?? false;
  }

  cancel(): void {
    this.#cancelled = true;
  }

  async #download(): Promise<void> {
    try {
      this.#body = await this.source.shard(this.shard.url, this.shard.bytes, this.fresh);
      if (!this.#body.fromCache) {
        for await (const slice of this.#body.slices) {
          if (this.#cancelled) return;
          this.#report(slice);
          this.#waiting.push(slice);
          this.#wake();
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#finished = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const slices = this.#waiting;
      this.#waiting = [];
      yield* slices;
      if (this.#waiting.length > 0) continue;
      if (this.#failure) throw this.#failure.error;
      if (this.#finished) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (!this.#body?.fromCache) return;
    for await (const slice of this.#body.slices) {
      this.#report(slice);
      yield slice;
    }
  }

  #report(slice: Uint8Array): void {
    this.bytes += slice.byteLength;
    this.onBytes(slice.byteLength, this.fromCache);
  }
}

/** A file that is put together for the cache. */
class FileParts {
  #parts: Blob[] = [];
  #slices: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  add(slice: Uint8Array<ArrayBuffer>): void {
    this.#slices.push(slice);
    this.#bytes += slice.byteLength;
    if (this.#bytes >= KEPT_PART) this.#gather();
  }

  blob(): Blob {
    this.#gather();
    return new Blob(this.#parts);
  }

  #gather(): void {
    this.#parts.push(new Blob(this.#slices));
    this.#slices = [];
    this.#bytes = 0;
  }
}

/** Writes to the cache one shard behind the upload, so that neither waits for the other. */
class Keeper {
  #last: Promise<void> = Promise.resolve();

  constructor(readonly source: PackageSource) {}

  async keep(url: string, file: Blob): Promise<void> {
    await this.#last;
    this.#last = this.source.keepShard(url, file);
  }

  settled(): Promise<void> {
    return this.#last;
  }
}
