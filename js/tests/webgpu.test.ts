/** What the package says where there is no WebGPU: above all, on Linux, the flag. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkWebGPU } from "../wasm/webgpu.js";

const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15";

/**
 * What is advised in a browser that has no WebGPU, or has it without an adapter. Each file of tests
 * has a process, and so globals, of its own.
 */
async function advice(userAgent: string, gpu?: object): Promise<string> {
  Object.defineProperty(globalThis, "isSecureContext", { value: true, configurable: true });
  Object.defineProperty(globalThis, "navigator", { value: { userAgent, gpu }, configurable: true });
  const status = await checkWebGPU();
  assert.equal(status.available, false);
  return status.available ? "" : status.advice;
}

const noAdapter = { requestAdapter: () => Promise.resolve(null) };
const failing = { requestAdapter: () => Promise.reject(new Error("no")) };

test("on Linux Chrome's flag is named, whether or not there is navigator.gpu", async () => {
  for (const gpu of [undefined, noAdapter, failing]) {
    const text = await advice(CHROME, gpu);
    assert.match(text, /on Linux[^.]*--enable-unsafe-webgpu/);
    assert.match(text, /chrome:\/\/flags\/#enable-unsafe-webgpu/);
  }
});

test("on Linux Firefox's preference is named, whether or not there is navigator.gpu", async () => {
  for (const gpu of [undefined, noAdapter])
    assert.match(await advice(FIREFOX, gpu), /on Linux[^.]*dom\.webgpu\.enabled in about:config/);
});

test("other browsers hear nothing of flags that they do not have", async () => {
  for (const gpu of [undefined, noAdapter])
    assert.doesNotMatch(await advice(SAFARI, gpu), /chrome:|about:/);
});
