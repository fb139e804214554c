/**
 * In place of the npm package, in the demo's page: an engine that says what a test tells it to,
 * without a GPU. All but the engine is the real package. A test reaches it as `window.fake` and
 * says how it begins with `window.fakeBegins`.
 */

import * as tegula from "/tegula/index.js";

export * from "/tegula/index.js";

/** What a test may say before the page begins. */
const begins = {
  /** Whether models are in the cache, and so loaded at once. */
  cached: true,
  /** Whether loads end by themselves. */
  loads: true,
  /** Whether there is a GPU. */
  gpu: true,
  /** Whether the model was trained to chat. */
  chat: true,
  context: 1024,
  /** The answer to a message, by its text. What is not here waits for the test. */
  answers: {},
  ...globalThis.fakeBegins,
};

const fake = (globalThis.fake = {
  ...begins,
  /** Requests in order, as the engine got them. */
  requests: [],
  /** The requests that are not answered. */
  open: [],
  /** The load that is under way. */
  load: undefined,
  engines: 0,
  /** The first open request gets a piece of its answer, ends, or fails. */
  say: (text) => fake.open[0].say(text),
  think: (text) => fake.open[0].think(text),
  end: (reason = "stop", total = 100) => fake.open[0].end(reason, total),
  fail: (name, fields = {}, message = `the package's words for ${name}`) =>
    fake.open[0].fail(new tegula[name](message, fields)),
});

export async function checkWebGPU() {
  if (!fake.gpu)
    return {
      available: false,
      reason: "this browser has no WebGPU",
      advice: "Use a current Chrome.",
    };
  return {
    available: true,
    vendor: "fake",
    architecture: "",
    description: "Fake GPU",
    f16: true,
    subgroups: true,
    software: false,
  };
}

export async function hasModelInCache() {
  return fake.cached;
}

export async function createEngine({ onProgress, signal }) {
  await new Promise((done, failed) => {
    const fail = (name, fields, message = `the package's words for ${name}`) =>
      failed(new tegula[name](message, fields));
    fake.load = { progress: onProgress, done, fail };
    signal?.addEventListener("abort", () => failed(signal.reason));
    if (fake.loads) done();
  });
  fake.load = undefined;
  fake.engines += 1;
  return new FakeEngine();
}

class FakeEngine {
  chat = { completions: { create: (params) => this.#create(params) } };
  completions = { create: (params) => this.#create(params) };
  #gone = false;
  #running = new Set();

  device() {
    return {
      name: "Fake GPU",
      vendor: "fake",
      driver: "",
      subgroups: true,
      subgroupMinSize: 32,
      subgroupMaxSize: 32,
      f16: true,
      matrix: false,
      limits: {},
    };
  }

  model() {
    return {
      architecture: "fake",
      quantization: "q0f32",
      activations: "float",
      contextWindowSize: fake.context,
      maxBatchSize: 1,
      vocabSize: 4,
      chat: fake.chat,
      tokenizer: true,
    };
  }

  interruptGenerate() {
    for (const request of this.#running) request.end("abort");
  }

  async unload() {
    this.#gone = true;
    for (const request of this.#running)
      request.fail(new tegula.EngineNotLoadedError("the engine was unloaded"));
  }

  async #create({ messages, prompt, stream }) {
    if (!stream) throw new Error("the demo streams");
    if (this.#gone) throw new tegula.EngineNotLoadedError("no model is loaded");
    const request = new Request(messages ? "chat" : "text", () => this.#running.delete(request));
    fake.requests.push(messages ?? prompt);
    fake.open.push(request);
    this.#running.add(request);
    const answer = fake.answers[messages?.at(-1).content ?? prompt];
    if (answer !== undefined) {
      for (const piece of answer.match(/[^]{1,7}/g) ?? []) request.say(piece);
      request.end("stop", 100);
    }
    return request.chunks();
  }
}

/** A request that runs. */
class Request {
  #events = [];
  #wake = () => {};

  constructor(kind, over) {
    this.kind = kind;
    this.over = over;
  }

  say(text) {
    this.#add({ text });
  }

  think(thought) {
    this.#add({ thought });
  }

  end(reason, total) {
    const extra = {
      e2e_latency_s: 1,
      time_to_first_token_s: 0.5,
      time_per_output_token_s: 0.1,
      prefill_tokens_per_s: 9,
      decode_tokens_per_s: 12,
    };
    this.#finish({
      reason,
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: total ?? 15, extra },
    });
  }

  fail(error) {
    this.#finish({ error });
  }

  async *chunks() {
    for (;;) {
      const event = this.#events.shift();
      if (!event) {
        await new Promise((wake) => (this.#wake = wake));
      } else if (event.error) {
        throw event.error;
      } else if (event.reason) {
        yield this.#chunk("", event.reason);
        yield { choices: [], usage: event.usage };
        return;
      } else if (event.thought) {
        yield { choices: [{ index: 0, delta: { reasoning_content: event.thought }, finish_reason: null }] };
      } else {
        yield this.#chunk(event.text, null);
      }
    }
  }

  #chunk(text, finish_reason) {
    return {
      choices: [
        this.kind === "chat"
          ? { index: 0, delta: { content: text }, finish_reason }
          : { index: 0, text, finish_reason },
      ],
    };
  }

  #finish(event) {
    this.over();
    fake.open = fake.open.filter((request) => request !== this);
    this.#add(event);
  }

  #add(event) {
    this.#events.push(event);
    this.#wake();
  }
}
