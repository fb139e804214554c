/** What one sees on the demo's page, for tests that read it or wait for it. */

/** What was said. */
export const said = (page) =>
  page.locator(".turn.user .text, .turn.assistant .body").allInnerTexts();

/** Waits for a list of conversations with these titles. */
export const listed = (page, titles) =>
  page.waitForFunction(
    (titles) =>
      JSON.stringify(
        [...document.querySelectorAll("#chat-list .title")].map((one) => one.textContent),
      ) === titles,
    JSON.stringify(titles),
  );

/** Waits until one message waits for its answer. */
export const waiting = (page) => page.waitForFunction(() => fake.open.length === 1);
