/**
 * Keeps verified files in IndexedDB, one record a file under its full URL, so that a model loads again without the network. Files are held
 * as Blobs: browsers keep those on disk, and reading one does not copy it into the heap.
 *
 * A cache never makes a load fail. Where IndexedDB is refused or full the load goes on without it, and says so once.
 */

/** Where files are kept between visits. */
export interface FileCache {
  /** The file; `null` if it is known that there is none at this URL; `undefined` if nothing is known. */
  get(url: string): Promise<Blob | null | undefined>;
  put(url: string, file: Blob | null): Promise<void>;
  delete(url: string): Promise<void>;
  /** The choice among kernels that was kept under a key: an index each. `undefined` if none was, or what was is none. */
  choice(key: string): Promise<number[] | undefined>;
  keepChoice(key: string, chosen: number[]): Promise<void>;
}

/** Keeps nothing. */
export const NO_CACHE: FileCache = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  delete: () => Promise.resolve(),
  choice: () => Promise.resolve(undefined),
  keepChoice: () => Promise.resolve(),
};

const DATABASE = "tegula";
const STORE = "files";
/** Choices among kernels, by key. Of another kind than files: they are small, and hold for a device and not for a URL. */
const CHOICES = "choices";

interface CachedFile {
  url: string;
  data: Blob | null;
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
    try {
      const record = await done<CachedFile | undefined>(this.#store("readonly").get(url));
      return record?.data instanceof Blob || record?.data === null ? record.data : undefined;
    } catch (error) {
      this.#warn(`A cached file could not be read (${describe(error)}); it is downloaded again.`);
      return undefined;
    }
  }

  async put(url: string, data: Blob | null): Promise<void> {
    if (this.#full) return;
    try {
      const store = this.#store("readwrite");
      store.put({ url, data } satisfies CachedFile);
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
      store.delete(url);
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

  /** URLs of cached files that start with `prefix`. */
  async list(prefix: string): Promise<string[]> {
    const keys = await done(this.#store("readonly").getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
    return keys.map(String);
  }

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }
}

/** Whether any file of the model at this URL is cached. */
export async function hasModelInCache(model: string): Promise<boolean> {
  return (await cachedFiles(model)).length > 0;
}

/** Deletes all files whose URL starts with the model's. A library elsewhere is deleted by its own URL. */
export async function deleteModelInCache(model: string): Promise<void> {
  const cache = await IndexedDbCache.open(() => {});
  if (!(cache instanceof IndexedDbCache)) return;
  for (const url of await cache.list(model)) await cache.delete(url);
  cache.database.close();
}

async function cachedFiles(model: string): Promise<string[]> {
  const cache = await IndexedDbCache.open(() => {});
  if (!(cache instanceof IndexedDbCache)) return [];
  const files = await cache.list(model);
  cache.database.close();
  return files;
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
