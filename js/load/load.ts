/**
 * Loads a model. Small files come first, then all checks (the device, the library against the package, the memory), and only then the first
 * shard.
 */

import { type FileCache, IndexedDbCache, NO_CACHE } from "./cache.js";
import {
  CorruptShardError,
  DeviceError,
  DeviceLostError,
  InvalidLibraryError,
  InvalidPackageError,
  LibraryMismatchError,
  LibraryVersionError,
  LimitError,
  ModelNotFoundError,
  NetworkError,
} from "../api/errors.js";
import { withBlame } from "./blame.js";
import type { KernelChoice, LoadListeners, LoadOptions } from "../api/backend.js";
import { Progress } from "./progress.js";
import { loadShards } from "./shards.js";
import { type OptionalFile, type Origin, PackageSource } from "./source.js";
import { browserVersion } from "../wasm/webgpu.js";
import { runtimeAwait, runtimeCall } from "../wasm/seam.js";
import type { Wasm, WasmDevice, WasmEngine, WasmEvent, WasmLoader, WasmPackage } from "../wasm/seam.js";

/** Loads the model onto the device. Throws the errors of errors.ts, or the signal's reason. */
export async function loadModel(
  wasm: Wasm,
  device: WasmDevice,
  options: LoadOptions,
  listeners: LoadListeners,
  onEvents: (events: WasmEvent[]) => void,
): Promise<WasmEngine> {
  const stop = new AbortController();
  const signal = listeners.signal ? AbortSignal.any([listeners.signal, stop.signal]) : stop.signal;
  const warn = listeners.onWarning ?? (() => {});
  // What is in the file system already needs no second copy.
  const isFile = options.model.startsWith("file:");
  const cache = options.cache === "indexeddb" && !isFile ? await IndexedDbCache.open(warn) : NO_CACHE;
  const progress = new Progress(listeners.onProgress);
  const once = (origin: Origin, remembering: boolean): Promise<WasmEngine> =>
    attempt(wasm, device, options, new PackageSource(cache, signal, origin), remembering, progress, warn, onEvents);
  const load = (origin: Origin): Promise<WasmEngine> =>
    once(origin, true).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof Unusable)) throw error;
      warn(`The kernels that were chosen at an earlier load no longer work here (${error.cause.message}); they are chosen again.`);
      return once(origin, false);
    });
  const fetched = (error: unknown): Promise<WasmEngine> => {
    signal.throwIfAborted();
    if (!(error instanceof Outdated)) throw error;
    warn(`The cached files of this model no longer fit (${error.cause.message}); they are fetched again.`);
    return load("fetch");
  };
  try {
    return await load("check").catch((error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof Unfit)) return fetched(error);
      // Such as while an upload is under way. Nothing of it was kept.
      warn(`The host has newer files of this model, but they do not fit (${error.cause.message}); the cached ones are used.`);
      return load("trust").catch(fetched);
    });
  } catch (error) {
    signal.throwIfAborted();
    const blamed = await withBlame(error, options, signal);
    signal.throwIfAborted();
    throw blamed;
  } finally {
    // Downloads that still run are of no use any more.
    stop.abort();
    progress.end();
    closeCache(cache);
  }
}

/** Something does not fit, and small files came from the cache: the server may have newer ones. */
class Outdated extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
  }
}

/** Newer files from the host do not fit: those in the cache may. */
class Unfit extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
  }
}

/** Kernels that were remembered do not compile: others may. */
class Unusable extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message);
  }
}

