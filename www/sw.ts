/**
 * The demo's service worker: after the first visit the page works without the network. It keeps the
 * demo's own files, which the build lists with their hashes, and models.json; models are kept by
 * the package, and pass.
 *
 * The page comes from the network where there is one, so that a new build is there at the next
 * load. All else of a build lies in a folder of its own, which the page names: a page of one build
 * never gets a file of another. A new worker takes over when no page of the old one is open.
 */

/** Files of the build: path, and SHA-256 in hex. Filled in by the build. */
declare const FILES: Record<string, string>;
/** The hash of all of them. */
declare const VERSION: string;

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/** What is used of the scope; the library of types for workers does not go with that for pages. */
interface Scope {
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
}

const worker = self as unknown as Scope;
/** By path: an origin may hold several demos, and none may delete another's files. */
const PREFIX = `tegula-demo ${new URL(worker.registration.scope).pathname} `;
const CACHE = PREFIX + VERSION;
const MODELS = "models.json";
/** How long the network may take before the kept page is shown, in milliseconds. */
const PATIENCE = 4000;

const address = (path: string): string => new URL(path, worker.registration.scope).href;
const kept = new Set(Object.keys(FILES).map(address));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { origin, pathname } = new URL(request.url);
  const url = origin + pathname;
  const isPage = url === address("") || url === address("index.html");
  if (isPage) event.respondWith(freshest(request, address("index.html"), false));
  else if (url === address(MODELS)) event.respondWith(freshest(request, url, true));
  else if (kept.has(url)) event.respondWith(fromCache(request, url));
});

/**
 * All files or none: each must be the one that the build made, so that a half-copied site is not
 * kept.
 */
async function install(): Promise<void> {
  const files = await Promise.all(
    Object.entries(FILES).map(async ([path, hash]) => {
      const response = await fetch(address(path), { cache: "no-cache" });
      if (!response.ok) throw new Error(`${path}: status ${response.status}`);
      const bytes = await response.arrayBuffer();
      if ((await sha256(bytes)) !== hash) throw new Error(`${path} is of another build`);
      // The bytes are unpacked by now; headers that say how they were packed would be wrong.
      const type = response.headers.get("Content-Type") ?? "application/octet-stream";
      return [address(path), new Response(bytes, { headers: { "Content-Type": type } })] as const;
    }),
  );
  const cache = await caches.open(CACHE);
  for (const [url, response] of files) await cache.put(url, response);
  // Not of the build: without it the page says that it cannot read the list.
  await fetch(address(MODELS), { cache: "no-cache" }).then(
    (list) => (list.ok ? cache.put(address(MODELS), list) : undefined),
    () => undefined,
  );
}

async function activate(): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
}

async function fromCache(request: Request, url: string): Promise<Response> {
  return (await (await caches.open(CACHE)).match(url)) ?? fetch(request);
}

/** From the network where it answers in time, else what is kept. */
async function freshest(request: Request, url: string, keep: boolean): Promise<Response> {
  const cache = await caches.open(CACHE);
  const network = fetch(request.url, { cache: "no-cache" }).then(async (response) => {
    if (response.ok && keep) await cache.put(url, response.clone());
    // A page may not be answered with what came from elsewhere, such as `/` for `/index.html`; with
    // its text it may.
    return response.redirected ? new Response(response.body, response) : response;
  });
  const waited = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
  const first = await Promise.race([network.catch(() => undefined), waited]);
  if (first?.ok) return first;
  return (await cache.match(url)) ?? network;
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
