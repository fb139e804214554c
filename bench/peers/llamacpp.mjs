/**
 * llama.cpp's Vulkan backend through node-llama-cpp, with the workloads of Tegula's benchmark. Prints the figures of each, a line of JSON
 * each. compare.mjs starts it in a process of its own, with one argument: {"package": FILE, "model": FILE.gguf, "workloads": […]}
 *
 * As with Tegula, tokens are counted once every sequence of the batch has its first. A prompt is run once. Each round then begins with the
 * prompt's last token, and finds the tokens before it in the cache.
 */

import { pathToFileURL } from "node:url";

const { package: file, model: path, workloads } = JSON.parse(process.argv[2]);
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(file).href);
const llama = await getLlama({ gpu: "vulkan", build: "never", skipDownload: true, logLevel: LlamaLogLevel.error });
if (llama.gpu !== "vulkan") throw new Error(`llama.cpp runs on ${llama.gpu || "the processor"}`);
const [adapter] = await llama.getGpuDeviceNames();
// It takes no software renderers, and would quietly run on the processor.
if (!adapter) throw new Error("llama.cpp found no GPU");
const model = await llama.loadModel({ modelPath: path, gpuLayers: "max" });
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const now = () => performance.now() / 1000;

const prefills = new Map();

for (const workload of workloads) {
  const { prompt_tokens: length, decode_tokens: count, repetitions, batch } = workload;
  const contextSize = length + count + 4 * batch + 16;
  const context = await model.createContext({ contextSize, sequences: batch, batchSize: Math.min(2048, contextSize * batch), flashAttention: true });
  const sequences = Array.from({ length: batch }, () => context.getSequence());
  const prompt = Array.from({ length }, (_, index) => 300 + ((index * 7919) % 500));
  const [first] = sequences;

  // Once for each length, since the batch makes no difference.
  if (!prefills.has(length)) {
    const speeds = [];
    for (let round = 0; round <= repetitions; round += 1) {
      await first.clearHistory();
      const started = now();
      for await (const _ of first.evaluate(prompt, { temperature: 0 })) break;
      if (round > 0) speeds.push(length / (now() - started));
    }
    prefills.set(length, median(speeds));
    await first.clearHistory();
  }
  for (const sequence of sequences) await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));

  const speeds = [];
  for (let round = 0; round <= repetitions; round += 1) {
    for (const sequence of sequences) await sequence.eraseContextTokenRanges([{ start: length - 1, end: sequence.nextTokenIndex }]);
    const speed = await decode(sequences, prompt.at(-1), count);
    if (round > 0) speeds.push(speed);
  }
  const report = { adapter, ...workload, prefill_tokens_per_second: prefills.get(length), decode_tokens_per_second: median(speeds) };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  await context.dispose();
}
process.exit(0);

/** Tokens a second of all sequences together. */
async function decode(sequences, token, count) {
  let begun = 0, tokens = 0, started, ended;
  const wanted = count * sequences.length;
  await Promise.all(sequences.map(async (sequence) => {
    let own = 0;
    for await (const _ of sequence.evaluate([token], { temperature: 0 })) {
      own += 1;
      if (own === 1) begun += 1;
      if (started === undefined) {
        if (begun === sequences.length) started = now();
      } else if (++tokens === wanted) {
        ended = now();
      }
      // The first to start are a little ahead of the last.
      if (own > count + 2 * sequences.length || ended !== undefined) break;
    }
  }));
  return Math.min(tokens, wanted) / ((ended ?? now()) - started);
}
