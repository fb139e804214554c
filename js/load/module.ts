/** Fetches and compiles the package's WebAssembly modules: the runtime, and the one for grammars. If a host or a policy forbids that, the error says what to do. */

import { flawOfHead } from "./content.js";
import { ContentSecurityPolicyError, InternalError, NetworkError } from "../api/errors.js";
import { read } from "./files.js";

/** A module of the package. */
export interface PackageModule {
  /** The file. */
  file: string;
  /** The option of `createEngine` that gives its address. */
  option: string;
  /** The file beside this script. Bundlers look for exactly these expressions, and copy the file to where they then point. */
  beside: () => URL;
}

export const RUNTIME: PackageModule = { file: "tegula.wasm", option: "wasm", beside: () => new URL("./tegula.wasm", import.meta.url) };
export const GRAMMAR: PackageModule = {
  file: "tegula-grammar.wasm",
  option: "grammar",
  beside: () => new URL("./tegula-grammar.wasm", import.meta.url),
};

/** Where a page's bundler or host must have put a module, for messages. */
function advice({ file, option }: PackageModule): string {
  return `Serve the package's file ${file}, and give its address to createEngine as the option \`${option}\``;
}

function besideThisScript(module: PackageModule): string {
  try {
    return module.beside().href;
  } catch {
    // Bundles that are no modules have no address of their own.
    throw new NetworkError(`the bundle does not say where ${module.file} is. ${advice(module)}`, { url: module.file });
  }
}

/**
 * A module at an address, compiled; by default the one beside this script.
 *
 * Throws {@link NetworkError} where it is not there, {@link ContentSecurityPolicyError} where the page forbids WebAssembly.
 */
export async function compileModule(module: PackageModule, address: string = besideThisScript(module)): Promise<WebAssembly.Module> {
  const help = advice(module);
  let response: Response;
  try {
    response = await read(address);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    const message = `${address} could not be fetched (${detail}); check the connection, CORS, and connect-src of the page's Content-Security-Policy. ${help}`;
    throw new NetworkError(message, { url: address }, { cause });
  }
  const { status } = response;
  if (!response.ok) throw new NetworkError(`${address} answered with status ${status}. ${help}`, { url: address, status });
  try {
    // Only with this type does a browser compile while it downloads.
    const streams = response.headers.get("content-type")?.startsWith("application/wasm") ?? false;
    if (streams) return await WebAssembly.compileStreaming(response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const flaw = flawOfHead(bytes.subarray(0, 4096), response.headers.get("content-type") ?? "", "library");
    if (flaw) throw new NetworkError(`${address} answers with ${flaw.what}. ${help}`, { url: address, status });
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw explain(error, address, module);
  }
}

function explain(error: unknown, address: string, module: PackageModule): Error {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof NetworkError) return error;
  // Each browser has words of its own; all of them name the policy or its keyword.
  if (/unsafe-eval|content security policy|\bCSP\b/i.test(text)) {
    const fields = { directive: "script-src", allow: "'wasm-unsafe-eval'" };
    const message = "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src";
    return new ContentSecurityPolicyError(message, fields, { cause: error });
  }
  if (error instanceof WebAssembly.CompileError) {
    return new NetworkError(`${address} is not the package's ${module.file}, or it is damaged (${text}). ${advice(module)}`, { url: address }, { cause: error });
  }
  return new InternalError(`${module.file} could not be compiled: ${text}`, {}, { cause: error });
}
