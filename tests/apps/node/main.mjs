/** The package in Node, with WebGPU by the npm package `webgpu`: `node main.mjs MODEL`. Prints the outcome, and which globals it changed. */

import { createEngine } from "tegula";
import { create } from "webgpu";

const before = Object.getOwnPropertyNames(globalThis);
const gpu = create([]);
const engine = await createEngine({ gpu, model: process.argv[2] });
const messages = [{ role: "user", content: "What is 7 x 12?" }];
const { choices } = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 32 });
// A number only, which needs the grammar module.
const number = await engine.chat.completions.create({ messages, temperature: 0, response_format: { type: "regex", regex: "[0-9]{1,4}" } });

// Bad input rejects, and a second engine on the same gpu still answers.
const errors = [];
for (const options of [{ gpu, model: `${process.argv[2]}/nowhere` }, { gpu, model: process.argv[2], library: import.meta.filename }]) {
  errors.push(await createEngine(options).then(() => "none", (error) => error.name));
}
await engine.unload();
const changed = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name));
console.log(JSON.stringify({ text: choices[0].message.content, number: number.choices[0].message.content, errors, changed }));
