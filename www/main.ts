/** The demo: choose a model, load it, talk to it. It uses the npm package as any page would. */

import { createEngine, hasModelInCache, WebGPUNotAvailableError, type ChatCompletionMessageParam, type Engine, type LoadProgress } from "tegula";
import { Answer, clear, showFailure, showQuestion } from "./conversation.js";
import { showDevice, showGpu } from "./gpu.js";
import { element, make } from "./page.js";

/** An entry of models.json. */
interface Model {
  name: string;
  /** Folder of the weight package. */
  url: string;
  library?: string;
  /** What it does well, to begin with. */
  suggestions?: string[];
}

const select = element("model", HTMLSelectElement);
const load = element("load", HTMLButtonElement);
const progress = element("progress", HTMLDivElement);
const problem = element("problem", HTMLDivElement);
const welcome = element("welcome", HTMLElement);
const log = element("log", HTMLOListElement);
const composer = element("composer", HTMLFormElement);
const prompt = element("prompt", HTMLTextAreaElement);
const send = element("send", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const stats = element("stats", HTMLParagraphElement);
const newChat = element("new-chat", HTMLButtonElement);
const suggestions = element("suggestions", HTMLUListElement);

let models: Model[] = [];
let engine: Engine | undefined;
let loading: AbortController | undefined;
let messages: ChatCompletionMessageParam[] = [];
/** Counts conversations, so that an answer that is still on its way does not end up in the next one. */
let conversation = 0;

void begin();

async function begin(): Promise<void> {
  const [gpu, listed] = await Promise.all([showGpu(), listModels()]);
  models = listed ?? [];
  select.replaceChildren(...models.map((model, index) => new Option(model.name, String(index))));
  if (!gpu.available) {
    load.hidden = true;
    return showProblem("There is no WebGPU here", `${sentence(gpu.reason)} ${gpu.advice}`);
  }
  if (!listed) return;
  if (models.length === 0) return showProblem("No model is installed", "models.json lists none.");
  select.disabled = load.disabled = false;
  select.addEventListener("change", () => void choose());
  load.addEventListener("click", () => void loadModel());
  await choose();
}

async function listModels(): Promise<Model[] | undefined> {
  try {
    const response = await fetch("models.json");
    if (!response.ok) throw new Error(`models.json: status ${response.status}`);
    return (await response.json()) as Model[];
  } catch (error) {
    showProblem("The list of models could not be read", describe(error));
    return undefined;
  }
}

function chosen(): Model {
  return models[select.selectedIndex] ?? models[0]!;
}

/** A model that is here already is loaded at once; a download waits for the button. */
async function choose(): Promise<void> {
  loading?.abort();
  await engine?.unload();
  engine = undefined;
  startOver();
  show("welcome");
  if (await hasModelInCache(new URL(chosen().url, document.baseURI).href)) await loadModel();
}

async function loadModel(): Promise<void> {
  const { url, library } = chosen();
  loading?.abort();
  const abort = (loading = new AbortController());
  show("progress");
  try {
    const loaded = await createEngine({ model: url, library, onProgress: showProgress, signal: abort.signal });
    if (abort.signal.aborted) return void loaded.unload();
    engine = loaded;
  } catch (error) {
    // Whoever aborted shows what comes next.
    if (abort.signal.aborted) return;
    show("welcome");
    const title = error instanceof WebGPUNotAvailableError ? "There is no WebGPU here" : "The model could not be loaded";
    return showProblem(title, describe(error));
  }
  showDevice(engine.device());
  const { chat } = engine.model();
  prompt.placeholder = chat ? "Message" : "A text to continue";
  element("prompt-label", HTMLLabelElement).textContent = prompt.placeholder;
  log.dataset["hint"] = chat ? "The model is here. What would you like to know?" : "This model was not trained to chat: begin a text, and it continues it.";
  show("chat");
  suggest();
  prompt.focus();
}

/** Offers things to say while nothing has been said. */
function suggest(): void {
  const texts = messages.length === 0 ? (chosen().suggestions ?? []) : [];
  const chips = texts.map((text) => {
    const chip = make("button", "quiet", text);
    chip.setAttribute("type", "button");
    chip.addEventListener("click", () => void answer(text));
    return make("li", "", chip);
  });
  suggestions.replaceChildren(...chips);
  suggestions.hidden = texts.length === 0;
}

function showProgress({ loadedBytes, totalBytes, text, phase }: LoadProgress): void {
  const bar = element("progress-bar", HTMLProgressElement);
  if (phase === "package" || phase === "pipelines") bar.removeAttribute("value");
  else bar.value = totalBytes ? loadedBytes / totalBytes : 0;
  element("progress-text", HTMLSpanElement).textContent = text;
}

/** Switches between the three states of the page. */
function show(state: "welcome" | "progress" | "chat"): void {
  welcome.hidden = state === "chat";
  load.hidden = state !== "welcome";
  progress.hidden = state !== "progress";
  log.hidden = composer.hidden = newChat.hidden = state !== "chat";
  problem.hidden = true;
}

function showProblem(title: string, detail: string): void {
  problem.replaceChildren(make("strong", "", title), detail);
  problem.hidden = false;
}

function startOver(): void {
  engine?.interruptGenerate();
  conversation += 1;
  messages = [];
  clear();
  stats.textContent = "";
}

async function answer(text: string): Promise<void> {
  if (!engine) return;
  suggestions.hidden = true;
  const { chat } = engine.model();
  const mine = conversation;
  const asked: ChatCompletionMessageParam[] = [...messages, { role: "user", content: text }];
  if (chat) showQuestion(text);
  const shown = new Answer(chat ? { markdown: true } : { given: text });
  setBusy(true);
  try {
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    const stream = chat
      ? await engine.chat.completions.create({ messages: asked, ...options })
      : await engine.completions.create({ prompt: text, max_tokens: 256, ...options });
    let reason: string | null = null;
    let tokens = 0;
    const started = performance.now();
    for await (const { choices, usage } of stream) {
      const choice = choices[0];
      if (choice) shown.add(("delta" in choice ? choice.delta.content : choice.text) ?? "");
      reason = choice?.finish_reason ?? reason;
      tokens += 1;
      const { decode_tokens_per_s: rate, time_to_first_token_s: wait } = usage?.extra ?? {};
      const seconds = (performance.now() - started) / 1000;
      if (usage && rate) stats.textContent = `${rate.toFixed(1)} tokens/s · ${usage.completion_tokens} tokens · first after ${wait?.toFixed(2)} s`;
      else if (!usage && seconds > 0.2) stats.textContent = `${(tokens / seconds).toFixed(1)} tokens/s`;
    }
    shown.end(reason === "length" ? "The answer was cut: it reached the limit." : reason === "abort" ? "Stopped." : "");
    if (mine === conversation) messages = [...asked, { role: "assistant", content: shown.text }];
  } catch (error) {
    shown.end();
    if (mine === conversation) showFailure(describe(error));
  } finally {
    if (mine === conversation) setBusy(false);
  }
}

function setBusy(busy: boolean): void {
  send.hidden = busy;
  stop.hidden = !busy;
  if (!busy) prompt.focus();
}

function describe(error: unknown): string {
  return error instanceof Error ? sentence(error.message) : String(error);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = prompt.value;
  // While an answer is being written the text waits in the box.
  if (text.trim() === "" || !stop.hidden) return;
  prompt.value = "";
  void answer(text);
});

prompt.addEventListener("keydown", (event) => {
  // An Enter that ends the composition of a character is not the user's wish to send.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !stop.hidden) engine?.interruptGenerate();
});

stop.addEventListener("click", () => engine?.interruptGenerate());

newChat.addEventListener("click", () => {
  startOver();
  suggest();
  setBusy(false);
});

element("cancel", HTMLButtonElement).addEventListener("click", () => {
  loading?.abort();
  show("welcome");
});
