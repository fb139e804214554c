/** The server that the page came from, as who answers: its models, by OpenAI's client. */

import OpenAI from "openai";
import type { Stream } from "openai/streaming";
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
  CompletionChunk,
  CompletionCreateParamsStreaming,
} from "tegula";
import type { Backend, BackendEvents, Choice, Phrases, Talker } from "../backend.js";
import { element, keepingFocus, rest } from "../page.js";
import { problem, showProblem } from "../problem.js";
import { announce } from "../say.js";
import { lastModel, rememberModel } from "../session.js";
import type { Trouble } from "../words.js";
import { keepKey, keptKey, keyBox, onKey, showKeyForm } from "./key.js";
import { API, onForget, showServer } from "./panel.js";
import { trouble, wantsKey } from "./trouble.js";

/** A model as the server lists it. */
interface Listed {
  id: string;
  /** The most tokens of a conversation. */
  max_model_len?: number;
  capabilities?: { completion_chat: boolean };
}

interface Served extends Choice, Listed {}

const select = element("model", HTMLSelectElement);
const box = element("load-box", HTMLElement);
const button = element("load", HTMLButtonElement);

const STREAM = { stream: true, stream_options: { include_usage: true } } as const;

/** The server. */
export class Server implements Backend {
  readonly phrases: Phrases = {
    loading: "The server has not answered yet. Your message waits in the box.",
    absent: "There is no connection to the server.",
    load: "Connect",
    reload: "Connect again",
  };
  #models: Served[] = [];
  #talker: Talker | undefined;
  #loading = false;
  #client: OpenAI | undefined;
  readonly #events: BackendEvents;

  constructor(events: BackendEvents) {
    this.#events = events;
    showServer(undefined);
    select.addEventListener("change", () => this.#choose());
    button.addEventListener("click", () => void this.load());
    onKey(() => void this.load());
    onForget(() => {
      keepKey(undefined);
      events.leave();
      this.#talker = undefined;
      void this.load();
    });
  }

  get model(): Served | undefined {
    return this.#models[select.selectedIndex];
  }

  get speaker(): string {
    return this.model?.id ?? "Tegula";
  }

  get talker(): Talker | undefined {
    return this.#talker;
  }

  get isLoading(): boolean {
    return this.#loading;
  }

  async begin(): Promise<void> {
    await this.load();
  }

  /** Lists the models, which shows whether the server takes the key. */
  async load(): Promise<boolean> {
    if (this.#talker) return true;
    if (this.#loading) return false;
    this.#loading = true;
    const key = keptKey();
    // It insists on a key. A server that asks for none does not look at it.
    const client = new OpenAI({
      baseURL: API,
      apiKey: key ?? "none",
      dangerouslyAllowBrowser: true,
    });
    try {
      const { data } = await client.get<{ data: Listed[] }>("/models", { maxRetries: 0 });
      this.#list(data);
      this.#talker = this.model && talk(client, this.model);
    } catch (error) {
      if (wantsKey(error)) this.#askForKey(key !== undefined);
      else this.#fail(error);
    } finally {
      this.#loading = false;
    }
    if (this.#talker) this.#ready(client);
    return this.#talker !== undefined;
  }

  drop(): void {
    this.#talker = undefined;
    void this.load();
  }

  trouble(error: unknown): Trouble {
    return trouble(error);
  }

  #ready(client: OpenAI): void {
    this.#client = client;
    showServer(true);
    keepingFocus(() => {
      box.hidden = true;
      showKeyForm(false);
      this.#events.changed();
    });
    if (document.activeElement === document.body) rest();
    announce(`${this.speaker} is ready`);
  }

  #list(models: Listed[]): void {
    const chosen = this.model?.url ?? lastModel();
    this.#models = models.map((model) => ({
      ...model,
      url: `${API}/models/${encodeURIComponent(model.id)}`,
    }));
    select.replaceChildren(...this.#models.map(({ id }) => new Option(id)));
    select.selectedIndex = Math.max(
      0,
      this.#models.findIndex(({ url }) => url === chosen),
    );
    select.disabled = false;
  }

  #choose(): void {
    const { model } = this;
    if (!model || !this.#client) return;
    rememberModel(model.url);
    this.#events.leave();
    this.#talker = talk(this.#client, model);
    this.#events.changed();
  }

  #askForKey(wrong: boolean): void {
    keepKey(undefined);
    this.#show(() => {
      showKeyForm(true);
      button.hidden = true;
    });
    if (wrong) showProblem("The key was refused", "It is none of this server's keys.");
    keyBox.focus();
  }

  #fail(error: unknown): void {
    const { text, detail } = trouble(error);
    this.#show(() => {
      showKeyForm(false);
      button.hidden = false;
    });
    showProblem("The models could not be listed", text, detail);
  }

  /** Shows the box below the welcome, with what `change` shows in it. */
  #show(change: () => void): void {
    showServer(false);
    keepingFocus(() => {
      box.hidden = false;
      problem.hidden = true;
      change();
      if (this.#models.length === 0) select.replaceChildren(new Option("No models yet"));
      this.#events.changed();
    });
    // Below a conversation it would be out of sight.
    box.scrollIntoView({ block: "nearest" });
  }
}

/** A model of the server. */
function talk(client: OpenAI, model: Served): Talker {
  let abort = new AbortController();
  const post = <Chunk>(
    path: string,
    body: ChatCompletionCreateParamsStreaming | CompletionCreateParamsStreaming,
    headers = {},
  ): Promise<AsyncIterable<Chunk>> => {
    abort = new AbortController();
    const { signal } = abort;
    return client.post<Stream<Chunk>>(path, { body, headers, signal, stream: true });
  };
  return {
    chat: model.capabilities?.completion_chat ?? true,
    context: model.max_model_len,
    // Routers send what belongs together to one server, which has computed most of it already.
    converse: (messages, conversation) =>
      post<ChatCompletionChunk>(
        "/chat/completions",
        { model: model.id, messages, ...STREAM },
        { "X-Session-ID": conversation },
      ),
    proceed: (prompt, most) =>
      post<CompletionChunk>("/completions", { model: model.id, prompt, max_tokens: most, ...STREAM }),
    stop: () => abort.abort(),
  };
}
