/**
 * Errors where they change sides: out of the Rust runtime, which gives a code and fields, and across a worker boundary, which can carry
 * neither classes nor fields of errors.
 */

import {
  ContentSecurityPolicyError,
  ContextWindowSizeExceededError,
  CorruptShardError,
  DeviceError,
  DeviceLostError,
  EngineNotLoadedError,
  InternalError,
  InvalidLibraryError,
  InvalidPackageError,
  InvalidRequestError,
  LibraryMismatchError,
  LibraryVersionError,
  LimitError,
  ModelNotFoundError,
  NetworkError,
  WebGPUNotAvailableError,
  type TegulaError,
} from "./errors.js";

type ErrorClass = new (message: string, fields?: object, options?: ErrorOptions) => TegulaError;

/** By name, for the worker boundary. Minifiers rename classes, so the names are those that instances carry. */
const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  [
    ModelNotFoundError,
    NetworkError,
    ContentSecurityPolicyError,
    InvalidPackageError,
    CorruptShardError,
    LibraryMismatchError,
    LibraryVersionError,
    InvalidLibraryError,
    ContextWindowSizeExceededError,
    WebGPUNotAvailableError,
    LimitError,
    DeviceError,
    DeviceLostError,
    InvalidRequestError,
    EngineNotLoadedError,
    InternalError,
  ].map((type) => [new type("").name, type]),
);

/** An error as it crosses a worker boundary. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string | undefined;
  fields: Record<string, unknown>;
}

/** Makes an error ready for `postMessage`. */
export function toRecord(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: "InternalError", message: String(error), fields: {} };
  const { name: _name, message: _message, stack: _stack, ...fields } = { ...error } as Record<string, unknown>;
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** The error that a record was made from: same class, message, fields and stack. */
export function fromRecord(record: ErrorRecord): Error {
  if (record.name === "AbortError") return new DOMException(record.message, "AbortError");
  const type = CLASSES.get(record.name) ?? InternalError;
  const message = CLASSES.has(record.name) ? record.message : `${record.name}: ${record.message}`;
  const error = new type(message, record.fields);
  if (record.stack) error.stack = record.stack;
  return error;
}

/** Codes of the runtime's errors (src/error.rs, src/error/host.rs and src/web/fault.rs), and the class that each becomes. */
export const CODES: Readonly<Record<string, ErrorClass>> = {
  LibraryVersionError: LibraryVersionError,
  ModelLibraryError: InvalidLibraryError,
  LaunchError: InvalidLibraryError,
  MissingEntryError: InvalidLibraryError,
  ParameterMismatchError: LibraryMismatchError,
  ArtifactManifestError: InvalidPackageError,
  ConfigValueError: InvalidPackageError,
  UnsupportedTokenizerFilesError: InvalidPackageError,
  TokenizerError: InvalidPackageError,
  NoChatTemplateError: InvalidPackageError,
  NotFiniteError: InvalidPackageError,
  IntegrityError: CorruptShardError,
  WebGPUNotAvailableError: WebGPUNotAvailableError,
  WebGPUNotFoundError: WebGPUNotAvailableError,
  DeviceLimitError: LimitError,
  OutOfMemoryError: LimitError,
  MemoryBudgetError: LimitError,
  FeatureSupportError: DeviceError,
  GpuError: DeviceError,
  DeviceLostError: DeviceLostError,
  ContextWindowSizeExceededError: ContextWindowSizeExceededError,
  EmptyPromptError: InvalidRequestError,
  UnknownTokenError: InvalidRequestError,
  InvalidRequestError: InvalidRequestError,
  RangeError: InvalidRequestError,
  UnsupportedFieldsError: InvalidRequestError,
  MessageOrderError: InvalidRequestError,
  UnsupportedRoleError: InvalidRequestError,
  UnsupportedContentPartError: InvalidRequestError,
  InvalidStreamOptionsError: InvalidRequestError,
  ChatTemplateError: InvalidRequestError,
  ChatTemplateLimitError: InvalidRequestError,
  EngineBusyError: InvalidRequestError,
  ModelNotLoadedError: EngineNotLoadedError,
  ModelNameTakenError: InvalidRequestError,
  EngineCrashedError: InternalError,
  LoadOrderError: InternalError,
  InterruptedError: InternalError,
};

/** The error for a code of the runtime. A code that this table lacks gives an {@link InternalError}. */
export function fromCode(code: string, message: string, fields: object = {}): TegulaError {
  const type = Object.hasOwn(CODES, code) ? CODES[code]! : InternalError;
  return new type(message, { ...fields, code });
}
