// The connection: where the service does not answer, that is said on top of the page until it does again.

import { element } from "./dom";
import { tell } from "./notice";

const banner = element("lost", HTMLElement);

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const ANSWER_MS = 5000;

let waiting: Promise<void> | null = null;
let returned = (): void => {};

/** Be told when the service answers again: what could not be shown can be asked for now. */
export function onReturn(told: () => void): void {
  returned = told;
  addEventListener("offline", () => void lost());
}

/** Something was not answered; resolves as soon as the service answers. */
export function lost(): Promise<void> {
  waiting ??= comeBack().finally(() => (waiting = null));
  return waiting;
}

async function comeBack(): Promise<void> {
  // One request may be lost where all others are answered.
  if (await answers()) return;
  banner.hidden = false;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, 1.5 * wait)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (await answers()) break;
  }
  banner.hidden = true;
  tell("answersAgain");
  returned();
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) })).ok;
  } catch {
    return false;
  }
}
