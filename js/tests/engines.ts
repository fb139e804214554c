/** Engines over a fake runtime, in this thread and through a port: tests of requests run with both. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import type { Backend } from "../api/backend.js";
import { Engine } from "../engine/engine.js";
import { Session } from "../engine/session.js";
import { WorkerBackend } from "../worker/client.js";
import { EngineHandler } from "../worker/handler.js";
import type { Port } from "../worker/protocol.js";
import { FakeServer } from "./fake-server.js";
import { FakeWasm, type FakeEngine } from "./fakes.js";

const MODEL = "https://models.test/pkg/";

/** A request, and the responses that Rust builds for it. */
export interface Golden {
  name: string;
  api: "chat" | "completion";
  request: { stream?: boolean };
  responses: string[];
}

/** All that src/api/response/tests.rs has. */
export const GOLDEN = JSON.parse(readFileSync(join(process.env["REPOSITORY"]!, "tests", "golden", "responses.json"), "utf8")) as Golden[];

/** An engine, and what it runs on. */
export interface Started {
  engine: Engine;
  fake: FakeEngine;
  wasm: FakeWasm;
}

const channels: MessageChannel[] = [];
after(() => channels.forEach(({ port1 }) => port1.close()));

function throughPort(session: Session): Backend {
  const channel = new MessageChannel();
  channels.push(channel);
  new EngineHandler(channel.port2 as unknown as Port, session);
  channel.port1.start();
  channel.port2.start();
  return new WorkerBackend(channel.port1 as unknown as Port);
}

async function start(through: (session: Session) => Backend): Promise<Started> {
  const server = new FakeServer();
  server.install();
  server.publish("llama", [new Uint8Array(3)]);
  const wasm = new FakeWasm();
  const backend = through(new Session(() => Promise.resolve(wasm), () => Promise.resolve()));
  const files = { model: MODEL, library: `${MODEL}library.wasm`, name: "pkg" };
  const loaded = await backend.load({ ...files, cache: "none", baseline: false, kernels: "measure", precision: "f32" }, {});
  return { engine: new Engine(backend, loaded), fake: wasm.engine!, wasm };
}

/** By where the runtime is: what starts an engine. */
export const PLACES: Record<string, () => Promise<Started>> = {
  "in this thread": () => start((session) => session),
  "through a port": () => start(throughPort),
};

/** Waits for something to happen. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.fail("it never happened");
}
