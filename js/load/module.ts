/** Fetches and compiles the runtime's WebAssembly module. If a host or a policy forbids that, the error says what to do. */

import { flawOfHead } from "./content.js";
import { ContentSecurityPolicyError, InternalError, NetworkError } from "../api/errors.js";
import { read } from "./files.js";

/** Where a page's bundler or host must have put the module, for messages. */
const ADVICE = "Serve the package's file tegula.wasm, and give its address to createEngine as the option `wasm`";

/** The file beside this script. Bundlers look for exactly this expression, and copy the file to where it then points. */
function besideThisScript(): string {
  try {
    return new URL("./tegula.wasm", import.meta.url).href;
  } catch {
    // Bundles that are no modules have no address of their own.
    throw new NetworkError(`the bundle does not say where tegula.wasm is. ${ADVICE}`, { url: "tegula.wasm" });
  }
}

/**
 * The module at an address, compiled; by default the one beside this script.
 *
 * Throws {@link NetworkError} where it is not there, {@link ContentSecurityPolicyError} where the page forbids WebAssembly.
 */
export async function compileModule(address: string = besideThisScript()): Promise<WebAssembly.Module> {
  let response: Response;
  try {
    response = await read(address);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    const message = `${address} could not be fetched (${detail}); check the connection, CORS, and connect-src of the page's Content-Security-Policy. ${ADVICE}`;
    throw new NetworkError(message, { url: address }, { cause });
  }
  const { status } = response;
  if (!response.ok) throw new NetworkError(`${address} answered with status ${status}. ${ADVICE}`, { url: address, status });
  try {
    // Only with this type does a browser compile while it downloads.
    const streams = response.headers.get("content-type")?.startsWith("application/wasm") ?? false;
    if (streams) return await WebAssembly.compileStreaming(response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const flaw = flawOfHead(bytes.subarray(0, 4096), response.headers.get("content-type") ?? "", "library");
    if (flaw) throw new NetworkError(`${address} answers with ${flaw.what}. ${ADVICE}`, { url: address, status });
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw explain(error, address);
  }
}

function explain(error: unknown, address: string): Error {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof NetworkError) return error;
  // Each browser has words of its own; all of them name the policy or its keyword.
  if (/unsafe-eval|content security policy|\bCSP\b/i.test(text)) {
    const fields = { directive: "script-src", allow: "'wasm-unsafe-eval'" };
    const message = "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src";
    return new ContentSecurityPolicyError(message, fields, { cause: error });
  }
  if (error instanceof WebAssembly.CompileError) {
    return new NetworkError(`${address} is not the package's tegula.wasm, or it is damaged (${text}). ${ADVICE}`, { url: address }, { cause: error });
  }
  return new InternalError(`the runtime could not be compiled: ${text}`, {}, { cause: error });
}
