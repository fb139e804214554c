/** The demo with the keyboard alone, on a fake engine: where Tab leads, and what Esc ends. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, ready, send } from "./demo-page.mjs";
import { waiting } from "./demo-shown.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

async function visit(begins = {}) {
  const context = await fakeContext(browser, { answers: { one: "first answer" }, ...begins });
  return { context, page: await open(context, site.url) };
}

/** What has the focus. */
const focused = (page) =>
  page.evaluate(
    () =>
      document.activeElement.id ||
      document.activeElement.getAttribute("aria-label") ||
      document.activeElement.textContent.trim(),
  );

test("a conversation with the keyboard alone", async () => {
  const { context, page } = await visit({ cached: false, loads: false });
  await page.waitForFunction(() => !document.querySelector("#load").disabled);
  /** Presses Tab until that has the focus. */
  const tabTo = async (what, back = false) => {
    for (let press = 0; press < 40; press += 1) {
      await page.keyboard.press(back ? "Shift+Tab" : "Tab");
      if ((await focused(page)).startsWith(what)) return;
    }
    assert.fail(`Tab does not reach ${what}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the conversation");
  await tabTo("model");
  await tabTo("load");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => fake.load);
  assert.equal(await focused(page), "cancel");
  await page.evaluate(() => fake.load.done());
  await ready(page);
  assert.equal(await focused(page), "prompt");
  // A suggestion, which vanishes when it is pressed.
  await tabTo("Who are you?", true);
  await page.keyboard.press("Enter");
  await waiting(page);
  assert.equal(await focused(page), "prompt");
  await fake(page, "say", "I am\n\n```\ncode\n```\n\nand so on");
  await page.keyboard.press("Escape");
  await answered(page);
  assert.equal(await focused(page), "prompt");
  await page.keyboard.type("one");
  await page.keyboard.press("Enter");
  await answered(page);
  assert.equal(await page.locator(".answer .body").last().innerText(), "first answer");
  // With the buttons, which replace each other.
  await page.keyboard.type("slow");
  await tabTo("send");
  await page.keyboard.press("Enter");
  await waiting(page);
  assert.equal(await focused(page), "stop");
  await page.keyboard.press("Enter");
  await answered(page);
  assert.equal(await focused(page), "prompt");
  await tabTo("Copy answer", true);
  await tabTo("Copy code", true);
  await tabTo("GPU: ", true);
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#gpu-facts").isVisible());
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#gpu-facts").isVisible(), false);
  assert.match(await focused(page), /^GPU: /);
  await tabTo("Chats", true);
  await page.keyboard.press("Enter");
  await tabTo("Delete “Who are you?”");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector(".turn"));
  assert.ok(await page.evaluate(() => document.activeElement !== document.body));
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "Chats");
  await tabTo("Undo: The conversation was deleted.");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelectorAll(".turn.user").length === 3);
  assert.equal(await focused(page), "prompt");
  await tabTo("new-chat", true);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector(".turn"));
  assert.equal(await focused(page), "prompt");
  await tabTo("Undo: This is a new chat.", true);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".turn.user").length === 3);
  assert.equal(await focused(page), "prompt");
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("Esc closes a panel first, and stops the answer only then", async () => {
  const { context, page } = await visit();
  await send(page, "slow");
  await waiting(page);
  await page.locator("#gpu summary").click();
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#gpu summary").evaluate((one) => one === document.activeElement));
  assert.equal(await page.evaluate(() => fake.open.length), 1, "the answer goes on");
  await page.keyboard.press("Escape");
  await answered(page);
  assert.ok(
    await page.locator("#gpu summary").evaluate((one) => one === document.activeElement),
    "who is elsewhere stays there",
  );
  await context.close();
});
