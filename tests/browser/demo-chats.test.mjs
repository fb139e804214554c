/**
 * The demo's conversations, on a fake engine: new ones, the list of earlier ones, and the ways
 * between them, which can be undone.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, send } from "./demo-page.mjs";
import { listed, said, waiting } from "./demo-shown.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

const ANSWERS = { one: "first answer", two: "second answer", three: "third answer" };

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

async function visit() {
  const context = await fakeContext(browser, { answers: ANSWERS });
  return { context, page: await open(context, site.url) };
}

test("a new chat can be undone with the keyboard, and takes the draft along; the old one is in the list", async () => {
  const { context, page } = await visit();
  await send(page, "one");
  await answered(page);
  const box = page.getByRole("textbox");
  await box.fill("half a thought");
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  assert.equal(await box.inputValue(), "half a thought");
  assert.ok(await box.evaluate((one) => one === document.activeElement));
  // Back from the box: the suggestions are part of the form, the notice is before it.
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["one", "first answer"]);
  assert.equal(await box.inputValue(), "half a thought");
  assert.ok(await box.evaluate((one) => one === document.activeElement));
  assert.equal(await undo.count(), 0);
  await listed(page, ["one"]);

  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await send(page, "two");
  await answered(page);
  await listed(page, ["two", "one"]);
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^one/ }).click();
  await page.waitForFunction(
    () => document.querySelector(".turn.user .text")?.textContent === "one",
  );
  assert.equal(await page.locator("#chats").getAttribute("open"), null);
  assert.deepEqual(await said(page), ["one", "first answer"]);
  await context.close();
});

test("pressing New chat twice is pressing it once", async () => {
  const { context, page } = await visit();
  await send(page, "one");
  await answered(page);
  await page.locator("#new-chat").evaluate((button) => {
    button.click();
    button.click();
  });
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await page.waitForFunction(() => document.querySelector("#new-chat").hidden);
  await page.getByRole("button", { name: /^Undo/ }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["one", "first answer"]);
  await context.close();
});

test("a new chat while an answer comes keeps what had come, and undo shows it", async () => {
  const { context, page } = await visit();
  await send(page, "slow");
  await waiting(page);
  await fake(page, "say", "what had come");
  await page.waitForFunction(() =>
    document.querySelector(".answer").textContent.includes("had come"),
  );
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["slow", "what had come"]);
  assert.equal(await page.locator(".note").innerText(), "Stopped.");
  await context.close();
});

test("conversations are deleted and come back; drafts that were never sent are conversations, too", async () => {
  const { context, page } = await visit();
  for (const text of ["one", "two", "three"]) {
    await send(page, text);
    await answered(page);
    await page.getByRole("button", { name: "New chat" }).click();
    await page.waitForFunction(() => !document.querySelector(".turn"));
  }
  const box = page.getByRole("textbox");
  await box.fill("never sent");
  await listed(page, ["Draft: never sent", "three", "two", "one"]);
  await page.locator("#chats summary").click();
  for (const text of ["three", "one"]) {
    const button = page.getByRole("button", { name: `Delete “${text}”` });
    await button.focus();
    await page.keyboard.press("Enter");
    await button.waitFor({ state: "detached" });
    assert.ok(
      await page.evaluate(() => document.activeElement.closest("#chats") !== null),
      "the focus stays in the list",
    );
  }
  await listed(page, ["Draft: never sent", "two"]);
  await page.getByText("2 conversations were deleted.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await listed(page, ["Draft: never sent", "three", "two", "one"]);
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^two/ }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.equal(await box.inputValue(), "", "the draft stays where it was written");
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^Draft: never sent/ }).click();
  await page.waitForFunction(() => document.querySelector("#prompt").value === "never sent");
  // The open one is deleted and comes back open.
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^one/ }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  await box.fill("half a thought");
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: "Delete “one”" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  assert.equal(await box.inputValue(), "half a thought");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["one", "first answer"]);
  assert.equal(await box.inputValue(), "half a thought");
  await listed(page, ["Draft: never sent", "three", "two", "one"]);
  // A draft that was never sent is deleted with what stands in the box.
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^Draft: never sent/ }).click();
  await page.waitForFunction(() => document.querySelector("#prompt").value === "never sent");
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: "Delete “Draft: never sent”" }).click();
  await listed(page, ["three", "two", "one"]);
  assert.equal(await box.inputValue(), "");
  await context.close();
});

test("what is typed while another conversation opens stays in the box", async () => {
  const { context, page } = await visit();
  await send(page, "one");
  await answered(page);
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await page.evaluate(() => {
    document.querySelector("#chat-list .row").click();
    const box = document.querySelector("#prompt");
    box.value = "quick";
    box.dispatchEvent(new Event("input"));
  });
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.equal(await page.getByRole("textbox").inputValue(), "quick");
  await context.close();
});

test("reasoning that comes apart from the text is folded like that which models write", async () => {
  const context = await fakeContext(browser);
  const page = await open(context, site.url);
  await send(page, "why?");
  await page.waitForFunction(() => fake.open.length === 1);
  for (const [what, text] of [["think", "H"], ["think", "m."], ["say", "Y"], ["say", "es."], ["end"]]) await fake(page, what, text);
  await answered(page);
  assert.equal((await page.locator(".thinking .body").textContent()).trim(), "Hm.");
  assert.equal(await page.locator(".answer > .body").innerText(), "Yes.");
  await context.close();
});
