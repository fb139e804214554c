/**
 * Addresses: of a model as people give them, of the files in its folder, and the keys under which the
 * files are cached. `createEngine` and the functions of the cache resolve addresses here, so that an
 * address means the same everywhere.
 */

import { InvalidRequestError } from "../api/errors.js";
import { addressOfPath } from "./files.js";

/** Where a model is: absolute, the folder with a slash at its end. Queries are kept. */
export interface ModelAddress {
  model: string;
  library: string;
}

/** The library's name in a package. */
export const LIBRARY = "library.wasm";

/** The names that manifests have had; the newer one first. */
export const MANIFESTS = ["tensor-cache.json", "ndarray-cache.json"] as const;

/**
 * Resolves what an option `model` and an option `library` say. Throws {@link InvalidRequestError}.
 */
export function modelAddress(model: unknown, library?: unknown): ModelAddress {
  const folder = folderOf(absolute(model, "model"));
  return {
    model: folder,
    library: library === undefined ? fileAt(folder, LIBRARY) : absolute(library, "library").href,
  };
}

/** Hosts that people write without `https://`. */
const WELL_KNOWN = /^(www\.)?(huggingface\.co|hf\.co|hf-mirror\.com|github\.com)\//i;

/**
 * Makes an address absolute here: a worker has another base. The only place that decides what an
 * address may be.
 */
export function absolute(url: unknown, field: string): URL {
  const text = typeof url === "string" ? url.trim() : isUrl(url) ? url.href : "";
  if (text === "")
    refuse(field, `${field} must be an address (a string or a URL), not ${given(url)}`);
  const isPath = !/^[a-z][a-z0-9+.-]+:/i.test(text) && !WELL_KNOWN.test(text);
  const file = isPath ? addressOfPath(text) : undefined;
  if (file) return file;
  if (/^[a-z]:[\\/]/i.test(text)) {
    refuse(
      field,
      `${field} is the path ${JSON.stringify(text)}, which a page cannot read: ` +
        "serve the folder over HTTP, and give that address",
    );
  }
  const whole = WELL_KNOWN.test(text) ? `https://${text}` : text;
  const base = baseOfPage();
  let found: URL;
  try {
    found = new URL(whole, base);
  } catch {
    const why =
      base === undefined && !/^[a-z][a-z0-9+.-]*:/i.test(text)
        ? "it is relative, and there is no page here to which it could be"
        : "it is no URL";
    refuse(
      field,
      `${field} cannot be ${JSON.stringify(text)}: ${why}; ` +
        "give a whole address, such as https://host/model/",
    );
  }
  if (found.username || found.password)
    refuse(
      field,
      `${field} holds a user's name or password, with which browsers fetch nothing: ` +
        `${found.host} must be asked without`,
    );
  found.hash = "";
  return found;
}

/**
 * What addresses are relative to. A worker made from a Blob has a base that nothing can be relative
 * to.
 */
function baseOfPage(): string | undefined {
  const base = typeof document === "undefined" ? pageLocation()?.href : document.baseURI;
  return base?.startsWith("blob:") || base?.startsWith("about:") ? undefined : base;
}

/** Where this script runs. Some runtimes have no place, and one throws when it is asked for it. */
export function pageLocation(): Location | undefined {
  try {
    return globalThis.location;
  } catch {
    return undefined;
  }
}

/** Whether a value has the form of an address. */
export function isAddress(value: unknown): value is string | URL {
  return typeof value === "string" || isUrl(value);
}

/** A URL may come from another realm, such as a frame. */
function isUrl(value: unknown): value is URL {
  return value instanceof URL || Object.prototype.toString.call(value) === "[object URL]";
}

function refuse(field: string, message: string): never {
  throw new InvalidRequestError(message, { field });
}

/** What was given, in a few words, for "must be …, not …". */
export function given(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : JSON.stringify(value);
  if (
    value === null ||
    value === undefined ||
    typeof value === "number" ||
    typeof value === "boolean"
  )
    return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const { name } = (value.constructor ?? Object) as { name?: string };
  return name && name !== "Object" ? `an object of the class ${name}` : "an object";
}

/** Repositories of Hugging Face and its mirrors: the repository, and what follows it. */
const REPOSITORY =
  /^(\/(?:(?:datasets|spaces)\/)?[^/]+\/[^/]+)(?:\/(?:tree|blob|raw|resolve)\/([^/]+)(\/.*)?)?\/?$/;

/**
 * The folder that an address means: files of a package mean the folder that they are in, pages of
 * repositories the files that they show.
 */
