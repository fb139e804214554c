/** The demo: choose a model, load it, talk to it. It uses the npm package as any page would. */

import { Chat } from "./chat.js";
import { Chats } from "./chats.js";
import { Keeper } from "./keeper.js";
import { Loader } from "./loader.js";
import { worksOffline } from "./offline.js";
import { element, keepingFocus } from "./page.js";
import { closePanel } from "./panels.js";
import { remembered, remember } from "./session.js";
import { dismiss } from "./say.js";

const welcome = element("welcome", HTMLElement);
const conversation = element("conversation", HTMLElement);
const hint = element("hint", HTMLParagraphElement);

void begin();

async function begin(): Promise<void> {
  const keeper = await Keeper.open();
  const chat = new Chat(keeper, () => changed());
  const chats = new Chats(chat, keeper);
  let hadEngine = false;
  const layOut = (): void => {
    const ready = loader.engine !== undefined;
    if (ready && !hadEngine) {
      dismiss("loading");
      // What failed without an engine can be tried again now.
      if (!chat.busy) chat.render();
    }
    hadEngine = ready;
    const chatty = loader.engine?.model().chat ?? true;
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
  const loader = new Loader(layOut, () => chat.stop());
  const changed = (): void => {
    layOut();
    void chats.refresh();
  };
  chat.loader = loader;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && !closePanel()) chat.stop();
  });
  await restore(chat, keeper);
  await loader.begin();
  changed();
  await worksOffline();
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
