/**
 * The demo's accessibility, on a fake engine: axe-core in every state, screen readers, phones, less
 * motion, forced colours.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, ready, send } from "./demo-page.mjs";
import { waiting } from "./demo-shown.mjs";
import { ROOT, SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

const AXE = readFileSync(join(ROOT, "node_modules", "axe-core", "axe.min.js"), "utf8");
/** Where to leave pictures of the page, for people; none are taken without. */
const pictures = process.env.PICTURES;

const RICH = [
  "<think>\nLet me see.\n</think>\n\n# A heading\n\nText with `code`, a [link](https://example.org) and $a_1^2 + b$.\n\n\\[ \\int_0^1 x^2 \\, dx = \\frac{1}{3} \\]",
  "## Another\n\n- [x] done\n- [ ] open\n\n> A quotation",
  `\`\`\`python\nprint("${"a long line ".repeat(20)}")\n\`\`\``,
  `| ${"column | ".repeat(14)}\n|${"---|".repeat(14)}\n| ${"value | ".repeat(14)}`,
  '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>',
].join("\n\n");

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

async function visit(begins = {}, options = {}) {
  const context = await fakeContext(
    browser,
    { answers: { rich: RICH, one: "first answer" }, ...begins },
    options,
  );
  return { context, page: await open(context, site.url) };
}

/** Fails with what axe-core calls serious or critical, and with what is wider than the screen. */
async function check(page, state) {
  if (pictures) await page.screenshot({ path: `${pictures}/${state.replaceAll(/\W+/g, "-")}.png` });
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async () =>
    (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
      ({ id, impact, nodes }) => ({
        id,
        impact,
        where: nodes.map((node) => node.html.slice(0, 150)),
      }),
    ),
  );
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(grave, [], state);
  assert.equal(
    await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
    false,
    `${state}: wider than the screen`,
  );
}

