/** Models in the cache: whether one is whole, and how it is deleted. */

import { LIBRARY, MANIFESTS, cacheKey, fileAt, modelAddress } from "./address.js";
import { IndexedDbCache, queryOf } from "./cache.js";
import { flawOf } from "./content.js";
import { InvalidRequestError } from "../api/errors.js";

/** A model in the cache: its address, as `createEngine` takes it, or that and the address of its library. */
export type CachedModel = string | URL | { model: string | URL; library?: string | URL | undefined };

/**
 * Whether the model would load without a download: its manifest, all shards that this names, and a library are in the cache. If the library
 * is not in the model's folder and not named, one counts with which the model was loaded before.
 *
 * Rejects with `InvalidRequestError` what is no address.
 */
export async function hasModelInCache(model: CachedModel): Promise<boolean> {
  return (await withModel(model, isWhole)) ?? false;
}

/**
 * Deletes the files of the model in this folder, whole or not, and libraries elsewhere with which it was loaded, unless another model was,
 * too. Models in folders below it stay.
 *
 * Rejects with `InvalidRequestError` what is no address.
 */
export async function deleteModelInCache(model: CachedModel): Promise<void> {
  await withModel(model, deleteFiles);
}

async function withModel<T>(
  given: CachedModel,
  task: (cache: IndexedDbCache, model: string, library: string | undefined) => Promise<T>,
): Promise<T | undefined> {
  const named = typeof given === "object" && given !== null && "model" in given ? given : { model: given };
  const unknown = Object.keys(named).find((field) => field !== "model" && field !== "library");
  if (unknown !== undefined) throw new InvalidRequestError(`${unknown} is no field here; there are model and library`, { field: unknown });
  const { model, library } = modelAddress(named.model, named.library);
  const cache = await IndexedDbCache.open(() => {});
  if (!(cache instanceof IndexedDbCache)) return undefined;
  try {
    return await task(cache, model, named.library === undefined ? undefined : library);
  } finally {
    cache.database.close();
  }
}

async function isWhole(cache: IndexedDbCache, model: string, library: string | undefined): Promise<boolean> {
  const libraries = library === undefined ? [fileAt(model, LIBRARY), ...(await cache.libraries(model))] : [library];
  const found = await Promise.all(libraries.map(async (url) => has(await cache.get(url), "library")));
  if (!found.includes(true)) return false;
  for (const name of MANIFESTS) {
    const manifest = await cache.get(fileAt(model, name));
    if (!manifest || !(await has(manifest, "manifest"))) continue;
    const { records } = JSON.parse(await manifest.text()) as { records: { dataPath?: unknown }[] };
    const kept = new Set(await cache.list(folderKey(model)));
    return records.every(({ dataPath }) => typeof dataPath === "string" && kept.has(cacheKey(fileAt(model, dataPath))));
  }
  return false;
}

async function has(file: Blob | null | undefined, kind: "library" | "manifest"): Promise<boolean> {
  return file instanceof Blob && (await flawOf(file, kind)) === undefined;
}

async function deleteFiles(cache: IndexedDbCache, model: string, library: string | undefined): Promise<void> {
  const folder = folderKey(model);
  const { search } = new URL(cacheKey(model));
  const below = (await cache.list(folder)).filter((key) => queryOf(key) === search);
  // A folder below with a manifest is a model of its own.
  const others = below
    .filter((key) => MANIFESTS.some((name) => new URL(key).pathname.endsWith(`/${name}`)))
    .map(folderKey)
    .filter((other) => other !== folder);
  const own = below.filter((key) => !others.some((other) => key.startsWith(other)));
  const elsewhere = [...(await cache.libraries(model)), ...(library === undefined ? [] : [cacheKey(library)])];
  for (const key of own) await cache.delete(key);
  for (const key of elsewhere) if (!(await isUsed(cache, key))) await cache.delete(key);
}

/** Whether a model that is still there was loaded with a library: its own, or one elsewhere. */
async function isUsed(cache: IndexedDbCache, library: string): Promise<boolean> {
  const keys = await cache.list("");
  const beside = MANIFESTS.map((name) => fileAt(folderKey(library), name));
  const isOwn = new URL(library).pathname.endsWith(`/${LIBRARY}`) && keys.some((key) => beside.includes(key));
  if (isOwn) return true;
  for (const folder of keys.filter((key) => new URL(key).pathname.endsWith("/"))) {
    if ((await cache.libraries(folder)).includes(library)) return true;
  }
  return false;
}

/** The folder of a file, or a folder itself, without its query. */
function folderKey(url: string): string {
  const { href } = new URL("./", url);
  return href;
}
