/**
 * The conversation of a page and who answers it, put together: what was open is opened again, and
 * the page shows what fits the backend's state.
 */

import type { Backend, BackendEvents } from "./backend.js";
import { Chat } from "./chat.js";
import { Chats } from "./chats.js";
import { Keeper } from "./keeper.js";
import { element, keepingFocus } from "./page.js";
import { closePanel } from "./panels.js";
import { remembered, remember } from "./session.js";
import { dismiss } from "./say.js";

const welcome = element("welcome", HTMLElement);
const conversation = element("conversation", HTMLElement);
const hint = element("hint", HTMLParagraphElement);

/** Begins a page, with the backend that `make` makes. */
export async function begin(make: (events: BackendEvents) => Backend): Promise<void> {
  const keeper = await Keeper.open();
  const chat = new Chat(keeper, () => changed());
  const chats = new Chats(chat, keeper);
  let wasReady = false;
  const layOut = (): void => {
    const ready = backend.talker !== undefined;
    if (ready && !wasReady) {
      dismiss("loading");
      // What failed without a model can be tried again now.
      if (!chat.busy) chat.render();
    }
    wasReady = ready;
    const chatty = backend.talker?.chat ?? true;
    keepingFocus(() => {
      welcome.hidden = ready || !chat.isEmpty;
      conversation.hidden = !ready && chat.isEmpty;
      hint.hidden = !ready || !chat.isEmpty;
      document.body.classList.toggle("empty", chat.isEmpty);
      hint.textContent = chatty
        ? "The model is here. What would you like to know?"
        : "This model was not trained to chat: begin a text, and it continues it.";
    });
    chat.composer.show(ready || !chat.isEmpty || chat.composer.text !== "", chatty);
    if (!chat.busy) chat.showFigures();
  };
  const backend = make({ changed: layOut, leave: () => chat.stop() });
  const changed = (): void => {
    layOut();
    void chats.refresh();
  };
  chat.backend = backend;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && !closePanel()) chat.stop();
  });
  await restore(chat, keeper);
  await backend.begin();
  changed();
}

/** Opens what this tab had open or, in a new tab, the latest conversation. */
async function restore(chat: Chat, keeper: Keeper): Promise<void> {
  const session = remembered();
  if (session?.unfinished) {
    const { unfinished } = session;
    const kept = (await keeper.read(unfinished.conversation))?.exchanges.find(
      ({ id }) => id === unfinished.id,
    );
    // The database may not have got the last words, or more of them.
    if (!kept || (kept.ended === null && kept.answer.length < unfinished.answer.length))
      await keeper.keep(unfinished, true);
    remember({ conversation: session.conversation, draft: session.draft });
  }
  const id = session?.conversation ?? (await keeper.list())[0]?.id;
  if (id === undefined) return;
  const saved = await keeper.read(id);
  const kept = saved?.conversation.draft ?? "";
  // What was typed before the page was ready stays.
  const typed = chat.composer.text;
  chat.open(id, saved?.exchanges ?? [], typed || (session?.draft ?? kept), kept);
}
