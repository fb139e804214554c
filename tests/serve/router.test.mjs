/**
 * LiteLLM's router in front of two servers, with the settings of docs/litellm.yaml. PYTHON is an interpreter that has LiteLLM; scripts/test
 * makes one.
 */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { it } from "node:test";
import { serve } from "./server.mjs";

const python = process.env.PYTHON ?? "python3";
// Importing it takes seconds.
const has = spawnSync(python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('litellm') is None)"]).status === 0;
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

it("two servers share requests, and one goes on when the other is killed", { skip: !has && `${python} has no package litellm` }, async () => {
  const [first, second] = await Promise.all([serve(), serve()]);
  const args = [path("router.py"), path("../../docs/litellm.yaml"), first.base, second.base, String(second.pid)];
  // Otherwise LiteLLM asks the network for what models cost.
  const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True" };
  const child = spawn(python, args, { env, stdio: ["ignore", "inherit", "pipe"], timeout: 120_000 });
  let said = "";
  child.stderr.on("data", (part) => (said += part));
  const [code] = await once(child, "close");
  await second.stop();
  assert.equal(await first.stop(), 0);
  assert.equal(code, 0, said);
});