async function attempt(
  wasm: Wasm,
  device: WasmDevice,
  options: LoadOptions,
  source: PackageSource,
  remembering: boolean,
  progress: Progress,
  warn: (message: string) => void,
  onEvents: (events: WasmEvent[]) => void,
): Promise<WasmEngine> {
  try {
    progress.phase("package", "Reading the model's description");
    await source.check(options.model, options.library);
    const { files, library } = await packageFiles(source, options);
    if (source.doubts.length > 0) warn(doubtful(source.doubts, options.model));
    const module = new Uint8Array(await library.arrayBuffer());
    const environment = await browserVersion();
    const { name, precision } = options;
    const loader = runtimeCall(() => wasm.newLoader(device, module, files, { name, precision, environment }));
    let finishing = false;
    let choice: string | undefined;
    let remembered: number[] | undefined;
    try {
      await runtimeAwait(() => loader.allocated());
      // What takes the place of other files waits until all of it is there.
      if (!source.replaced) await source.keep(options.model, options.library);
      choice = options.kernels === "measure" ? choiceKey(loader, environment) : undefined;
      if (choice !== undefined && remembering) remembered = await source.cache.choice(choice);
      const choosing = choice !== undefined && remembered === undefined;
      // Kernels compile while weights are on their way.
      const onKernels = progress.kernels();
      runtimeCall(() => loader.compile(options.kernels === "measure", remembered && Uint32Array.from(remembered), onKernels));
      progress.expect(loader.shards().reduce((sum, shard) => sum + shard.bytes, 0));
      await loadShards(loader, source, options.model, (bytes, fromCache) => progress.add(bytes, fromCache));
      await source.keep(options.model, options.library);
      progress.compile(choosing);
      source.signal.throwIfAborted();
      finishing = true;
      const engine = await runtimeAwait(() => loader.finish(options.runAhead, onEvents));
      if (choice !== undefined) await keepChoice(source.cache, choice, remembered, engine.kernels(), progress);
      progress.phase("ready", "Ready");
      return engine;
    } catch (error) {
      if (finishing && choice !== undefined && remembered !== undefined) await forgetChoice(source.cache, choice, error);
      throw error;
    } finally {
      if (!finishing) loader.free();
    }
  } catch (error) {
    const kinds = [CorruptShardError, InvalidLibraryError, InvalidPackageError, LibraryMismatchError, LibraryVersionError, ModelNotFoundError];
    const misfit = error instanceof Error && kinds.some((kind) => error instanceof kind);
    if (source.replaced && (misfit || error instanceof NetworkError)) throw new Unfit(error);
    if (source.trusted && misfit) throw new Outdated(error);
    throw error;
  }
}

/**
 * What a choice among kernels holds for: library, device and driver, and the browser, whose
 * compiler changes with its version.
 */
function choiceKey(loader: WasmLoader, environment: string): string | undefined {
  const key = loader.choiceKey();
  return key === undefined ? undefined : `${key} ${environment}`;
}

/**
 * Forgets a choice with which loading failed on the device, so that it never does so twice. Throws
 * {@link Unusable} where another choice can be tried at once.
 */
async function forgetChoice(cache: FileCache, key: string, error: unknown): Promise<void> {
  const refused = error instanceof DeviceError || (error instanceof LimitError && error.limit !== "memory");
  if (refused || error instanceof DeviceLostError) await cache.forgetChoice(key);
  if (refused) throw new Unusable(error);
}

/** Keeps a choice among kernels that is not the one that was remembered, and says what it was. */
async function keepChoice(cache: FileCache, key: string, remembered: number[] | undefined, kernels: KernelChoice[], progress: Progress): Promise<void> {
  const chosen = kernels.map((kernel) => kernel.chosen);
  if (remembered?.length === chosen.length && remembered.every((index, place) => index === chosen[place])) return;
  await cache.keepChoice(key, chosen);
  const faster = kernels.filter((kernel) => kernel.chosen !== 0).map((kernel) => `${kernel.name}: ${kernel.schedule} (${kernel.why})`);
  progress.phase("pipelines", [`Kernels chosen, ${faster.length} of ${kernels.length} for this device`, ...faster].join("; "));
}

/** The small files of a package. Where several cannot be had, the error is about the one without which the others mean nothing. */
async function packageFiles(
  source: PackageSource,
  { model, library: libraryUrl }: LoadOptions,
): Promise<{ files: WasmPackage; library: Blob }> {
  const json = async (name: OptionalFile): Promise<string | undefined> => (await source.optional(model, name))?.text();
  const [manifest, library, config, tokenizer, texts] = await Promise.allSettled([
    source.manifest(model).then((file) => file.text()),
    source.file(libraryUrl, "library"),
    json("mlc-chat-config.json"),
    json("tokenizer.json"),
    json("tokenizer_config.json").then(async (tokenizerConfig) => {
      const template = hasTemplate(tokenizerConfig) ? undefined : await source.optional(model, "chat_template.jinja");
      return { tokenizerConfig, chatTemplate: await template?.text() };
    }),
  ]);
  const files = { manifest: settled(manifest), config: settled(config), tokenizer: settled(tokenizer), ...settled(texts) };
  return { files, library: settled(library) };
}

/** Whether the tokenizer's config brings a template. Only where it does not is there a file of its own to ask for. */
function hasTemplate(tokenizerConfig: string | undefined): boolean {
  if (tokenizerConfig === undefined) return false;
  try {
    const { chat_template: template } = JSON.parse(tokenizerConfig) as { chat_template?: unknown };
    return template !== undefined && template !== null;
  } catch {
    // The runtime says what is wrong with it.
    return true;
  }
}

/** Says what was taken as absent: a model without its template or tokenizer can do less, and may answer worse. */
function doubtful(doubts: string[], model: string): string {
  const host = new URL(model).host || "the host";
  return `Optional files are taken as absent, though ${host} did not plainly say so with status 404: ${doubts.join(", ")}. ` +
    "If the model has these files, make them readable; else have the host answer 404.";
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function closeCache(cache: FileCache): void {
  if (cache instanceof IndexedDbCache) cache.database.close();
}
