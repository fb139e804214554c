/** Progress of a load: counts bytes and kernels, and reports them at intervals. */

import type { LoadProgress } from "../api/backend.js";

/** Progress is reported at most this often, in milliseconds, but for the ends of phases. */
const PROGRESS_INTERVAL = 50;

/** Counts, and tells a listener. */
export class Progress {
  #phase: LoadProgress["phase"] = "package";
  #describe = (): string => "";
  #loaded = 0;
  #total = 0;
  #fromCache = true;
  #kernels: LoadProgress["kernels"];
  #onKernels: ((compiled: number, total: number) => void) | undefined;
  #reported = -Infinity;
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly listener: ((progress: LoadProgress) => void) | undefined) {}

  /** A phase begins. */
  phase(phase: LoadProgress["phase"], text: string): void {
    this.#begin(phase, () => text);
  }

  /** The phase of the weights begins: so many bytes. */
  expect(total: number): void {
    this.#loaded = 0;
    this.#total = total;
    this.#fromCache = true;
    this.#begin("weights", () => {
      const verb = this.#fromCache ? "Loading from the cache" : "Downloading";
      const [size, unit] = this.#total < 1e6 ? [1e3, "kB"] : [1e6, "MB"];
      const [loaded, all] = [this.#loaded, this.#total].map((bytes) => (bytes / size).toFixed(1));
      return `${verb}: ${loaded} of ${all} ${unit}`;
    });
  }

  add(bytes: number, fromCache: boolean): void {
    this.#loaded += bytes;
    this.#fromCache &&= fromCache;
    this.#reportSoon(this.#loaded === this.#total);
  }

  /** Gives whom kernels are told to. Those of an attempt that failed are not heard any more. */
  kernels(): (compiled: number, total: number) => void {
    this.#kernels = undefined;
    const onKernels = (compiled: number, total: number): void => {
      if (this.#onKernels !== onKernels) return;
      this.#kernels = { compiled, total };
      // While weights arrive, bytes say enough.
      if (this.#phase === "pipelines") this.#reportSoon(compiled === total);
    };
    this.#onKernels = onKernels;
    return onKernels;
  }

  /** The phase of the kernels begins, in which those that are left compile. Some are then chosen, if `choosing`. */
  compile(choosing: boolean): void {
    this.#begin("pipelines", () => {
      if (this.#kernels === undefined) return "Compiling kernels";
      const { compiled, total } = this.#kernels;
      return choosing && compiled === total ? "Choosing among kernels" : `Compiling kernels: ${compiled} of ${total}`;
    });
  }

  /** Nothing is reported after this. */
  end(): void {
    clearTimeout(this.#due);
    this.#onKernels = undefined;
  }

  #begin(phase: LoadProgress["phase"], describe: () => string): void {
    this.#phase = phase;
    this.#describe = describe;
    this.#report();
  }

  #reportSoon(last: boolean): void {
    const wait = this.#reported + PROGRESS_INTERVAL - performance.now();
    if (last || wait <= 0) this.#report();
    else this.#due ??= setTimeout(() => this.#report(), wait);
  }

  #report(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    this.#reported = performance.now();
    const kernels = this.#kernels && { kernels: this.#kernels };
    this.listener?.({
      phase: this.#phase,
      loadedBytes: this.#loaded,
      totalBytes: this.#total,
      fromCache: this.#fromCache,
      ...kernels,
      text: this.#describe(),
    });
  }
}
