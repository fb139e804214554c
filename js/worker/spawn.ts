/**
 * Starts the engine's worker. A worker's script must come from the page's origin, but a module that it imports need not. So a script from
 * another origin is imported by a script of one line.
 */

import { WorkerBackend } from "./client.js";
import { ContentSecurityPolicyError, NetworkError } from "../api/errors.js";

const OPTIONS = { type: "module", name: "tegula" } as const;
const ADVICE =
  "Serve the package's file worker.js (the export tegula/worker), and give its address, or a Worker of yours, to createEngine as the option `worker`";

/** A worker with the package's own script, or with the one at `address`. */
export function spawn(address?: string): WorkerBackend {
  // Only a violation tells a policy from a script that is not there.
  const policy = watchPolicy();
  let script = address;
  try {
    script ??= isFromElsewhere() ? packageScript() : undefined;
    const worker = script === undefined ? packageWorker() : startAt(script);
    return WorkerBackend.of(worker, async () => {
      const blocked = policy();
      if (blocked) return blocked;
      const url = script ?? packageScript();
      return new NetworkError(`the worker's script at ${url} did not load${await whyNot(url)}. ${ADVICE}`, { url });
    });
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkError(`the worker could not be started (${detail}). ${ADVICE}`, { url: script ?? "worker.js" }, { cause });
  }
}

/** Spelt out, because bundlers look for exactly this expression, and put the script's address in its place. */
function packageWorker(): Worker {
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "tegula" });
}

/** This module's address. In a function, since bundlers replace expressions in which it stands beside a file's name. */
function here(): string {
  return import.meta.url;
}

/** Whether this package comes from another origin than the page. Bundlers may put a file's address here, which says nothing. */
function isFromElsewhere(): boolean {
  return /^https?:/.test(here() ?? "") && new URL(here()).origin !== location.origin;
}

/** The address of the package's worker script, wherever a bundler has put it: it is what a worker would be made from. */
function packageScript(): string {
  const scope = globalThis as { Worker: unknown };
  const original = scope.Worker;
  let address = "";
  scope.Worker = class {
    constructor(url: string | URL) {
      address = new URL(url, here()).href;
    }
  };
  try {
    packageWorker();
  } finally {
    scope.Worker = original;
  }
  return address;
}

function startAt(script: string): Worker {
  if (new URL(script).origin === location.origin) return new Worker(script, OPTIONS);
  const line = new Blob([`import ${JSON.stringify(script)};`], { type: "text/javascript" });
  const url = URL.createObjectURL(line);
  const worker = new Worker(url, OPTIONS);
  for (const event of ["message", "error"]) worker.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

/** Begins to look for violations of the page's policy; the function that it gives stops, and says whether there was one. */
function watchPolicy(): () => ContentSecurityPolicyError | undefined {
  let found: ContentSecurityPolicyError | undefined;
  const listen = (event: SecurityPolicyViolationEvent): void => {
    const { effectiveDirective: directive, blockedURI } = event;
    if (!/^(worker|child|script|default)-src/.test(directive)) return;
    const allow = blockedURI.startsWith("blob") ? "blob:" : blockedURI;
    const message = `the page's Content-Security-Policy forbids the worker's script (${blockedURI}): add ${allow} to its worker-src`;
    found = new ContentSecurityPolicyError(message, { directive: "worker-src", allow });
  };
  const target = typeof document === "undefined" ? globalThis : document;
  target.addEventListener("securitypolicyviolation", listen as EventListener);
  const stop = (): void => target.removeEventListener("securitypolicyviolation", listen as EventListener);
  setTimeout(stop, 10_000);
  return () => {
    stop();
    return found;
  };
}

/** What is at the script's address, where that explains why it did not load. */
async function whyNot(script: string): Promise<string> {
  try {
    const { ok, status, headers } = await fetch(script, { method: "HEAD" });
    const type = headers.get("content-type") ?? "no type";
    return !ok ? ` (status ${status})` : /javascript/.test(type) ? "" : ` (it came as ${type}, not as JavaScript)`;
  } catch {
    return " (it could not be fetched; another origin must allow this page by CORS)";
  }
}
