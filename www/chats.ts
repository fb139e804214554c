/**
 * Earlier conversations: a list to open and delete them, and the ways between them. All of them can
 * be undone.
 */

import type { Chat } from "./chat.js";
import { newId } from "./id.js";
import type { Keeper } from "./keeper.js";
import { button, element, keepingFocus, make } from "./page.js";
import { titleOf, type Conversation, type Saved } from "./record.js";
import { announce, dismiss, noticed, notify } from "./say.js";

const panel = element("chats", HTMLDetailsElement);
const list = element("chat-list", HTMLUListElement);
const none = element("no-chats", HTMLParagraphElement);
const newChat = element("new-chat", HTMLButtonElement);

/** The list of conversations. */
export class Chats {
  #chat: Chat;
  #keeper: Keeper;
  /** What was deleted since the notice that can undo it is there. */
  #deleted: Saved[] = [];
  #shown = "";
  #steps: Promise<void> = Promise.resolve();
  /** Another tab added to the open conversation. */
  #stale = false;

  constructor(chat: Chat, keeper: Keeper) {
    this.#chat = chat;
    this.#keeper = keeper;
    newChat.addEventListener("click", () => void this.#alone(() => this.#startNew()));
    keeper.listen((id) => void this.#heard(id));
  }

  /** One step after the other: whoever presses twice must not be between two conversations. */
  #alone(step: () => Promise<void>): Promise<void> {
    this.#steps = this.#steps.then(step).catch((error) => console.error("demo:", error));
    return this.#steps;
  }

  /** Shows the list as it is now. */
  async refresh(): Promise<void> {
    keepingFocus(() => (newChat.hidden = this.#chat.isEmpty));
    await this.#catchUp();
    const conversations = await this.#keeper.list();
    const state = JSON.stringify([this.#chat.id, conversations]);
    // Rows that did not change keep the focus.
    if (state === this.#shown) return;
    this.#shown = state;
    const focused = list.contains(document.activeElement);
    const at = focused
      ? [...list.querySelectorAll("button")].indexOf(document.activeElement as HTMLButtonElement)
      : -1;
    list.replaceChildren(...conversations.map((one) => this.#row(one)));
    list.hidden = conversations.length === 0;
    none.hidden = conversations.length > 0;
    if (!focused) return;
    const buttons = [...list.querySelectorAll("button")];
    (buttons[Math.min(at, buttons.length - 1)] ?? panel.querySelector("summary"))?.focus();
  }

  #row(conversation: Conversation): HTMLElement {
    const { id } = conversation;
    const title = conversation.title || `Draft: ${titleOf(conversation.draft)}`;
    const when = new Date(conversation.updated).toLocaleString("en", {
      dateStyle: "medium",
      timeStyle: "short",
    });
    const { composer } = this.#chat;
    const open = button("", "row", () => {
      const { text } = composer;
      void this.#alone(() => this.#open(id, text));
    });
    open.append(make("span", "title", title), make("span", "when", when));
    if (id === this.#chat.id) open.setAttribute("aria-current", "true");
    return make(
      "li",
      "",
      open,
      button(
        "×",
        "quiet close",
        () => void this.#alone(() => this.#delete(id)),
        `Delete “${title}”`,
      ),
    );
  }

  /** Opens a conversation. What stands in the box stays with the one that it was written in. */
  async #open(id: string, text: string): Promise<void> {
    panel.open = false;
    dismiss("undo");
    await this.#show(id, text);
    this.#chat.composer.focus();
  }

  /**
   * Shows a conversation with its draft. Where the box does not hold `text` any more, somebody
   * types: that stays in the box, as it does without a `text`.
   */
  async #show(id: string, text?: string): Promise<void> {
    const chat = this.#chat;
    if (id === chat.id) return;
    await chat.halt();
    const saved = await this.#keeper.read(id);
    const draft = saved?.conversation.draft ?? "";
    this.#stale = false;
    const carries = chat.composer.text !== text;
    chat.open(id, saved?.exchanges ?? [], carries ? undefined : draft, draft);
  }

  /**
   * The text in the box goes along: whoever wants a new conversation may have begun to write it.
   */
  async #startNew(): Promise<void> {
    const chat = this.#chat;
    if (chat.isEmpty) return chat.composer.focus();
    const before = chat.id;
    await chat.halt();
    await this.#takeDraft(before);
    chat.open(newId(), [], undefined, "");
    chat.composer.focus();
    const undo = async (): Promise<void> => {
      const left = chat.id;
      await this.#show(before);
      await this.#takeDraft(left);
      chat.composer.focus();
      await this.refresh();
    };
    notify({
      kind: "undo",
      text: "This is a new chat. The last one is kept under Chats.",
      action: { label: "Undo", run: () => void this.#alone(undo) },
    });
  }

  /** The draft that went along is not that of the conversation any more. */
  async #takeDraft(id: string): Promise<void> {
    const text = this.#chat.composer.text;
    if (text !== "") await this.#keeper.draft(id, "", text);
  }

  async #delete(id: string): Promise<void> {
    const open = id === this.#chat.id;
    dismiss("undo");
    if (open) await this.#chat.halt();
    const saved = await this.#keeper.remove(id);
    if (!noticed("deleted")) this.#deleted = [];
    if (saved) this.#deleted.push(saved);
    // What stands in the box stays there, but for a draft that was all there is to delete.
    const said = saved !== undefined && saved.exchanges.length > 0;
    if (open) this.#chat.open(newId(), [], said ? undefined : "", "");
    await this.refresh();
    const count = this.#deleted.length;
    const text =
      count === 1 ? "The conversation was deleted." : `${count} conversations were deleted.`;
    notify({
      kind: "deleted",
      text,
      action: {
        label: "Undo",
        run: () => void this.#alone(() => this.#undelete(open ? id : undefined)),
      },
    });
  }

  async #undelete(show: string | undefined): Promise<void> {
    const back = this.#deleted.splice(0);
    for (const saved of back) await this.#keeper.restore(saved);
    const { id, isEmpty, composer } = this.#chat;
    const { text } = composer;
    const draft = back.find(({ conversation }) => conversation.id === show)?.conversation.draft;
    // Where something new was begun meanwhile, it stays open.
    if (show && isEmpty && (text === "" || text === draft)) {
      await this.#show(show, text);
      await this.#keeper.draft(id, "", text);
    }
    await this.refresh();
    announce("The conversations are back");
  }

  /** Another tab changed a conversation. */
  async #heard(id: string): Promise<void> {
    if (id === this.#chat.id) this.#stale = true;
    await this.refresh();
  }

  /** Shows what another tab added; while an answer comes that waits. */
  async #catchUp(): Promise<void> {
    const chat = this.#chat;
    const { id } = chat;
    if (!this.#stale || chat.busy) return;
    this.#stale = false;
    const saved = await this.#keeper.read(id);
    if (id !== chat.id) return;
    if (chat.busy) {
      this.#stale = true;
      return;
    }
    // One that was deleted there stays on the page here, until it is left.
    if (!saved || JSON.stringify(saved.exchanges) === JSON.stringify(chat.exchanges)) return;
    chat.exchanges = saved.exchanges;
    chat.render();
    chat.showFigures();
  }
}
