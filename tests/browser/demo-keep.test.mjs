/**
 * What the demo keeps, on a fake engine: conversations, drafts and half-written answers, over
 * reloads, changes of the model, and in two tabs.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, ready, requests, send } from "./demo-page.mjs";
import { listed, said, waiting } from "./demo-shown.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

const ANSWERS = {
  one: "first answer",
  two: "second answer",
  three: "third answer",
  four: "fourth answer",
};

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

async function visit(begins = {}, options = {}) {
  const context = await fakeContext(browser, { answers: ANSWERS, ...begins }, options);
  return { context, page: await open(context, site.url) };
}

test("a conversation is there after a reload, in a new tab, and with another model", async () => {
  const { context, page } = await visit();
  await send(page, "one");
  await answered(page);
  await page.reload();
  await ready(page);
  assert.deepEqual(await said(page), ["one", "first answer"]);
  await page.getByRole("textbox").fill("half a thought");
  await page.getByRole("combobox", { name: "Model" }).selectOption("Other Fake, 2 M parameters");
  await page.waitForFunction(() => fake.engines === 2);
  assert.equal(await page.getByRole("textbox").inputValue(), "half a thought");
  assert.deepEqual(await said(page), ["one", "first answer"]);
  await send(page, "two");
  await answered(page);
  assert.deepEqual(
    (await requests(page)).at(-1).map(({ content }) => content),
    ["one", "first answer", "two"],
    "the other model knows what was said",
  );
  assert.deepEqual(await page.locator(".turn.assistant .speaker").allTextContents(), [
    "Tiny Fake",
    "Other Fake",
  ]);
  const second = await open(context, site.url);
  await ready(second);
  assert.deepEqual(await said(second), ["one", "first answer", "two", "second answer"]);
  assert.equal(
    await second.locator("#model option:checked").innerText(),
    "Other Fake, 2 M parameters",
    "the model is the last one, too",
  );
  await context.close();
});

test("another model while an answer comes: what had come stays, and is no failure", async () => {
  const { context, page } = await visit();
  await send(page, "slow");
  await waiting(page);
  await fake(page, "say", "what had come");
  await page.waitForFunction(() =>
    document.querySelector(".answer").textContent.includes("had come"),
  );
  await page.getByRole("combobox", { name: "Model" }).selectOption("Other Fake, 2 M parameters");
  await page.waitForFunction(() => fake.engines === 2);
  await answered(page);
  assert.deepEqual(await said(page), ["slow", "what had come"]);
  assert.equal(await page.locator(".note").innerText(), "Stopped.");
  assert.equal(await page.locator(".problem").filter({ visible: true }).count(), 0);
  await context.close();
});

test("a draft and an answer that was being written survive a reload", async () => {
  const { context, page } = await visit();
  await send(page, "slow");
  await waiting(page);
  await fake(page, "say", "as far as it c");
  await page.waitForFunction(() =>
    document.querySelector(".answer").textContent.includes("as far"),
  );
  await page.getByRole("textbox").fill("typed meanwhile");
  await page.reload();
  const box = await ready(page);
  assert.equal(await box.inputValue(), "typed meanwhile");
  assert.deepEqual(await said(page), ["slow", "as far as it c"]);
  assert.match(await page.locator(".note").innerText(), /This answer is not finished/);
  // It is asked again, and the first attempt stays.
  await page.evaluate(() => (fake.answers.slow = "all of it"));
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page);
  assert.deepEqual(await said(page), ["slow", "as far as it c", "slow", "all of it"]);
  // The database gets drafts a moment after they were typed.
  await page.waitForTimeout(600);
  const second = await open(context, site.url);
  await ready(second);
  assert.equal(
    await second.getByRole("textbox").inputValue(),
    "typed meanwhile",
    "in the database as well",
  );
  await context.close();
});

test("a draft is there before any model is", async () => {
  const { context, page } = await visit({ cached: false });
  await page.getByRole("button", { name: "Load model" }).click();
  await send(page, "one");
  await answered(page);
  await page.getByRole("textbox").fill("waits");
  await page.reload();
  const box = page.getByRole("textbox");
  assert.equal(await box.inputValue(), "waits");
  await box.press("Enter");
  assert.equal(await box.inputValue(), "waits", "nothing is taken that cannot be sent");
  await page.locator(".notice").getByRole("button", { name: "Load model" }).click();
  await ready(page);
  assert.equal(await box.inputValue(), "waits");
  assert.equal(await page.locator(".notice").count(), 0);
  await context.close();
});

test("two tabs in one conversation add to it, and see what the other added", async () => {
  const { context, page: first } = await visit();
  await send(first, "one");
  await answered(first);
  const second = await open(context, site.url);
  await ready(second);
  await send(first, "two");
  await answered(first);
  await second.waitForFunction(() => document.querySelectorAll(".turn.user").length === 2);
  // Both at once: neither overwrites the other.
  await Promise.all([send(first, "slow"), send(second, "slow too")]);
  await Promise.all([waiting(first), waiting(second)]);
  await fake(first, "say", "of the first");
  await fake(second, "say", "of the second");
  await Promise.all([fake(first, "end"), fake(second, "end")]);
  await Promise.all([answered(first), answered(second)]);
  for (const page of [first, second]) {
    await page.waitForFunction(() => document.querySelectorAll(".turn.user").length === 4);
    assert.deepEqual((await said(page)).toSorted(), [
      "first answer",
      "of the first",
      "of the second",
      "one",
      "second answer",
      "slow",
      "slow too",
      "two",
    ]);
  }
  // One deletes it while the other is in it: what the other says next is kept.
  await first.locator("#chats summary").click();
  await first.getByRole("button", { name: "Delete “one”" }).click();
  await listed(second, []);
  await send(second, "three");
  await answered(second);
  await listed(first, ["three"]);
  await first.getByRole("button", { name: "Undo" }).click();
  await second.waitForFunction(() => document.querySelectorAll(".turn.user").length === 5);
  // An empty box here does not empty the draft of there.
  await first.getByRole("textbox").fill("draft of the first");
  await second.waitForTimeout(400);
  await second.getByRole("textbox").fill("x");
  await second.getByRole("textbox").fill("");
  await second.waitForTimeout(400);
  assert.equal(await first.getByRole("textbox").inputValue(), "draft of the first");
  await context.close();
});

test("without IndexedDB the page chats, and says that it keeps nothing", async () => {
  const context = await fakeContext(browser, { answers: ANSWERS });
  await context.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", {
      value: {
        open: () => {
          throw new DOMException("not here", "SecurityError");
        },
      },
    });
    IDBFactory.prototype.open = () => {
      throw new DOMException("not here", "SecurityError");
    };
  });
  const page = await open(context, site.url);
  await page.getByText(/keeps nothing for this page/).waitFor();
  await send(page, "one");
  await answered(page);
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["one", "first answer"]);
  await context.close();
});

test("a database that fills up while one chats costs nothing that was said", async () => {
  const { context, page } = await visit();
  await send(page, "one");
  await answered(page);
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value) {
      if (this.name === "exchanges") throw new DOMException("full", "QuotaExceededError");
      return put.call(this, value);
    };
  });
  await send(page, "two");
  await answered(page);
  await page.getByText(/cannot keep more of the conversation/).waitFor();
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction(() => !document.querySelector(".turn"));
  await listed(page, ["one"]);
  await page.locator("#chats summary").click();
  await page.getByRole("button", { name: /^one/ }).click();
  await page.waitForFunction(() => document.querySelector(".turn"));
  assert.deepEqual(await said(page), ["one", "first answer", "two", "second answer"]);
  await context.close();
});
