/**
 * A page with nothing on it but the npm package, and what tests of the package do there. Each test has a page of its own, and a server of its
 * own for the models.
 */

import { rmSync } from "node:fs";
import { after, afterEach, before, beforeEach } from "node:test";
import { launch } from "./chromium.mjs";
import { SITE, makePackages } from "./packages.mjs";
import { BLANK, TestServer } from "./server.mjs";

export let browser;
/** The packages. */
export let folder;
/** The page's own server, and that of the models, on another origin. */
export let site;
export let models;
export let context;
export let page;

/** The address of a model. */
export const model = (name) => `${models.url}${name}/`;

/** Makes what tests find above, before each of them. Models answer `batch` requests at once. */
export function setUp(batch) {
  before(async () => {
    folder = makePackages(batch);
    [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
  });
  after(async () => {
    await Promise.all([browser?.close(), site?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    models = await TestServer.start(folder);
    context = await browser.newContext();
    page = await open(context, site.url);
  });
  afterEach(async () => {
    await context.close();
    await models.stop().catch(() => {});
  });
}

/** Opens it; the site is at `url`. */
export async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url + BLANK);
  // What the scripts of tests use, in the page.
  await page.evaluate(async () => {
    const tegula = await import("/tegula/index.js");
    globalThis.start = (options) => tegula.createEngine({ onWarning: () => {}, ...options });
    globalThis.caught = async (promise) => {
      const error = await promise.then(() => undefined, (error) => error);
      if (!error) return "no error";
      return { class: Object.keys(tegula).find((name) => tegula[name] === error.constructor), name: error.name, message: error.message, ...error };
    };
    globalThis.textOf = async (answer) => (await answer).choices[0].text;
    globalThis.cachedFiles = async () => {
      // Opening a database that is not there would make an empty one.
      if (!(await indexedDB.databases()).some(({ name }) => name === "tegula")) return [];
      const request = indexedDB.open("tegula");
      await new Promise((done, fail) => Object.assign(request, { onsuccess: done, onerror: fail }));
      const keys = request.result.transaction("files").objectStore("files").getAllKeys();
      await new Promise((done, fail) => Object.assign(keys, { onsuccess: done, onerror: fail }));
      request.result.close();
      return keys.result.map((url) => new URL(url).pathname.slice(1));
    };
  });
  return page;
}
