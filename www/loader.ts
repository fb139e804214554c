/** The model: which one is chosen, its download, and what went wrong with it. */

import {
  createEngine,
  hasModelInCache,
  WebGPUNotAvailableError,
  type Engine,
  type LoadProgress,
} from "tegula";
import { showDevice, showGpu } from "./gpu.js";
import { element, keepingFocus, make, rest } from "./page.js";
import { announce } from "./say.js";
import { lastModel, rememberModel } from "./session.js";
import { count, trouble } from "./words.js";

/** An entry of models.json. */
export interface Model {
  name: string;
  /** Folder of the weight package. */
  url: string;
  library?: string;
  /** What it does well, to begin with. */
  suggestions?: string[];
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
const problem = element("problem", HTMLDivElement);

/** Loads models, one at a time. */
export class Loader {
  engine: Engine | undefined;
  #models: Model[] = [];
  #loading: AbortController | undefined;
  #said = "";
  /**
   * Who shows what there is: called when the engine comes or goes. `leave` is called before another
   * model takes its place.
   */
  readonly #changed: () => void;
  readonly #leave: () => void;

  constructor(changed: () => void, leave: () => void) {
    this.#changed = changed;
    this.#leave = leave;
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

  /** The chosen model; nothing before the list is here. */
  get model(): Model | undefined {
    return this.#models[select.selectedIndex];
  }

  /** What the model is called in a conversation: the name before the first comma. */
  get speaker(): string {
    return this.model?.name.split(",")[0] ?? "Tegula";
  }

  get isLoading(): boolean {
    return !progress.hidden;
  }

  /** Loads the chosen model. Gives whether it is here then. */
  async load(): Promise<boolean> {
    const model = this.model;
    if (!model) return false;
    if (this.engine) return true;
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
      this.engine = engine;
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
    showDevice(this.engine.device());
    keepingFocus(() => {
      box.hidden = true;
      this.#changed();
    });
    if (document.activeElement === document.body) rest();
    announce(`${this.speaker} is ready`);
    return true;
  }

  /** The engine is of no use any more. */
  drop(): void {
    const gone = this.engine;
    this.engine = undefined;
    // What is lost cannot say good-bye.
    void gone?.unload().catch(() => {});
    this.#show("button");
  }

  async #choose(): Promise<void> {
    this.#loading?.abort();
    const model = this.model;
    if (model) rememberModel(model.url);
    this.#leave();
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
        this.#changed();
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

function showProblem(title: string, text: string, detail?: string): void {
  const more =
    detail && detail !== text
      ? [make("details", "", make("summary", "", "Details"), make("p", "", detail))]
      : [];
  problem.replaceChildren(make("strong", "", title), make("p", "", text), ...more);
  problem.hidden = false;
}

/** For sentences of the package about WebGPU, which begin with a word. */
function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
