/** The package in Deno, with its own WebGPU: `deno run main.mjs MODEL`. Prints the outcome. */

import { createEngine } from "tegula";

const engine = await createEngine({ gpu: navigator.gpu, model: Deno.args[0] });
const messages = [{ role: "user", content: "What is 7 x 12?" }];
const { choices } = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 32 });
await engine.unload();
console.log(JSON.stringify({ text: choices[0].message.content }));
