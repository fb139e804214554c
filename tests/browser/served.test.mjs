/**
 * The page of `tegula serve` in headless Chromium, with the embedded model on the server: without a
 * key, and with one, from another machine's view.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MODEL, serve } from "../serve/server.mjs";
import { launch } from "./chromium.mjs";
import { ROOT } from "./packages.mjs";

const AXE = readFileSync(join(ROOT, "node_modules", "axe-core", "axe.min.js"), "utf8");
/** Where to leave pictures of the page, for people; none are taken without. */
const pictures = process.env.PICTURES;

let browser;
let open;
let keyed;

before(async () => {
  [browser, open, keyed] = await Promise.all([
    // A name that is not this machine's: pages from there are no secure context.
    launch({ webgpu: false, args: ["--host-resolver-rules=MAP tegula.test 127.0.0.1"] }),
    serve(),
    serve("--api-key", "secret"),
  ]);
});

after(() => Promise.all([browser?.close(), open?.stop(), keyed?.stop()]));

/** A page, with what goes wrong in it under `errors`, and what it loads from elsewhere under `foreign`. */
async function visit(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  // The likeliest answer, and not one by chance.
  await context.route("**/chat/completions", (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), temperature: 0 }) }));
  const page = await context.newPage();
  Object.assign(page, { errors: [], foreign: [] });
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
  page.on("request", (request) => new URL(request.url()).origin !== new URL(url).origin && page.foreign.push(request.url()));
  await page.goto(url);
  return page;
}

const box = (page) => page.getByRole("textbox", { name: "Message", exact: true });
const answers = (page) => page.locator(".turn.assistant .body");

async function ask(page, text) {
  await box(page).fill(text);
  await box(page).press("Enter");
}

/** Asks what has one right answer, and waits for it. */
async function calculate(page) {
  const before = await answers(page).count();
  await ask(page, "What is 7 x 12?");
  await answers(page).nth(before).waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  assert.match(await answers(page).last().innerText(), /\b84\b/);
}

/** Fails with what axe-core calls serious or critical, and with what is wider than the screen. */
async function check(page, state) {
  const { width } = page.viewportSize();
  for (const colorScheme of pictures ? ["light", "dark"] : []) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${pictures}/served-${state}-${width}-${colorScheme}.png` });
  }
  await page.evaluate(AXE);
  const grave = await page.evaluate(async () =>
    (await axe.run(document, { resultTypes: ["violations"] })).violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => [id, nodes.map((node) => node.html)]),
  );
  assert.deepEqual(grave, [], state);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, state);
}

test("a model that does not chat continues texts", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const data = [{ id: MODEL, object: "model", created: 1, owned_by: "tegula", capabilities: { completion_chat: false } }];
  await page.route("**/v1/models", (route) => route.fulfill({ json: { object: "list", data } }));
  await page.goto(`${open.base}/`);
  const text = page.getByRole("textbox", { name: "A text to continue" });
  await text.fill("Once upon");
  await text.press("Enter");
  await page.waitForFunction(() => (document.querySelector(".continuation .body")?.textContent.length ?? 0) > 20);
  await page.keyboard.press("Escape");
  await context.close();
});

test("the server's page asks the server, stops it, and says what went wrong", async () => {
  const page = await visit(`${open.base}/`);
  await box(page).waitFor();
  assert.deepEqual(await page.locator("#model option").allInnerTexts(), [MODEL]);
  await check(page, "empty");
  await calculate(page);
  assert.match(await page.locator("#context").innerText(), /^\d+ of 1,024 tokens/);
  assert.match(await page.locator("#stats").innerText(), /tokens\/s · \d+ tokens/);
  await check(page, "answer");

  // Routers find the turns of a conversation by this header.
  const sessions = [];
  page.on("request", (request) => request.url().endsWith("/chat/completions") && sessions.push(request.headers()["x-session-id"]));
  await calculate(page);
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await calculate(page);
  await calculate(page);
  assert.match(sessions.join(), /^([0-9a-f]{32}),(?!\1)([0-9a-f]{32}),\2$/);

  // Of what comes, the server computes no more than is read.
  await ask(page, "Write a short story about Karin.");
  await page.waitForFunction(() => (document.querySelectorAll(".turn.assistant .body")[2]?.textContent.length ?? 0) > 10);
  await page.keyboard.press("Escape");
  await page.getByRole("log").getByText("Stopped.").waitFor();
  const running = async () => (await (await fetch(`${open.base}/health`)).json()).running;
  for (let left = 50; (await running()) > 0; left -= 1) {
    assert.ok(left > 0, "the request has ended on the server");
    await new Promise((done) => setTimeout(done, 100));
  }

  await ask(page, "a ".repeat(2000));
  await page.getByRole("log").getByText(/are [\d,]+ tokens long\. This model can take in 1,024/).waitFor();
  await page.locator("#server summary").click();
  await page.getByText("0 of 256 requests").waitFor();
  await check(page, "trouble");

  await page.reload();
  await box(page).waitFor();
  assert.equal(await page.locator(".turn.user").count(), 4, "the conversation is kept");
  assert.deepEqual(page.foreign, []);
  assert.deepEqual(page.errors.filter((text) => !/status of 400/.test(text)), []);
  // Whoever reads goes on reading when the server has ended.
  await open.stop();
  await ask(page, "Are you there?");
  await page.getByRole("log").getByText("The server cannot be reached. It may have ended.").waitFor();
  await page.context().close();
});

test("a key is asked for, kept for the tab, and forgotten", async () => {
  // From another machine, on a phone.
  const url = keyed.base.replace("127.0.0.1", "tegula.test");
  const page = await visit(`${url}/`, { viewport: { width: 390, height: 844 } });
  assert.equal(await page.evaluate(() => isSecureContext), false);
  const key = page.getByLabel("This server asks for an API key");
  const connect = page.getByRole("button", { name: "Connect" });
  await key.fill("wrong");
  await connect.click();
  await page.getByText("The key was refused").waitFor();
  await check(page, "key");
  await key.fill("secret");
  await connect.click();
  await calculate(page);
  await check(page, "answer");

  await page.reload();
  await box(page).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${url}/`);
  await other.getByLabel("This server asks for an API key").waitFor();
  await other.close();
  await page.locator("#server summary").click();
  await check(page, "panel");
  await page.getByRole("button", { name: "Forget the key" }).click();
  await key.waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage }).includes("secret")), false);
  assert.deepEqual(page.errors.filter((text) => !/status of 401/.test(text)), []);
  await page.context().close();
});
