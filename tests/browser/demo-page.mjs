/** Opens the demo with the fake engine, as tests of the page need it. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FAKE = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "fake-engine.mjs"), "utf8");

/** Models that the fake engine claims to have. */
export const MODELS = [
  {
    name: "Tiny Fake, 1 M parameters",
    url: "models/tiny/",
    suggestions: ["Who are you?", "What is 47 + 38?"],
  },
  { name: "Other Fake, 2 M parameters", url: "models/other/" },
];

/**
 * A context of the browser in which the demo finds the fake engine. `begins` is described there.
 */
export async function fakeContext(browser, begins = {}, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    serviceWorkers: "block",
    ...options,
  });
  await context.route(/\/app-[^/]+\/tegula\/index\.js$/, (route) =>
    route.fulfill({ contentType: "text/javascript", body: FAKE }),
  );
  await context.route(/\/models\.json$/, (route) => route.fulfill({ json: MODELS }));
  await context.addInitScript((begins) => (window.fakeBegins = begins), begins);
  return context;
}

/** A page of the demo, with what goes wrong in it under `errors`. */
export async function open(context, url) {
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") page.errors.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** The box, when a model is there. */
export async function ready(page) {
  await page.locator("#load-box").waitFor({ state: "hidden" });
  return page.getByRole("textbox");
}

/** Sends a message with the keyboard. */
export async function send(page, text) {
  const box = await ready(page);
  await box.fill(text);
  await box.press("Enter");
}

/** Waits until no answer is being written. */
export async function answered(page) {
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
}

/** Has the fake engine do something. */
export function fake(page, what, ...parameters) {
  return page.evaluate(
    ([what, parameters]) => window.fake[what](...parameters),
    [what, parameters],
  );
}

/** What the fake engine was asked. */
export function requests(page) {
  return page.evaluate(() => window.fake.requests);
}