for (const [width, height] of [
  [1280, 800],
  [390, 844],
]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe-core finds nothing serious in any state, ${width} px, ${colorScheme}`, async () => {
      const options = { viewport: { width, height }, colorScheme };
      const name = (state) => `${state} ${width} ${colorScheme}`;
      const { context, page } = await visit({ cached: false, loads: false }, options);
      const load = page.getByRole("button", { name: "Load model" });
      await page.waitForFunction(() => !document.querySelector("#load").disabled);
      await check(page, name("welcome"));
      await load.click();
      await page.waitForFunction(() => fake.load);
      await page.evaluate(() =>
        fake.load.progress({
          phase: "pipelines",
          loadedBytes: 4,
          totalBytes: 4,
          fromCache: false,
          text: "",
          kernels: { compiled: 12, total: 60 },
        }),
      );
      await check(page, name("download"));
      await page.evaluate(() =>
        fake.load.fail("NetworkError", {
          url: "https://models.test/a/long/address/of/a/file/params_shard_0.bin",
        }),
      );
      await page.getByRole("alert").waitFor();
      await page.locator("#problem summary").click();
      await check(page, name("problem"));
      await page.evaluate(() => (fake.loads = true));
      await load.click();
      await ready(page);
      await check(page, name("chat"));
      await send(page, "rich");
      await answered(page);
      await page.waitForFunction(() => !document.querySelector("[data-math]"));
      await page.locator(".thinking summary").click();
      await check(page, name("answer, its end"));
      await page.evaluate(() => (document.querySelector("main").scrollTop = 0));
      await check(page, name("answer, its beginning"));
      await page.evaluate(() => (document.querySelector("main").scrollTop = 1e6));
      await send(page, "slow");
      await waiting(page);
      await fake(page, "say", "half an ans");
      await page.waitForFunction(() =>
        document.querySelector("#log").textContent.includes("half an"),
      );
      await check(page, name("writing"));
      await fake(page, "fail", "ContextWindowSizeExceededError", { prompt: 1100, context: 1024 });
      await answered(page);
      await check(page, name("too long"));
      await page.locator("#gpu summary").click();
      await check(page, name("GPU"));
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "New chat" }).click();
      await page.getByRole("button", { name: /^Undo/ }).waitFor();
      await page.locator("#chats summary").click();
      await check(page, name("conversations"));
      await context.close();
      const none = await visit({ gpu: false }, options);
      await none.page.getByRole("alert").waitFor();
      await check(none.page, name("no GPU"));
      await none.context.close();
    });
  }
}

test("screen readers hear who speaks, what happens, and the answer when it is whole", async () => {
  const { context, page } = await visit({ cached: false });
  // Every announcement, in order.
  await page.evaluate(() => {
    window.heard = [];
    new MutationObserver(() => heard.push(document.querySelector("#status").textContent)).observe(
      document.querySelector("#status"),
      { childList: true },
    );
  });
  await page.getByRole("button", { name: "Load model" }).click();
  await send(page, "slow");
  await waiting(page);
  await page.waitForFunction(
    () => heard.includes("Tiny Fake is ready") && heard.includes("Tiny Fake is writing"),
  );
  assert.equal(await page.getByRole("log").getAttribute("aria-busy"), "true");
  await fake(page, "say", "<think>\nsecret\n</think>\nall of it");
  await fake(page, "end", "stop", 900);
  await answered(page);
  assert.equal(await page.getByRole("log").getAttribute("aria-busy"), "false");
  await page.waitForFunction(() => heard.some((text) => text.includes("Tiny Fake: all of it")));
  await page.waitForFunction(() =>
    heard.some((text) => text.includes("nearly full: 900 of 1,024")),
  );
  assert.ok(await page.evaluate(() => !heard.some((text) => text.includes("secret"))));
  assert.deepEqual(
    await page
      .locator(".turn")
      .evaluateAll((turns) => turns.map((turn) => turn.innerText.split("\n")[0])),
    ["You", "Tiny Fake"],
  );
  await send(page, "again");
  await waiting(page);
  await fake(page, "fail", "InternalError");
  await page.waitForFunction(() =>
    heard.some((text) => text.startsWith("The message failed. Something failed inside Tegula")),
  );
  await context.close();
});

test("on phones everything that can be pressed is at least 44 px high and wide", async () => {
  const { context, page } = await visit(
    {},
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  );
  const small = () =>
    page.locator("button, select, summary, textarea").evaluateAll((found) =>
      found
        .filter((one) => one.checkVisibility())
        .map((one) => [one.id || one.textContent.trim(), one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
        .map(([name, box]) => `${name}: ${box.width} x ${box.height}`),
    );
  await ready(page);
  assert.deepEqual(await small(), []);
  await send(page, "rich");
  await answered(page);
  await send(page, "fails");
  await waiting(page);
  await fake(page, "fail", "DeviceLostError");
  await answered(page);
  await page.locator("#chats summary").click();
  assert.deepEqual(await small(), []);
  await page.locator("#gpu summary").click();
  assert.deepEqual(await small(), []);
  await context.close();
});

test("panels stay on the screen, down to 320 px", async () => {
  const { context, page } = await visit({}, { viewport: { width: 320, height: 640 } });
  await send(page, "one");
  await answered(page);
  for (const id of ["chats", "gpu"]) {
    await page.locator(`#${id} summary`).click();
    const box = await page.locator(`#${id} .panel-body`).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 320 && box.y > 0, JSON.stringify({ id, ...box }));
    await page.keyboard.press("Escape");
  }
  await context.close();
});

test("who wants less motion gets none, in generated content either", async () => {
  const { context, page } = await visit({}, { reducedMotion: "reduce" });
  await send(page, "slow");
  await waiting(page);
  const moving = () => page.evaluate(() => document.getAnimations().length);
  assert.equal(await moving(), 0);
  await fake(page, "say", "half");
  await page.waitForFunction(() => document.querySelector(".answer p"));
  assert.notEqual(
    await page.evaluate(
      () => getComputedStyle(document.querySelector(".answer p"), "::after").content,
    ),
    "none",
    "the cursor is there",
  );
  assert.equal(await moving(), 0);
  await page.emulateMedia({ reducedMotion: "no-preference" });
  assert.ok((await moving()) > 0, "and blinks for everyone else");
  await context.close();
});

test("with forced colours controls have borders, the focus is seen, and the dot has words", async () => {
  const { context, page } = await visit({}, { forcedColors: "active" });
  await send(page, "rich");
  await answered(page);
  assert.equal(await page.locator(".dot").isVisible(), false);
  assert.match(await page.locator("#gpu summary").innerText(), /GPU:\s*Fake GPU/);
  const style = (selector, property) =>
    page
      .locator(selector)
      .first()
      .evaluate((one, property) => getComputedStyle(one)[property], property);
  for (const selector of ["#send", ".turn.user .text", ".code", ".tool"])
    assert.equal(await style(selector, "borderTopStyle"), "solid", selector);
  await page.locator("#prompt").focus();
  assert.equal(await style("#prompt", "outlineStyle"), "solid");
  assert.equal(await style("#prompt", "outlineWidth"), "3px");
  if (pictures) await page.screenshot({ path: `${pictures}/forced-colours.png` });
  await context.close();
});
