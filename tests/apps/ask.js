/** What every app does: loads the model, asks one question twice, and says the answers or what went wrong. */

/** The address of the model: beside the app, or where the app's own address says. */
function modelAddress() {
  const base = typeof document === "undefined" ? location.href : document.baseURI;
  return new URL(new URLSearchParams(location.search).get("model") ?? "models/tegula-tiny/", base);
}

/** `createEngine` is the package's; `options` are what this app needs besides the model. */
export async function ask(createEngine, options = {}) {
  try {
    const engine = await createEngine({ model: modelAddress(), ...options });
    const messages = [{ role: "user", content: "What is 7 x 12?" }];
    const { choices } = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 32 });
    // The second answer is a number only, which needs the grammar module.
    const number = await engine.chat.completions.create({ messages, temperature: 0, response_format: { type: "regex", regex: "[0-9]{1,4}" } });
    await engine.unload();
    return `answer: ${choices[0].message.content} (${number.choices[0].message.content})`;
  } catch (error) {
    return `error: ${error.name}: ${error.message}`;
  }
}

/** Asks, and shows the outcome as the page's title. */
export async function show(createEngine, options) {
  document.title = await ask(createEngine, options);
}
