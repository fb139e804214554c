/** Files by path, in Node and Deno: makes addresses of paths, and reads `file:` addresses where `fetch` does not. */

/** As `fetch`. A `file:` address gives a response with the file, or one of status 404. */
export async function read(url: string, init: RequestInit = {}): Promise<Response> {
  if (!url.startsWith("file:")) return fetch(url, init);
  const fs = fileSystem();
  if (!fs) return fetch(url, init);
  init.signal?.throwIfAborted();
  const path = new URL(url);
  try {
    // A Blob is read from the disk as it is needed.
    return new Response(await fs.openAsBlob(path));
  } catch (error) {
    return new Response(null, fs.existsSync(path) ? { status: 403, statusText: String(error) } : { status: 404 });
  }
}

/** The address of a path in the file system, which may be relative; nothing where scripts cannot read files. */
export function addressOfPath(path: string): URL | undefined {
  // Where there is a page, what looks like a path is an address relative to that.
  if (typeof location !== "undefined") return undefined;
  const url = builtin<typeof import("node:url")>("node:url");
  return url?.pathToFileURL(path);
}

/** Node's module `fs`, where it is whole. Deno's is not; its `fetch` reads files itself. */
function fileSystem(): typeof import("node:fs") | undefined {
  const fs = builtin<typeof import("node:fs")>("node:fs");
  return typeof fs?.openAsBlob === "function" ? fs : undefined;
}

/** A module of Node. It is asked for at run time, so that bundlers for browsers find no import of it. */
function builtin<Module>(name: string): Module | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as Module | undefined;
}
