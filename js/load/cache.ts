/**
 * Keeps verified files in IndexedDB, one record per file, so that a model loads again without the network. The key of a record is the
 * file's address without its signature (see address.ts). Files are held as Blobs: browsers keep those on disk, and reading one does not
 * copy it into the heap.
 *
 * The cache never makes a load fail. If IndexedDB is refused or full, the load goes on without it, and warns once.
 */

import { cacheKey } from "./address.js";

/** How a host tells versions of a file apart: by the headers ETag and Last-Modified. */
export interface Version {
  etag?: string;
  modified?: string;
}

/** A file in the cache. */
export interface KeptFile {
  /** `null` if it is known that there is none at this URL. */
  data: Blob | null;
  version: Version;
}

/** Where files are kept between visits. */
export interface FileCache {
  /** The file; nothing if nothing is known. */
  kept(url: string): Promise<KeptFile | undefined>;
  /** Its data. */
  get(url: string): Promise<Blob | null | undefined>;
  put(url: string, file: Blob | null): Promise<void>;
  /** Keeps all of these, or none. `undefined` is forgotten. */
  putAll(files: [url: string, file: KeptFile | undefined][]): Promise<void>;
  delete(url: string): Promise<void>;
  /** Remembers that a model was loaded with a library that is not in its folder. */
  keepLibrary(model: string, library: string): Promise<void>;
  /** The choice among kernels that was kept under a key: an index for each. `undefined` if none was kept, or if the record is damaged. */
  choice(key: string): Promise<number[] | undefined>;
  keepChoice(key: string, chosen: number[]): Promise<void>;
  forgetChoice(key: string): Promise<void>;
}

/** Keeps nothing. */
export const NO_CACHE: FileCache = {
  kept: () => Promise.resolve(undefined),
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  putAll: () => Promise.resolve(),
  delete: () => Promise.resolve(),
  keepLibrary: () => Promise.resolve(),
  choice: () => Promise.resolve(undefined),
  keepChoice: () => Promise.resolve(),
  forgetChoice: () => Promise.resolve(),
};

const DATABASE = "tegula";
const STORE = "files";
/** Choices among kernels, by key. Of another kind than files: they are small, and hold for a device and not for a URL. */
const CHOICES = "choices";

/** That a file is not there holds for an hour, in milliseconds: it may be put there. */
const ABSENCE = 3600_000;

interface CachedFile {
  url: string;
  /**
   * For a folder, which ends in a slash as no file does: the keys of libraries elsewhere with which the model in it was loaded, as JSON.
   */
  data: Blob | null;
  /** When it was found that there is no such file. Earlier versions did not write it down, and may have been wrong. */
  noted?: number;
  /** Small files: which version it is. Earlier versions did not write it down. */
  version?: Version;
}

/** The cache in IndexedDB. */
export class IndexedDbCache implements FileCache {
  #warn: (message: string) => void;
  #full = false;

  private constructor(
    readonly database: IDBDatabase,
    warn: (message: string) => void,
  ) {
    this.#warn = warn;
    // Another tab may want to delete or upgrade the database; holding it open would block that tab.
    database.onversionchange = () => database.close();
  }

  /** Opens the cache, or gives {@link NO_CACHE} and a warning where the browser refuses one. */
  static async open(warn: (message: string) => void): Promise<FileCache> {
    try {
      return new IndexedDbCache(await openDatabase(), warn);
    } catch (error) {
      warn(`The browser offers no IndexedDB here (${describe(error)}); the model will be downloaded again next time.`);
      return NO_CACHE;
    }
  }

  async get(url: string): Promise<Blob | null | undefined> {
    return (await this.kept(url))?.data;
  }

