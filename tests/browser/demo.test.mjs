/**
 * The chat demo in headless Chromium on the real engine, as someone who uses it: with a keyboard,
 * on a desktop and on a phone. What needs no GPU to be shown is in demo-*.test.mjs, on a fake
 * engine.
 */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { SITE, makePackages } from "./packages.mjs";
import { TestServer } from "./server.mjs";

/** Where to leave pictures of the page, for people; none are taken without. */
const pictures = process.env.PICTURES;

let browser;
let folder;
let site;
let models;

before(async () => {
  folder = makePackages(1);
  [browser, site, models] = await Promise.all([
    launch(),
    TestServer.start(SITE),
    TestServer.start(folder),
  ]);
  const list = [
    { name: "Random weights", url: `${models.url}random/` },
    { name: "Nowhere", url: `${models.url}nowhere/` },
  ];
  site.damage.set("models.json", () => Buffer.from(JSON.stringify(list)));
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop(), models?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function visit(viewport, colorScheme = "light") {
  const context = await browser.newContext({ viewport, colorScheme });
  // Kernels compile slowly on a software renderer that shares its processor.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(site.url);
  const picture = async (name) =>
    pictures &&
    page.screenshot({ path: `${pictures}/${name}-${viewport.width}-${colorScheme}.png` });
  return { page, picture, errors };
}

/** Whether something is wider than the screen. */
const overflows = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

test("a model is loaded, asked and stopped; a reload finds it in the cache", async () => {
  const { page, picture, errors } = await visit({ width: 1280, height: 800 });
  await page.waitForFunction(() =>
    document.querySelector("#gpu-name").textContent.includes("swiftshader"),
  );
  await picture("welcome");
  let release;
  models.hold.set("random/params_shard_3.bin", new Promise((resolve) => (release = resolve)));
  await page.getByRole("button", { name: "Load model" }).click();
  await page.waitForFunction(() => document.querySelector("#progress-bar").value > 0.5);
  await picture("download");
  release();
  const message = page.getByRole("textbox", { name: "Message", exact: true });
  await message.waitFor();
  assert.ok(
    await message.evaluate((box) => box === document.activeElement),
    "one can write at once",
  );

  // Shift and Enter make a line, Enter sends.
  await message.fill("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".turn.user .text").innerText(), "one\ntwo");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await page.waitForFunction(
    () => (document.querySelector(".turn.assistant .body")?.textContent.length ?? 0) > 4,
  );
  await picture("answer");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Send" }).waitFor();
  assert.match(await page.locator("#context").innerText(), /^\d+ of [\d,]+ tokens/);
  assert.match(await page.locator("#stats").innerText(), /^[\d.]+ tokens\/s · \d+ tokens/);
  assert.equal(await page.getByRole("log").getAttribute("aria-busy"), "false");

  await page.locator("#gpu summary").click();
  assert.match(await page.locator("#gpu-facts").innerText(), /Largest binding\s+1,024 MiB/);
  await picture("gpu");
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));

  models.requests = [];
  await page.reload();
  await message.waitFor();
  assert.deepEqual(await page.locator(".turn").count(), 0, "the new chat is still the open one");
  const weights = models.requests.filter((path) => path.endsWith(".bin"));
  assert.deepEqual(weights, [], "nobody had to press a button, and no weights were fetched");
  assert.deepEqual(errors, []);
  await page.context().close();
});

test("a model that cannot be loaded says so, and another can be chosen", async () => {
  const { page, picture } = await visit({ width: 390, height: 844 }, "dark");
  await page.getByRole("combobox", { name: "Model" }).selectOption("Nowhere");
  await page.getByRole("button", { name: "Load model" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /could not be loaded[^]*404[^]*nowhere\/[^]*\.json/);
  await picture("problem");
  assert.equal(await overflows(page), false);
  await page.getByRole("combobox", { name: "Model" }).selectOption("Random weights");
  await page.getByRole("button", { name: "Load model" }).click();
  const message = page.getByRole("textbox", { name: "Message", exact: true });
  await message.fill("hello, from a phone");
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForFunction(
    () => (document.querySelector(".turn.assistant .body")?.textContent.length ?? 0) > 4,
  );
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Send" }).waitFor();
  await picture("answer");
  assert.equal(await overflows(page), false);
  await page.context().close();
});

test("without a GPU the page says why not, and what to do", async () => {
  const other = await launch({ webgpu: false });
  try {
    const page = await other.newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(site.url);
    await page.getByRole("alert").waitFor();
    assert.match(
      await page.getByRole("alert").innerText(),
      /There is no WebGPU here[^]*(Update|Look at|Use)/,
    );
    assert.equal(await page.getByRole("button", { name: "Load model" }).isVisible(), false);
    assert.equal(await overflows(page), false);
    if (pictures) await page.screenshot({ path: `${pictures}/no-gpu-390-light.png` });
  } finally {
    await other.close();
  }
});
