/**
 * What the demo does where something goes wrong, on a fake engine: drafts come back, the context
 * fills up, the device is lost, loads fail.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, ready, requests, send } from "./demo-page.mjs";
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

const said = (page) => page.locator(".turn.user .text, .turn.assistant .body").allInnerTexts();
const contents = async (page) => (await requests(page)).at(-1).map(({ content }) => content);
const waiting = (page) => page.waitForFunction(() => fake.open.length === 1);

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

test("loads that fail are explained by the class of the error, and addresses stay as they are", async () => {
  const { context, page } = await visit({ cached: false, loads: false });
  const cases = [
    [
      "NetworkError",
      { url: "http://models.test/x.bin" },
      /could not be reached[^]*: http:\/\/models\.test\/x\.bin/,
    ],
    [
      "NetworkError",
      { url: "https://models.test/x.bin", status: 503 },
      /refused[^]*503[^]*https:\/\/models/,
    ],
    [
      "ModelNotFoundError",
      { url: "http://models.test/y.json", status: 404 },
      /not at its address \(status 404\): http:\/\/models/,
    ],
    [
      "LimitError",
      { limit: "maxBufferSize", needed: 3 * 2 ** 30, available: 2 ** 28 },
      /too large for this GPU[^]*3,072 MiB[^]*256 MiB/,
    ],
    ["LimitError", { limit: "memory" }, /too large for this GPU[^]*memory/],
    [
      "CorruptShardError",
      { shard: "params_shard_1.bin", expected: "a", found: "b" },
      /damaged \(params_shard_1\.bin\)/,
    ],
    ["LibraryMismatchError", { parameter: "w", expected: "a" }, /do not belong together/],
    ["InvalidPackageError", {}, /do not say what they must/],
  ];
  for (const [name, fields, expected] of cases) {
    await page.getByRole("button", { name: "Load model" }).click();
    await page.waitForFunction(() => fake.load);
    await page.evaluate(
      ([name, fields]) => fake.load.fail(name, fields, "http://raw.test/ said this"),
      [name, fields],
    );
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.innerText(), expected, name);
    assert.match(
      await alert.textContent(),
      /The model could not be loaded[^]*http:\/\/raw\.test\/ said this/,
      "the package's words are under Details, as written",
    );
    assert.doesNotMatch(await alert.textContent(), /Http/);
    assert.ok(
      await page
        .getByRole("button", { name: "Load model" })
        .evaluate((one) => one === document.activeElement),
      "the focus is back",
    );
  }
  await context.close();
});

test("a download and then the compilation of kernels show how far they are", async () => {
  const { context, page } = await visit({ cached: false, loads: false });
  await page.getByRole("button", { name: "Load model" }).click();
  await page.waitForFunction(() => fake.load);
  assert.ok(
    await page
      .getByRole("button", { name: "Cancel" })
      .evaluate((one) => one === document.activeElement),
  );
  const progress = (state) =>
    page.evaluate(
      (state) =>
        fake.load.progress({
          loadedBytes: 0,
          totalBytes: 0,
          fromCache: false,
          text: "its text",
          ...state,
        }),
      state,
    );
  const bar = page.getByRole("progressbar");
  const shows = async (value, text) => {
    assert.equal(
      await bar.getAttribute("value").then((found) => (found === null ? null : Number(found))),
      value,
    );
    assert.equal(await page.locator("#progress-text").innerText(), text);
  };
  await progress({ phase: "package" });
  await shows(null, "its text");
  await progress({
    phase: "weights",
    loadedBytes: 1,
    totalBytes: 4,
    kernels: { compiled: 3, total: 60 },
  });
  await shows(0.25, "its text");
  await progress({ phase: "pipelines" });
  await shows(null, "its text");
  await progress({ phase: "pipelines", kernels: { compiled: 12, total: 60 } });
  await shows(0.2, "Compiling kernels: 12 of 60");
  await page.waitForFunction(
    () => document.querySelector("#status").textContent === "Compiling kernels",
  );
  await page.evaluate(() => fake.load.done());
  const box = await ready(page);
  assert.ok(await box.evaluate((one) => one === document.activeElement), "one can write at once");
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