  async kept(url: string): Promise<KeptFile | undefined> {
    try {
      const { data, noted, version = {} } = (await done<CachedFile | undefined>(this.#store("readonly").get(cacheKey(url)))) ?? {};
      if (data instanceof Blob) return { data, version };
      const age = Date.now() - (noted ?? 0);
      return data === null && age >= 0 && age < ABSENCE ? { data, version } : undefined;
    } catch (error) {
      this.#warn(`A cached file could not be read (${describe(error)}); it is downloaded again.`);
      return undefined;
    }
  }

  put(url: string, data: Blob | null): Promise<void> {
    return this.putAll([[url, { data, version: {} }]]);
  }

  async putAll(files: [url: string, file: KeptFile | undefined][]): Promise<void> {
    if (this.#full) return;
    try {
      // One transaction: all of it happens, or nothing.
      const store = this.#store("readwrite");
      for (const [url, file] of files) {
        const key = cacheKey(url);
        if (file) store.put({ url: key, ...file, ...(file.data === null && { noted: Date.now() }) } satisfies CachedFile);
        else store.delete(key);
      }
      await committed(store.transaction);
    } catch (error) {
      this.#full = true;
      const quota = error instanceof DOMException && error.name === "QuotaExceededError";
      const why = quota ? "the browser's storage quota is used up" : describe(error);
      this.#warn(`The model is not cached beyond this point: ${why}. What is missing will be downloaded again next time.`);
    }
  }

  async delete(url: string): Promise<void> {
    try {
      const store = this.#store("readwrite");
      store.delete(cacheKey(url));
      await committed(store.transaction);
    } catch (error) {
      this.#warn(`A cached file could not be deleted (${describe(error)}).`);
    }
  }

  async choice(key: string): Promise<number[] | undefined> {
    try {
      const kept = await done<unknown>(this.database.transaction(CHOICES, "readonly").objectStore(CHOICES).get(key));
      const isIndex = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
      return Array.isArray(kept) && kept.every(isIndex) ? (kept as number[]) : undefined;
    } catch (error) {
      this.#warn(`The choice among kernels could not be read (${describe(error)}); it is made again.`);
      return undefined;
    }
  }

  async keepChoice(key: string, chosen: number[]): Promise<void> {
    try {
      const store = this.database.transaction(CHOICES, "readwrite").objectStore(CHOICES);
      store.put(chosen, key);
      await committed(store.transaction);
    } catch (error) {
      this.#warn(`The choice among kernels could not be kept (${describe(error)}); it is made again next time.`);
    }
  }

  async forgetChoice(key: string): Promise<void> {
    try {
      const store = this.database.transaction(CHOICES, "readwrite").objectStore(CHOICES);
      store.delete(key);
      await committed(store.transaction);
    } catch (error) {
      this.#warn(`The choice among kernels could not be forgotten (${describe(error)}).`);
    }
  }

  async keepLibrary(model: string, library: string): Promise<void> {
    const known = await this.libraries(model);
    const key = cacheKey(library);
    if (!known.includes(key)) await this.put(model, new Blob([JSON.stringify([...known, key])]));
  }

  /** Keys of the libraries elsewhere with which a model was loaded. */
  async libraries(model: string): Promise<string[]> {
    const kept = await this.get(model);
    return kept ? (JSON.parse(await kept.text()) as string[]) : [];
  }

  /** Keys of cached files that start with `prefix`. */
  async list(prefix: string): Promise<string[]> {
    const keys = await done(this.#store("readonly").getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
    return keys.map(String);
  }

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }
}

/** Marks a shard that waits for the rest of its version. */
const STAGED = "tegula-staged";

/** Where a shard waits until all of its version is there, so that it does not spoil the version before. */
export function stagedUrl(url: string): string {
  const staged = new URL(url);
  staged.searchParams.set(STAGED, "1");
  return staged.href;
}

/** The query of a key, which tells models apart: without what is only ours. */
export function queryOf(key: string): string {
  const { searchParams, search } = new URL(key);
  if (!searchParams.has(STAGED)) return search;
  searchParams.delete(STAGED);
  return searchParams.size > 0 ? `?${searchParams}` : "";
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 2);
  request.onupgradeneeded = () => {
    // The first version had files only.
    const { objectStoreNames: names } = request.result;
    if (!names.contains(STORE)) request.result.createObjectStore(STORE, { keyPath: "url" });
    if (!names.contains(CHOICES)) request.result.createObjectStore(CHOICES);
  };
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the request failed"));
  });
}

/** Quota errors appear when a transaction commits, not when its requests succeed. */
function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
