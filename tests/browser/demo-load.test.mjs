/** How the demo loads a model, on a fake engine: how far it is, and why it failed. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { fakeContext, open, ready } from "./demo-page.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

/** A page without a model, whose loads end when the test says so. */
async function visit() {
  const context = await fakeContext(browser, { cached: false, loads: false });
  return { context, page: await open(context, site.url) };
}

test("loads that fail are explained by the class of the error, and addresses stay as they are", async () => {
  const { context, page } = await visit();
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
  const { context, page } = await visit();
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
