/**
 * The demo without the network after the first visit, and what a new build does to it: with the
 * embedded model on the real engine.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered } from "./demo-page.mjs";
import { ROOT, SITE, TEGULA } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let folder;
let site;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tegula-site-"));
  // The demo alone: the folder may hold models that someone converted.
  const models = join(SITE, "models");
  cpSync(SITE, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => path !== models && path !== join(SITE, "models.json"),
  });
  const model = join(folder, "models", "tegula-tiny");
  cpSync(join(ROOT, "models", "tegula-tiny"), model, { recursive: true });
  const kernels = ["--device", "SwiftShader Device (Subzero)"];
  execFileSync(TEGULA, ["compile", model, "-o", join(model, "library.wasm"), ...kernels], {
    stdio: "ignore",
  });
  const listed = JSON.parse(readFileSync(join(ROOT, "models", "demo.json"), "utf8"));
  writeFileSync(
    join(folder, "models.json"),
    JSON.stringify([...listed, { name: "Not here", url: "models/not-here/" }]),
  );
  [browser, site] = await Promise.all([launch(), TestServer.start(folder)]);
});

after(async () => {
  await Promise.all([browser?.close(), site?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const appFolder = () => readdirSync(folder).find((name) => name.startsWith("app-"));
const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** Replaces the site by another build, whose script says that it is one. */
function rebuild() {
  const old = appFolder();
  const next = "app-0123456789ab";
  renameSync(join(folder, old), join(folder, next));
  rmSync(join(folder, "tegula"));
  const edit = (name, change) =>
    writeFileSync(
      join(folder, name),
      change(readFileSync(join(folder, name), "utf8").replaceAll(old, next)),
    );
  const files = ["index.html", `${next}/demo.js`];
  const before = [sha256(join(folder, "index.html")), sha256(join(folder, files[1]))];
  edit("index.html", (page) =>
    page.replace(
      /'sha256-[^']+'/,
      `'sha256-${createHash("sha256")
        .update(/<script type="importmap">([^]*?)<\/script>/.exec(page)[1])
        .digest("base64")}'`,
    ),
  );
  edit(files[1], (script) => `${script}\nwindow.build = 2;\n`);
  const after = files.map((file) => sha256(join(folder, file)));
  edit("sw.js", (worker) => {
    assert.ok(before.every((hash) => worker.includes(hash)));
    const [version] = /(?<=")[0-9a-f]{12}(?=")/.exec(worker);
    return worker
      .replace(before[0], after[0])
      .replace(before[1], after[1])
      .replace(version, "0123456789ab");
  });
  return old;
}

/** Everything that service workers keep: names, and the paths under each. */
const kept = (page) =>
  page.evaluate(async () => {
    const found = {};
    for (const name of await caches.keys())
      found[name] = (await (await caches.open(name)).keys()).map(({ url }) =>
        new URL(url).pathname.slice(1),
      );
    return found;
  });

/** Waits until a promise in the page gives something that holds. */
async function until(page, what) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await page.evaluate(what)) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`it never holds: ${what}`);
}

async function asks(page, question) {
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.waitFor();
  await page.locator("#load-box").waitFor({ state: "hidden" });
  await box.fill(question);
  await box.press("Enter");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await answered(page);
  return page.locator(".turn.assistant .body").last().innerText();
}

test("a build that arrives in part is not kept, and a whole one is at the next visit", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  site.damage.set(`${appFolder()}/demo.css`, () => Buffer.from("body { color: red }"));
  await page.goto(site.url);
  await page.waitForFunction(() => document.querySelector("#load:enabled"));
  while (!site.requests.includes("sw.js")) await page.waitForTimeout(50);
  // The browser drops a worker that could not be installed.
  await until(page, async () => (await navigator.serviceWorker.getRegistration()) === undefined);
  assert.deepEqual(await kept(page), {});
  site.damage.clear();
  await page.reload();
  await page.evaluate(() => navigator.serviceWorker.ready);
  const [files] = Object.values(await kept(page));
  assert.ok(files.includes(`${appFolder()}/demo.css`));
  await context.close();
});

test("after the first visit the page, the model and its answers need no network; a new build is there at the next load", async () => {
  const context = await browser.newContext();
  // Kernels compile slowly on a software renderer that shares its processor.
  context.setDefaultTimeout(120_000);
  const first = await context.newPage();
  site.requests = [];
  await first.goto(site.url);
  await first.getByRole("button", { name: "Load model" }).click();
  assert.match(await asks(first, "What is 47 + 38?"), /85/);
  await first.evaluate(() => navigator.serviceWorker.ready);
  await first.waitForFunction(() => navigator.serviceWorker.controller);

  // Pages that have no model to load are quicker.
  await first.evaluate(() => localStorage.setItem("tegula-demo-model", "models/not-here/"));
  const old = rebuild();
  const second = await context.newPage();
  await second.goto(site.url);
  assert.equal(await second.evaluate(() => window.build), 2, "the next load has the new build");
  // The page of the old build gets its own files still, though the server has them no more.
  assert.equal(
    await first.evaluate(async (path) => (await fetch(path)).ok, `${old}/katex/katex.css`),
    true,
  );
  assert.equal(
    site.requests.filter((path) => path === `${old}/katex/katex.css`).length,
    1,
    "when it was installed",
  );
  await until(second, async () =>
    Boolean((await navigator.serviceWorker.getRegistration()).waiting),
  );
  await Promise.all([first.close(), second.close()]);

  const third = await context.newPage();
  await third.goto(site.url);
  await until(third, async () => (await caches.keys()).join() === "tegula-demo / 0123456789ab");
  const files = Object.values(await kept(third));
  assert.equal(files.length, 1, "the old build is gone");
  assert.ok(files[0].includes("index.html") && files[0].includes("models.json"));
  assert.ok(
    files[0].every((path) => !path.startsWith("models/")),
    "models are kept by the package alone",
  );
  assert.deepEqual(
    files[0].filter((path) => path.includes(old)),
    [],
  );

  await third.evaluate(() => localStorage.removeItem("tegula-demo-model"));
  await site.stop();
  await third.reload();
  assert.equal(await third.evaluate(() => window.build), 2);
  assert.match(
    await third.locator(".turn.assistant .body").innerText(),
    /85/,
    "the conversation is there",
  );
  assert.match(await asks(third, "What is the opposite of tall?"), /short/i);
  for (const part of ["katex/katex.css", "katex/fonts/KaTeX_Main-Regular.woff2"]) {
    assert.equal(
      await third.evaluate(async (path) => (await fetch(path)).ok, `${appFolder()}/${part}`),
      true,
      part,
    );
  }
  await context.close();
});
