/**
 * Says what is wrong with a folder if a file of the package is missing: it holds a checkpoint that was
 * never converted, the library was forgotten, or the package is in a folder above or below. Asks the
 * host for the files that would tell, and only after a load has failed.
 */

import { LIBRARY, MANIFESTS, fileAt } from "./address.js";
import { NetworkError } from "../api/errors.js";
import { read } from "./files.js";
import type { LoadOptions } from "../api/backend.js";
import { absence } from "./source.js";

/** What is not found out in this time is not said; in milliseconds. */
const PATIENCE = 5000;

/** So many folders of a listing are looked into. */
const MOST_FOLDERS = 8;

/**
 * The same error; what is known of the folder is added to the message where a file of it was not to
 * be had.
 */
export async function withBlame(
  error: unknown,
  { model, library }: LoadOptions,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof Error) || absence(error) === undefined) return error;
  const { url } = error as { url?: string };
  // A host that forbids to read says nothing of what it has.
  const sure = !(error instanceof NetworkError);
  let about: string | undefined;
  if (url === library) about = ofLibrary(library, model, sure);
  else if (MANIFESTS.some((name) => url === fileAt(model, name))) {
    about = await ofFolder(model, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
    if (sure) about ??= `No file of a package was found in ${model}: check the address`;
  } else if (sure) {
    about = "The manifest lists this file: the upload of the folder did not come to its end";
  }
  if (about) error.message += `. ${about}`;
  return error;
}

function ofLibrary(library: string, model: string, sure: boolean): string {
  const make = `make it with "tegula compile FOLDER -o ${LIBRARY}"`;
  if (library !== fileAt(model, LIBRARY)) {
    const missing = sure
      ? "The weights are there, but the library that the option library names is not"
      : "If there is no such library";
    return `${missing}: ${make}, or correct the address`;
  }
  const missing = sure
    ? "The folder holds the weights, but no library"
    : "If the folder holds no library";
  return `${missing}: ${make} and put it there, or name the address of one by the option library`;
}

async function ofFolder(model: string, signal: AbortSignal): Promise<string | undefined> {
  const [checkpoint, config] = await Promise.all(
    ["config.json", "mlc-chat-config.json"].map((name) => jsonAt(fileAt(model, name), signal)),
  );
  if (config && ("model_type" in config || "model_config" in config)) {
    return (
      "The folder holds mlc-chat-config.json, but no manifest of weights (tensor-cache.json): " +
      "the conversion or the upload did not come to its end"
    );
  }
  if (checkpoint && ("model_type" in checkpoint || "architectures" in checkpoint)) {
    return (
      "The folder holds a checkpoint as Hugging Face keeps them, and no package: " +
      'make one of it with "tegula convert FOLDER -o PACKAGE", and name the folder of that'
    );
  }
  for (const folder of await folders(model, signal)) {
    const found = await Promise.all(MANIFESTS.map((name) => jsonAt(fileAt(folder, name), signal)));
    if (found.some((manifest) => Array.isArray(manifest?.["records"])))
      return `There is a package at ${folder}: name that folder`;
  }
  return undefined;
}

/**
 * Where the package may be instead: one folder up, in the one that MLC names so, or in those that
 * the host lists.
 */
async function folders(model: string, signal: AbortSignal): Promise<string[]> {
  const at = (path: string): string =>
    Object.assign(new URL(path, model), { search: new URL(model).search }).href;
  const listing = (await textAt(model, signal)) ?? "";
  const listed = [...listing.matchAll(/href="(?:\.\/)?([^"/?#:]+\/)"/g)]
    .map((link) => link[1]!)
    .filter((path) => path !== "../");
  return [...new Set(["../", "params/", ...listed.slice(0, MOST_FOLDERS)].map(at))].filter(
    (folder) => folder !== model,
  );
}

async function jsonAt(
  url: string,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse((await textAt(url, signal)) ?? "");
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

async function textAt(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await read(url, { signal });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}
