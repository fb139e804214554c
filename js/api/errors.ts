/**
 * Error classes. They hold what a program needs to react (which shard, which limit, which field). They arrive whole on the other side of a
 * worker: class, message and fields.
 */

/** Every error of this package that is not an `AbortError` (a `DOMException`, as `fetch` throws it). */
export class TegulaError extends Error {
  override readonly name: string = "TegulaError";
  /** The runtime's finer name of what happened, where the error comes from there. */
  declare readonly code?: string;
  /** What a server would answer, where a request failed: OpenAI's error object as JSON. */
  declare readonly response?: string;

  constructor(message: string, fields: object = {}, options?: ErrorOptions) {
    super(message, options);
    Object.assign(this, fields);
  }
}

/** A file of the package is not at its URL. */
export class ModelNotFoundError extends TegulaError {
  override readonly name = "ModelNotFoundError";
  /** What was asked for. */
  declare readonly url: string;
  /** HTTP status. */
  declare readonly status: number;
}

/** Why no answer came: none did; the host's CORS or the page's Content Security Policy forbids it; http from an https page; no network. */
export type NetworkFailure = "connection" | "cors" | "policy" | "insecure" | "offline";

/** A file could not be fetched: no connection, refused by CORS, or a status that is neither success nor "not found". */
export class NetworkError extends TegulaError {
  override readonly name = "NetworkError";
  declare readonly url: string;
  /** HTTP status; absent where no answer came. */
  declare readonly status?: number;
  /** Why no answer came, as far as that can be found out. */
  declare readonly reason?: NetworkFailure;
}

/** The page's Content-Security-Policy forbids something that the engine needs. */
export class ContentSecurityPolicyError extends TegulaError {
  override readonly name = "ContentSecurityPolicyError";
  /** The directive to change, such as `script-src`. */
  declare readonly directive: string;
  /** What to add to it. */
  declare readonly allow: string;
}

/**
 * mlc-chat-config.json, the tensor manifest or a tokenizer file does not say what it must; or the host sends something else in its place.
 */
export class InvalidPackageError extends TegulaError {
  override readonly name = "InvalidPackageError";
  /** Where the file is from, if that is at fault. */
  declare readonly url?: string;
}

/** A shard is truncated or altered. It was not cached. */
export class CorruptShardError extends TegulaError {
  override readonly name = "CorruptShardError";
  /** File name in the package. */
  declare readonly shard: string;
  /** MD5 (or length) that the manifest promises. */
  declare readonly expected: string;
  /** What arrived. */
  declare readonly found: string;
}

/** The model library was compiled for another model than the package holds. */
export class LibraryMismatchError extends TegulaError {
  override readonly name = "LibraryMismatchError";
  /** A tensor that does not fit, or what else differs, such as `rope` or `norm_eps`. */
  declare readonly parameter: string;
  /** What the library was compiled for. */
  declare readonly expected: string;
  /** What the package holds; absent where it holds no such tensor. */
  declare readonly found?: string;
}

/** The model library has a format version that this release cannot read. */
export class LibraryVersionError extends TegulaError {
  override readonly name = "LibraryVersionError";
  declare readonly found: number;
  declare readonly supported: number;
}

/** The file is no model library, or a damaged one. */
export class InvalidLibraryError extends TegulaError {
  override readonly name = "InvalidLibraryError";
  /** Where the file is from, if the host sends something else in its place. */
  declare readonly url?: string;
}

/** The prompt does not fit the context window. */
export class ContextWindowSizeExceededError extends TegulaError {
  override readonly name = "ContextWindowSizeExceededError";
  /** Tokens of the prompt. */
  declare readonly prompt: number;
  /** Tokens that a sequence can have. */
  declare readonly context: number;
}

/** There is no WebGPU here, or no adapter. */
export class WebGPUNotAvailableError extends TegulaError {
  override readonly name = "WebGPUNotAvailableError";
  /** Why, for people. */
  declare readonly reason: string;
}

/** The device cannot do what the model needs; `limit` names the WebGPU limit, or the memory, that is too small. */
export class LimitError extends TegulaError {
  override readonly name = "LimitError";
  declare readonly limit: string;
  /** Absent where the device only says that it has no room. */
  declare readonly needed?: number;
  declare readonly available?: number;
}

/** The browser rejected a kernel, or the device failed in a way that is not a limit. */
export class DeviceError extends TegulaError {
  override readonly name = "DeviceError";
}

/** The GPU went away while the engine was using it. Create the engine again. */
export class DeviceLostError extends TegulaError {
  override readonly name = "DeviceLostError";
}

/** A request (or the options of `createEngine`) cannot be served as it is. */
export class InvalidRequestError extends TegulaError {
  override readonly name = "InvalidRequestError";
  /** Path of the field, such as `messages[1].role`, where one is at fault. */
  declare readonly field?: string;
}

/** The engine was unloaded, or failed earlier in a way that ended it. */
export class EngineNotLoadedError extends TegulaError {
  override readonly name = "EngineNotLoadedError";
}

/** A fault of this package. Please report it. */
export class InternalError extends TegulaError {
  override readonly name = "InternalError";
}
