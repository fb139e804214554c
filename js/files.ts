/** Reading addresses: by `fetch`, and where that cannot read files (Node), from the file system. */

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

/** Node's module `fs`. It is asked for at run time, so that bundlers for browsers find no import of it. */
function fileSystem(): typeof import("node:fs") | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown; versions?: { node?: string } } };
  const fs = process?.getBuiltinModule?.("node:fs") as typeof import("node:fs") | undefined;
  return typeof fs?.openAsBlob === "function" ? fs : undefined;
}
