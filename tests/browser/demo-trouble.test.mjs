/**
 * What the demo does where something goes wrong, on a fake engine: messages that fail come back,
 * the context fills up, the device is lost.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, ready, requests, send } from "./demo-page.mjs";
import { said, waiting } from "./demo-shown.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

async function visit(begins = {}) {
  const context = await fakeContext(browser, begins);
  return { context, page: await open(context, site.url) };
}

const contents = async (page) => (await requests(page)).at(-1).map(({ content }) => content);

/** Sends a message that fails. */
async function failing(page, text, ...failure) {
  await send(page, text);
  await waiting(page);
  await fake(page, "fail", ...failure);
  await answered(page);
}

test("a message that fails comes back to the box, and sending it again does not say it twice", async () => {
  const { context, page } = await visit();
  const box = await ready(page);
  await failing(page, "hello there", "InvalidRequestError", { field: "messages[0]" });
  assert.equal(await box.inputValue(), "hello there");
  const alert = page.getByRole("log").locator(".problem");
  assert.match(
    await alert.locator("p").first().innerText(),
    /^The model cannot answer this message as it is\.$/,
  );
  await page.waitForFunction(() =>
    document.querySelector("#status").textContent.startsWith("The message failed."),
  );
  await page.evaluate(() => (fake.answers["hello there"] = "hi"));
  await box.press("Enter");
  await answered(page);
  assert.deepEqual(await said(page), ["hello there", "hi"]);
  assert.equal(await alert.count(), 0);
  assert.equal(await box.inputValue(), "");
  await context.close();
});

test("what was typed meanwhile stays, and the failed message can be tried again where it stands", async () => {
  const { context, page } = await visit();
  const box = await ready(page);
  await send(page, "first try");
  await waiting(page);
  await box.fill("something new");
  await fake(page, "fail", "InternalError");
  await answered(page);
  assert.equal(await box.inputValue(), "something new");
  assert.match(await page.locator(".turn.problem").innerText(), /Something failed inside Tegula/);
  // It is there after a reload, too.
  await page.reload();
  await ready(page);
  assert.match(await page.locator(".turn.problem").innerText(), /Something failed inside Tegula/);
  await page.evaluate(() => (fake.answers["first try"] = "worked"));
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page);
  assert.deepEqual(await said(page), ["first try", "worked"]);
  assert.equal(await box.inputValue(), "something new");
  await context.close();
});

test("what had come of an answer stays when it fails", async () => {
  const { context, page } = await visit();
  await send(page, "tell me");
  await waiting(page);
  await fake(page, "say", "half of it");
  await fake(page, "fail", "DeviceError");
  await answered(page);
  assert.deepEqual(await said(page), ["tell me", "half of it"]);
  assert.equal(await page.getByRole("textbox").inputValue(), "tell me");
  await context.close();
});

test("a conversation that is too long says so for people, and drops its oldest turns where one wants it", async () => {
  const { context, page } = await visit({
    context: 1024,
    answers: { one: "x".repeat(400), two: "y".repeat(400), three: "z".repeat(100) },
  });
  for (const text of ["one", "two", "three"]) {
    await send(page, text);
    await answered(page);
  }
  await failing(
    page,
    "four",
    "ContextWindowSizeExceededError",
    { prompt: 1100, context: 1024 },
    "compile with a larger --context-window-size",
  );
  const problem = page.locator(".turn.problem");
  const text = await problem.innerText();
  assert.match(text, /1,100 tokens long\. This model can take in 1,024\./);
  assert.doesNotMatch(text, /--|context-window|compile/);
  assert.equal(await page.getByRole("textbox").inputValue(), "four");
  await page.evaluate(() => (fake.answers.four = "fits now"));
  await page.getByRole("button", { name: "Drop the oldest turns and send again" }).click();
  await answered(page);
  assert.deepEqual(await contents(page), [
    "two",
    "y".repeat(400),
    "three",
    "z".repeat(100),
    "four",
  ]);
  assert.equal(await page.getByRole("textbox").inputValue(), "");
  assert.equal((await said(page)).length, 8, "all of it is still there to read");
  assert.equal(await page.locator(".divider").count(), 1);
  // The model does not hear of them again after a reload either.
  await page.reload();
  await send(page, "two");
  await answered(page);
  assert.equal((await contents(page))[0], "two");
  assert.equal(await page.locator(".divider").count(), 1);
  await context.close();
});

