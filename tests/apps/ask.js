/** What every app does: loads the model that its address names, asks one question, and shows the answer or what went wrong. */

/** `createEngine` is the package's, `options` are what this app needs besides the model. */
export async function ask(createEngine, options = {}) {
  try {
    const model = new URL(new URLSearchParams(location.search).get("model") ?? "models/tegula-tiny/", document.baseURI);
    const engine = await createEngine({ model, ...options });
    const messages = [{ role: "user", content: "What is 47 + 38?" }];
    const answer = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 32 });
    document.title = `answer: ${answer.choices[0].message.content}`;
    await engine.unload();
  } catch (error) {
    document.title = `error: ${error.name}: ${error.message}`;
  }
}
