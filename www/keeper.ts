/**
 * Keeps what the chat gives it, in the database. Without a database, or after a failure, it keeps all in
 * memory and says so in a notice. It tells other tabs of changes, and hears of theirs.
 */

import type { Conversation, Exchange, Saved } from "./record.js";
import { notify } from "./say.js";
import { MemoryStore, openStore, type Store } from "./store.js";

/** How long the database may take to open, in milliseconds. */
const PATIENCE = 5000;

/** The store, which never makes the chat fail. */
export class Keeper {
  #store: Store;
  #channel =
    typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("tegula-demo");

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Opens the database. */
  static async open(): Promise<Keeper> {
    try {
      return new Keeper(await inTime(openStore()));
    } catch (error) {
      warn(
        "This browser keeps nothing for this page, perhaps because the window is private. " +
          "Conversations last until the page is closed.",
        error,
      );
      return new Keeper(new MemoryStore());
    }
  }

  /** `heard` is called with a conversation that another tab changed. */
  listen(heard: (id: string) => void): void {
    this.#channel?.addEventListener("message", ({ data }) => heard(String(data)));
  }

  list(): Promise<Conversation[]> {
    return this.#try((store) => store.list());
  }

  read(id: string): Promise<Saved | undefined> {
    return this.#try((store) => store.read(id));
  }

  /** Keeps an exchange; `tell` the other tabs where it is whole. */
  async keep(exchange: Exchange, tell = false): Promise<void> {
    await this.#try((store) => store.write(exchange));
    if (tell) this.#channel?.postMessage(exchange.conversation);
  }

  async draft(id: string, text: string, before: string): Promise<void> {
    await this.#try((store) => store.draft(id, text, before));
  }

  async remove(id: string): Promise<Saved | undefined> {
    const saved = await this.#try((store) => store.remove(id));
    this.#channel?.postMessage(id);
    return saved;
  }

  async restore(saved: Saved): Promise<void> {
    await this.#try((store) => store.restore(saved));
    this.#channel?.postMessage(saved.conversation.id);
  }

  async #try<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = this.#store;
    try {
      return await work(store);
    } catch (error) {
      // Memory does not fail; so this was the database, for the first time or from several places
      // at once.
      if (this.#store === store) {
        warn(
          "The browser cannot keep more of the conversation, perhaps because its storage is " +
            "full. It lasts until the page is closed.",
          error,
        );
        this.#store = await inMemory(store);
      }
      return await work(this.#store);
    }
  }
}

/** Browsers have had databases that never open. The page does not wait for them. */
function inTime<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error("the database does not open")), PATIENCE);
  });
  return Promise.race([work, late]);
}

/** What can still be read, in memory. */
async function inMemory(store: Store): Promise<Store> {
  const memory = new MemoryStore();
  try {
    for (const { id } of await store.list()) {
      const saved = await store.read(id);
      if (saved) await memory.restore(saved);
    }
  } catch {
    // The database cannot be read either; what the page shows goes on.
  }
  return memory;
}

function warn(text: string, error: unknown): void {
  console.warn("demo:", error);
  notify({ kind: "storage", text });
}
