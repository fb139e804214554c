/**
 * Keeps conversations in IndexedDB, in a database of the demo's own. Exchanges are records of their
 * own, and each tab writes only those that it made: two tabs in one conversation add to it, and
 * neither overwrites what the other wrote.
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { titleOf, type Conversation, type Exchange, type Saved } from "./record.js";

/** Where conversations are kept. */
export interface Store {
  /** Conversations, the latest first. */
  list(): Promise<Conversation[]>;
  /** A conversation; nothing if it is not there. */
  read(id: string): Promise<Saved | undefined>;
  /** Keeps an exchange, new or changed, and the conversation that it is in. */
  write(exchange: Exchange): Promise<void>;
  /** Keeps what stands in a box. Nothing replaces only what this tab wrote there (`before`). */
  draft(id: string, text: string, before: string): Promise<void>;
  /** Removes a conversation, and gives it for {@link restore}. */
  remove(id: string): Promise<Saved | undefined>;
  restore(saved: Saved): Promise<void>;
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  exchanges: { key: string; value: Exchange; indexes: { conversation: string } };
}

const STORES = ["conversations", "exchanges"] as const;

/** Opens the database. Rejects where the browser offers none, as some do in private windows. */
export async function openStore(): Promise<Store> {
  const database = await openDB<Schema>("tegula-demo", 1, {
    upgrade(created) {
      created.createObjectStore("conversations", { keyPath: "id" });
      created
        .createObjectStore("exchanges", { keyPath: "id" })
        .createIndex("conversation", "conversation");
    },
    // Holding it open would block a tab with a newer page.
    blocking: () => database.close(),
  });
  return new DatabaseStore(database);
}

class DatabaseStore implements Store {
  constructor(readonly database: IDBPDatabase<Schema>) {}

  async list(): Promise<Conversation[]> {
    return latestFirst(await this.database.getAll("conversations"));
  }

  async read(id: string): Promise<Saved | undefined> {
    const transaction = this.database.transaction(STORES);
    const [conversation, exchanges] = await Promise.all([
      transaction.objectStore("conversations").get(id),
      transaction.objectStore("exchanges").index("conversation").getAll(id),
    ]);
    return (
      conversation && { conversation, exchanges: exchanges.sort((a, b) => a.created - b.created) }
    );
  }

  async write(exchange: Exchange): Promise<void> {
    const transaction = this.database.transaction(STORES, "readwrite");
    const conversations = transaction.objectStore("conversations");
    const known = await conversations.get(exchange.conversation);
    void conversations.put(updated(known, exchange));
    void transaction.objectStore("exchanges").put(exchange);
    await transaction.done;
  }

  async draft(id: string, text: string, before: string): Promise<void> {
    const transaction = this.database.transaction(STORES, "readwrite");
    const conversations = transaction.objectStore("conversations");
    const known = await conversations.get(id);
    const said = await transaction.objectStore("exchanges").index("conversation").count(id);
    const next = drafted(known, id, said > 0, text, before);
    if (next === null) void conversations.delete(id);
    else if (next) void conversations.put(next);
    await transaction.done;
  }

  async remove(id: string): Promise<Saved | undefined> {
    const saved = await this.read(id);
    if (!saved) return undefined;
    const transaction = this.database.transaction(STORES, "readwrite");
    void transaction.objectStore("conversations").delete(id);
    for (const exchange of saved.exchanges)
      void transaction.objectStore("exchanges").delete(exchange.id);
    await transaction.done;
    return saved;
  }

  async restore({ conversation, exchanges }: Saved): Promise<void> {
    const transaction = this.database.transaction(STORES, "readwrite");
    void transaction.objectStore("conversations").put(conversation);
    for (const exchange of exchanges) void transaction.objectStore("exchanges").put(exchange);
    await transaction.done;
  }
}

/** Keeps conversations as long as the page is open, where the browser keeps nothing. */
export class MemoryStore implements Store {
  #conversations = new Map<string, Conversation>();
  #exchanges = new Map<string, Exchange>();

  list(): Promise<Conversation[]> {
    return Promise.resolve(latestFirst([...this.#conversations.values()]));
  }

  read(id: string): Promise<Saved | undefined> {
    const conversation = this.#conversations.get(id);
    return Promise.resolve(conversation && { conversation, exchanges: this.#of(id) });
  }

  write(exchange: Exchange): Promise<void> {
    this.#conversations.set(
      exchange.conversation,
      updated(this.#conversations.get(exchange.conversation), exchange),
    );
    this.#exchanges.set(exchange.id, exchange);
    return Promise.resolve();
  }

  draft(id: string, text: string, before: string): Promise<void> {
    const next = drafted(this.#conversations.get(id), id, this.#of(id).length > 0, text, before);
    if (next === null) this.#conversations.delete(id);
    else if (next) this.#conversations.set(id, next);
    return Promise.resolve();
  }

  async remove(id: string): Promise<Saved | undefined> {
    const saved = await this.read(id);
    this.#conversations.delete(id);
    for (const exchange of saved?.exchanges ?? []) this.#exchanges.delete(exchange.id);
    return saved;
  }

  restore({ conversation, exchanges }: Saved): Promise<void> {
    this.#conversations.set(conversation.id, conversation);
    for (const exchange of exchanges) this.#exchanges.set(exchange.id, exchange);
    return Promise.resolve();
  }

  #of(id: string): Exchange[] {
    return [...this.#exchanges.values()]
      .filter(({ conversation }) => conversation === id)
      .sort((a, b) => a.created - b.created);
  }
}

function latestFirst(conversations: Conversation[]): Conversation[] {
  return conversations.sort((a, b) => b.updated - a.updated);
}

function updated(
  known: Conversation | undefined,
  { conversation: id, question, created }: Exchange,
): Conversation {
  const title = known?.title || titleOf(question);
  return { id, title, draft: known?.draft ?? "", updated: Math.max(known?.updated ?? 0, created) };
}

/**
 * The conversation with its new draft; `null` if nothing is left of it, `undefined` if nothing
 * changes.
 */
function drafted(
  known: Conversation | undefined,
  id: string,
  said: boolean,
  draft: string,
  before: string,
): Conversation | null | undefined {
  if (draft !== "")
    return {
      ...(known ?? { id, title: "" }),
      draft,
      updated: said && known ? known.updated : Date.now(),
    };
  if (!known || (known.draft !== before && known.draft !== "")) return undefined;
  return said ? { ...known, draft } : null;
}
