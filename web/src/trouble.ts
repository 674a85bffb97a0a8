// What went wrong, said where the reader looks; and the door, where the service wants to know who asks.

import { element } from "./dom";
import { Stranger, Trouble, Unreachable, signIn } from "./service";
import { say } from "./words";

const door = element("door", HTMLDialogElement);
const key = element("key", HTMLInputElement);
const refused = element("refused", HTMLElement);

let waiting: (() => void)[] = [];

/** Say what is wrong at `place`; if the service wants a key, ask for it, and do `again` when there is one. */
export function fail(error: unknown, place: HTMLElement, again: () => void): void {
  if (error instanceof Stranger) askWho(again);
  else if (error instanceof Unreachable) place.textContent = say("offline");
  else if (error instanceof Trouble) place.textContent = error.message;
  else throw error;
}

function askWho(again: () => void): void {
  waiting.push(again);
  refused.textContent = "";
  if (!door.open) door.showModal();
}

async function enter(): Promise<void> {
  const good = await signIn(key.value).catch(() => false);
  if (!good) {
    refused.textContent = say("refused");
    key.select();
    return;
  }
  key.value = "";
  door.close();
  const first = waiting;
  waiting = [];
  for (const again of first) again();
}

element("enter", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void enter();
});
