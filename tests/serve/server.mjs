/** Starts `tegula serve` for tests, on a port of its own, and ends it with them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const program = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug", "tegula");

/** The model of the tests. */
export const MODEL = "tegula-tiny";

/** Starts a server. `base` is its address, `pid` its process; `stop` ends it and gives the exit code. */
export async function serve(...args) {
  const child = spawn(program, ["serve", join(root, "models", MODEL), "--port", "0", ...args], { stdio: ["ignore", "inherit", "pipe"] });
  const ended = once(child, "exit");
  const said = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const base = /^listening on (http:.*)\/v1$/.exec(line)?.[1];
    if (base) {
      child.stderr.resume();
      return { base, pid: child.pid, stop: () => stop(child, ended) };
    }
  }
  const [code] = await ended;
  throw new Error(`the server ended with ${code}: ${said.join("\n")}`);
}

/** Runs a server that should not start, and gives its exit code and what it said. */
export async function refused(...args) {
  const child = spawn(program, ["serve", join(root, "models", MODEL), "--port", "0", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  let said = "";
  for await (const part of child.stderr) said += part;
  const [code] = await ended;
  return { code, said };
}

/** The status of a request with headers that fetch does not let set. */
export async function raw(base, path, headers) {
  const [response] = await once(request(`${base}${path}`, { headers }).end(), "response");
  response.resume();
  return response.statusCode;
}

async function stop(child, ended) {
  child.kill("SIGTERM");
  const [code] = await ended;
  return code;
}
