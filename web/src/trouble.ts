// The door: who asks, where the service wants to know. What was asked for goes on once the key was a good one.

import { element } from "./dom";
import { worded } from "./problems";
import { onStranger, signIn, Stranger, Trouble, Unreachable } from "./service";
import { say } from "./words";

const door = element("door", HTMLDialogElement);
const key = element("key", HTMLInputElement);
const refused = element("refused", HTMLElement);

// Everybody who waits at the door; all of them are let in together.
let came = (): void => {};
let waiting: ((known: boolean) => void)[] = [];

/** Open the door; whether the reader came in. */
export function askWho(): Promise<boolean> {
  refused.textContent = "";
  if (!door.open) door.showModal();
  return new Promise((resolve) => waiting.push(resolve));
}

function tell(known: boolean): void {
  const told = waiting;
  waiting = [];
  for (const resolve of told) resolve(known);
}

async function enter(): Promise<void> {
  if (!(await signIn(key.value).catch(() => false))) {
    refused.textContent = say("refused");
    key.select();
    return;
  }
  key.value = "";
  tell(true);
  door.close();
  came();
}

/** What went wrong, as a sentence for people. A defect of the page itself is thrown on. */
export function sentence(error: unknown): string {
  if (error instanceof Stranger) return say("stranger");
  if (error instanceof Unreachable) return say("offline");
  if (error instanceof Trouble) return worded(error.code, error.what, error.remedy);
  throw error;
}

/** `entered`: called when somebody came in. */
export function openDoor(entered: () => void): void {
  onStranger(askWho);
  came = entered;
  door.addEventListener("close", () => tell(false));
  element("enter", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void enter();
  });
}
