/** The model: which one is chosen, its download, and what went wrong with it. */

import {
  createEngine,
  hasModelInCache,
  WebGPUNotAvailableError,
  type Engine,
  type LoadProgress,
} from "tegula";
import type { Backend, BackendEvents, Choice, Phrases, Talker } from "./backend.js";
import { showDevice, showGpu } from "./gpu.js";
import { element, keepingFocus, rest } from "./page.js";
import { problem, showProblem } from "./problem.js";
import { announce } from "./say.js";
import { lastModel, rememberModel } from "./session.js";
import { trouble } from "./trouble.js";
import { count, type Trouble } from "./words.js";

/** An entry of models.json. The address is that of the weight package's folder. */
interface Model extends Choice {
  name: string;
  library?: string;
}

/**
 * Kernels that are compiled, of all; releases of the package before it reported them leave it out.
 */
type Progress = LoadProgress & { kernels?: { compiled: number; total: number } };

const select = element("model", HTMLSelectElement);
const box = element("load-box", HTMLElement);
const button = element("load", HTMLButtonElement);
const progress = element("progress", HTMLDivElement);
const bar = element("progress-bar", HTMLProgressElement);
const progressText = element("progress-text", HTMLSpanElement);

const STREAM = { stream: true, stream_options: { include_usage: true } } as const;

/** Loads models, one at a time. */
export class Loader implements Backend {
  readonly phrases: Phrases = {
    loading: "The model is still loading. Your message waits in the box.",
    absent: "The model is not loaded.",
    load: "Load model",
    reload: "Reload the model",
  };
  #engine: Engine | undefined;
  #talker: Talker | undefined;
  #models: Model[] = [];
  #loading: AbortController | undefined;
  #said = "";
  readonly #events: BackendEvents;

  constructor(events: BackendEvents) {
    this.#events = events;
    select.addEventListener("change", () => void this.#choose());
    button.addEventListener("click", () => void this.load());
    element("cancel", HTMLButtonElement).addEventListener("click", () => {
      this.#loading?.abort();
      this.#show("button");
    });
  }

  /**
   * Looks for a GPU and for models. A model that is here already is loaded at once; a download
   * waits for the button.
   */
  async begin(): Promise<void> {
    const [gpu, listed] = await Promise.all([showGpu(), listModels()]);
    this.#models = listed ?? [];
    select.replaceChildren(
      ...this.#models.map((model, index) => new Option(model.name, String(index))),
    );
    select.selectedIndex = Math.max(
      0,
      this.#models.findIndex(({ url }) => url === lastModel()),
    );
    if (!gpu.available) {
      keepingFocus(() => (button.hidden = true));
      return showProblem("There is no WebGPU here", `${capital(gpu.reason)}. ${gpu.advice}`);
    }
    if (!listed) return;
    if (listed.length === 0) return showProblem("No model is installed", "models.json lists none.");
    select.disabled = button.disabled = false;
    if (await this.#isHere()) await this.load();
  }

  get model(): Model | undefined {
    return this.#models[select.selectedIndex];
  }

  /** What the model is called in a conversation: the name before the first comma. */
  get speaker(): string {
    return this.model?.name.split(",")[0] ?? "Tegula";
  }

  get talker(): Talker | undefined {
    return this.#talker;
  }

  get isLoading(): boolean {
    return !progress.hidden;
  }

  trouble(error: unknown): Trouble {
    return trouble(error);
  }

  async load(): Promise<boolean> {
    const model = this.model;
    if (!model) return false;
    if (this.#engine) return true;
    this.#loading?.abort();
    const abort = (this.#loading = new AbortController());
    this.#said = "";
    this.#show("progress");
    try {
      const { url, library } = model;
      const onProgress = (progress: LoadProgress): void => {
        if (!abort.signal.aborted) this.#progress(progress);
      };
      const engine = await createEngine({ model: url, library, onProgress, signal: abort.signal });
      if (abort.signal.aborted) {
        void engine.unload();
        return false;
      }
      this.#take(engine);
    } catch (error) {
      // Whoever aborted shows what comes next.
      if (abort.signal.aborted) return false;
      this.#show("button");
      const { text, detail } = trouble(error);
      const title =
        error instanceof WebGPUNotAvailableError
          ? "There is no WebGPU here"
          : "The model could not be loaded";
      showProblem(title, text, detail);
      return false;
    }
    keepingFocus(() => {
      box.hidden = true;
      this.#events.changed();
    });
    if (document.activeElement === document.body) rest();
    announce(`${this.speaker} is ready`);
    return true;
  }

  drop(): void {
    const gone = this.#engine;
    this.#engine = this.#talker = undefined;
    // What is lost cannot say good-bye.
    void gone?.unload().catch(() => {});
    this.#show("button");
  }

  #take(engine: Engine): void {
    this.#engine = engine;
    this.#talker = {
      get chat() {
        return engine.model().chat;
      },
      // It changes where models share memory.
      get context() {
        return engine.model().contextWindowSize;
      },
      converse: (messages) => engine.chat.completions.create({ messages, ...STREAM }),
      proceed: (prompt, most) =>
        engine.completions.create({ prompt, max_tokens: most, ...STREAM }),
      stop: () => engine.interruptGenerate(),
    };
    showDevice(engine.device());
  }

  async #choose(): Promise<void> {
    this.#loading?.abort();
    const model = this.model;
    if (model) rememberModel(model.url);
    this.#events.leave();
    this.drop();
    const here = await this.#isHere();
    // Another may have been chosen meanwhile.
    if (here && this.model === model) await this.load();
  }

  async #isHere(): Promise<boolean> {
    const url = this.model?.url;
    return url !== undefined && (await hasModelInCache(new URL(url, document.baseURI).href));
  }

  #show(what: "button" | "progress"): void {
    keepingFocus(
      () => {
        box.hidden = false;
        button.hidden = what !== "button";
        progress.hidden = what !== "progress";
        problem.hidden = true;
        this.#events.changed();
      },
      what === "button" ? button : element("cancel", HTMLButtonElement),
    );
    if (what === "progress") bar.removeAttribute("value");
    // Below a conversation it would be out of sight.
    box.scrollIntoView({ block: "nearest" });
  }

  #progress({ phase, loadedBytes, totalBytes, text, kernels }: Progress): void {
    const compiling = phase === "pipelines" && kernels !== undefined && kernels.total > 0;
    if (phase === "weights") bar.value = totalBytes ? loadedBytes / totalBytes : 0;
    else if (compiling) bar.value = kernels.compiled / kernels.total;
    else bar.removeAttribute("value");
    progressText.textContent = compiling
      ? `Compiling kernels: ${count(kernels.compiled)} of ${count(kernels.total)}`
      : text;
    // The bar's value is there for who asks; only what is new is said.
    const phases = {
      package: "Reading the model's description",
      weights: "Loading the weights",
      pipelines: "Compiling kernels",
      ready: "",
    };
    if (phases[phase] !== "" && this.#said !== phases[phase])
      announce((this.#said = phases[phase]));
  }
}

async function listModels(): Promise<Model[] | undefined> {
  try {
    const response = await fetch("models.json");
    if (!response.ok) throw new Error(`models.json: status ${response.status}`);
    return (await response.json()) as Model[];
  } catch (error) {
    showProblem(
      "The list of models could not be read",
      error instanceof Error ? error.message : String(error),
    );
    return undefined;
  }
}

/** For sentences of the package about WebGPU, which begin with a word. */
function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