function folderOf(given: URL): string {
  const url = new URL(given);
  if (!url.pathname.startsWith("/"))
    refuse(
      "model",
      `model must be the address of a folder, which ${url.protocol} addresses cannot be`,
    );
  const last = url.pathname.split("/").at(-1)!;
  if (/\.(gguf|ggml|safetensors|onnx|pth?|ckpt)$|^pytorch_model.*\.bin$/i.test(last)) {
    const what = "Tegula loads the folder that `tegula convert` makes of a Hugging Face checkpoint";
    refuse(
      "model",
      `model is ${url.href}, a file of weights in another format: ${what}; ` +
        "give the address of such a folder",
    );
  }
  if (/\.wasm$/i.test(last) && last !== LIBRARY) {
    refuse(
      "model",
      `model is ${url.href}, a WebAssembly module: model must be the folder of the weights; ` +
        "a library that is not in it is named by the option library",
    );
  }
  // A file of a package, or a page: its folder is meant.
  if (/\.(json|jinja|html?|wasm)$|^params_shard_\d+\.bin$/i.test(last))
    url.pathname = url.pathname.slice(0, -last.length);
  if (/^(www\.)?github\.com$/.test(url.hostname)) return ofGitHub(url);
  if (/^(www\.)?hf\.co$|^www\.huggingface\.co$/.test(url.hostname)) url.hostname = "huggingface.co";
  if (url.hostname === "huggingface.co" || url.hostname === "hf-mirror.com") {
    const [, repository, revision = "main", path = ""] = REPOSITORY.exec(url.pathname) ?? [];
    if (repository) url.pathname = `${repository}/resolve/${revision}${path}`;
    else if (!url.pathname.includes("/resolve/"))
      url.pathname += `${url.pathname.endsWith("/") ? "" : "/"}resolve/main`;
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
}

/** github.com shows files to people only; programs get them from another host. */
function ofGitHub(url: URL): string {
  const [, owner, repository, view, revision = "HEAD", ...path] = url.pathname.split("/");
  if (!owner || !repository || (view && !/^(tree|blob|raw)$/.test(view))) {
    refuse(
      "model",
      `model is ${url.href}, which is no folder of a repository; ` +
        "open the folder there, and give its address",
    );
  }
  url.hostname = "raw.githubusercontent.com";
  url.pathname =
    [owner, repository, revision, ...path].filter((part) => part !== "").join("/") + "/";
  return url.href;
}

/** A file in a folder. A query of the folder, such as a signature, goes for each file. */
export function fileAt(folder: string, name: string): string {
  const url = new URL(folder);
  const { search } = url;
  const path = name
    .split("/")
    .filter((part) => part !== "")
    .map(encodeURIComponent)
    .join("/");
  const found = new URL(`./${path}`, url);
  found.search = search;
  return found.href;
}

/** A file's name, for people. */
export function nameOf(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1)!;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/**
 * Parameters of queries that say who may read and until when, as hosts of files use them. They
 * never say which file.
 */
const SIGNATURE = new RegExp(
  [
    // Amazon, Google, Alibaba, Huawei, Volcengine, Baidu, Tencent; CloudFront; Akamai.
    "x-(amz|goog|oss|obs|tos|bce)-.*|x-id|x-cos-security-token|security-token",
    "(aws|oss|)accesskeyid|googleaccessid|key-pair-id|policy|hdn(ts|ea|tl)",
    "q-(sign-algorithm|ak|sign-time|key-time|header-list|url-param-list|signature)",
    // What the answer shall be called, and everyone else's words.
    "response-(content|cache|expires).*|download|sig|sign|signature|hmac",
    "token|access_token|auth|auth_key|exp|expires|expiry|expiration",
  ]
    .join("|")
    .replace(/^/, "^(")
    .replace(/$/, ")$"),
  "i",
);

/** Parameters that are such only beside a signature: those of Azure, and times. */
const BESIDE_SIGNATURE =
  /^(s[vsrpiet]|srt|spr|sip|sdd|sk(oid|tid|t|e|s|v)|rsc[cdelt]|ts|timestamp|nonce|iat|nbf|kid)$/i;

/**
 * The key of a file in the cache: its address without what changes from visit to visit. Signatures
 * are left out, by the names that hosts use for them; any other parameter may tell one model from
 * another, and stays. A name that is missing here costs a download; one too many would give people
 * another model than they asked for.
 */
export function cacheKey(url: string): string {
  const key = new URL(url);
  key.hash = "";
  if (key.search === "") key.search = "";
  const names = [...new Set(key.searchParams.keys())];
  const signed = names.some((name) => SIGNATURE.test(name) && !/^download$/i.test(name));
  const dropped = names.filter(
    (name) => SIGNATURE.test(name) || (signed && BESIDE_SIGNATURE.test(name)),
  );
  // Untouched queries are not written anew, which could change how they are spelt.
  for (const name of dropped) key.searchParams.delete(name);
  return key.href;
}
