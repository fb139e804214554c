/**
 * Errors of the package in words for people who chat, by class and fields. The package's own messages
 * are written for programmers.
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
} from "tegula";
import { count, tooLong, type Trouble } from "./words.js";

/** Says what went wrong. */
export function trouble(error: unknown): Trouble {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof ContextWindowSizeExceededError) return tooLong(error.prompt, error.context);
  const fatal = [DeviceLostError, DeviceError, EngineNotLoadedError, InternalError].some(
    (kind) => error instanceof kind,
  );
  return { text: sentence(error, detail), detail, fatal };
}

function sentence(error: unknown, detail: string): string {
  if (error instanceof DeviceLostError)
    return "The GPU went away. It may after sleep, with a new driver, or when memory runs out.";
  if (error instanceof ModelNotFoundError)
    return `A file of the model is not at its address (status ${error.status}): ${error.url}`;
  if (error instanceof NetworkError) {
    if (error.status !== undefined)
      return `The server refused a file of the model (status ${error.status}): ${error.url}`;
    const offline = navigator.onLine
      ? "The server could not be reached, or does not allow this page to read the file"
      : "There is no connection to the network";
    return `${offline}: ${error.url}`;
  }
  if (error instanceof ContentSecurityPolicyError)
    return "This page's own security policy forbids what the model needs.";
  if (error instanceof LimitError) return tooSmall(error);
  if (error instanceof CorruptShardError)
    return `A file of the model arrived damaged (${error.shard}). Loading it again may help.`;
  if (error instanceof LibraryMismatchError || error instanceof LibraryVersionError)
    return (
      "The model and its library do not belong together, or this page is too old for them. " +
      "Whoever offers the model has to compile its library again."
    );
  if (error instanceof InvalidLibraryError) return "The model's library is damaged, or is none.";
  if (error instanceof InvalidPackageError) return "The model's files do not say what they must.";
  if (error instanceof WebGPUNotAvailableError) return detail;
  if (error instanceof DeviceError) return "The GPU, or its driver, could not do the work.";
  if (error instanceof EngineNotLoadedError) return "The model is not loaded any more.";
  if (error instanceof InvalidRequestError) return "The model cannot answer this message as it is.";
  if (error instanceof InternalError) return "Something failed inside Tegula.";
  return "Something went wrong.";
}

function tooSmall({ limit, needed, available }: LimitError): string {
  let sizes = "";
  // Of limits that are counts, the name alone says enough.
  if (needed !== undefined && needed >= 2 ** 20) {
    const there = available === undefined ? "" : ` of which ${mebibytes(available)} are there`;
    sizes = `It needs ${mebibytes(needed)}${there}. `;
  }
  const advice = "A smaller model may fit; closing other pages that use the GPU may help.";
  return `This model is too large for this GPU (${limit}). ${sizes}${advice}`;
}

function mebibytes(bytes: number): string {
  return `${count(Math.round(bytes / 2 ** 20))} MiB`;
}