test("a message that is too long by itself says that it has to be shorter", async () => {
  const { context, page } = await visit();
  await failing(page, "very long", "ContextWindowSizeExceededError", {
    prompt: 3000,
    context: 1024,
  });
  assert.match(
    await page.locator(".turn.problem").innerText(),
    /3,000 tokens[^]*1,024[^]*shorten the message/,
  );
  assert.equal(await page.getByRole("button", { name: /Drop/ }).count(), 0);
  assert.equal(await page.getByRole("textbox").inputValue(), "very long");
  await context.close();
});

test("the context in use is counted, and warns when it fills up", async () => {
  const { context, page } = await visit();
  const shown = page.locator("#context");
  const ask = async (total, reason = "stop") => {
    await send(page, "go on");
    await waiting(page);
    await fake(page, "say", "well");
    await fake(page, "end", reason, total);
    await answered(page);
  };
  await ask(412);
  assert.equal(await shown.innerText(), "412 of 1,024 tokens");
  await page.reload();
  await ready(page);
  assert.equal(await shown.innerText(), "412 of 1,024 tokens");
  await ask(900);
  assert.equal(await shown.innerText(), "900 of 1,024 tokens – nearly full");
  await ask(1024, "length");
  assert.equal(await shown.innerText(), "1,024 of 1,024 tokens – full");
  assert.match(await page.locator(".note").innerText(), /as long as this model can take in/);
  await page.evaluate(() => (fake.answers["go on"] = "the whole answer"));
  await page.getByRole("button", { name: "Drop the oldest turns and send again" }).click();
  await answered(page);
  assert.equal(await page.locator(".turn.assistant .body").last().innerText(), "the whole answer");
  const last = page.locator(".turn.assistant").last();
  assert.equal(await last.getByRole("button", { name: "Copy answer" }).count(), 1);
  assert.equal(await last.locator(".note").count(), 0);
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  assert.equal(await shown.innerText(), "");
  await context.close();
});

test("a lost device offers to load the model again; the conversation and the draft are there", async () => {
  const { context, page } = await visit({ answers: { one: "first answer" } });
  await send(page, "one");
  await answered(page);
  await failing(page, "two", "DeviceLostError");
  assert.match(await page.locator(".turn.problem").innerText(), /The GPU went away/);
  assert.equal(
    await page.getByRole("button", { name: "Load model" }).count(),
    0,
    "one button for it is enough",
  );
  await page.getByRole("button", { name: "Reload the model" }).click();
  await page.waitForFunction(() => fake.engines === 2);
  const box = await ready(page);
  assert.equal(await box.inputValue(), "two");
  assert.ok(await box.evaluate((one) => one === document.activeElement));
  assert.deepEqual(await said(page), ["one", "first answer", "two"]);
  await page.evaluate(() => (fake.answers.two = "second answer"));
  await box.press("Enter");
  await answered(page);
  assert.deepEqual(await contents(page), ["one", "first answer", "two"]);
  assert.deepEqual(await said(page), ["one", "first answer", "two", "second answer"]);
  await context.close();
});

test("a model that was not trained to chat continues texts", async () => {
  const { context, page } = await visit({ chat: false, answers: { "Once upon": " a time" } });
  await page.getByText(/begin a text, and it continues it/).waitFor();
  await page.getByRole("textbox", { name: "A text to continue" }).fill("Once upon");
  await page.keyboard.press("Enter");
  await answered(page);
  assert.deepEqual(await requests(page), ["Once upon"]);
  assert.equal(await page.locator(".turn .body").innerText(), "Once upon a time");
  await page.reload();
  await ready(page);
  assert.equal(await page.locator(".turn .body").innerText(), "Once upon a time");
  await context.close();
});
