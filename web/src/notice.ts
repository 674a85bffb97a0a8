// One line at the foot of the page that says what was done, and takes it back.

import { element, within } from "./dom";
import { say, type Word } from "./words";

// Long enough to read and to reach it with the keyboard; the trash has what was missed.
const STAYS_MS = 12_000;

const notice = element("notice", HTMLElement);
const said = within(notice, "p", HTMLElement);
const button = within(notice, "button", HTMLButtonElement);

let undo: (() => void) | null = null;
let going = 0;

export function tell(word: Word, takeBack: (() => void) | null = null): void {
  undo = takeBack;
  said.textContent = say(word);
  button.hidden = takeBack === null;
  notice.classList.add("shown");
  stay();
}

function stay(): void {
  clearTimeout(going);
  going = setTimeout(() => (notice.matches(":hover, :focus-within") ? stay() : dismiss()), STAYS_MS);
}

function dismiss(): void {
  clearTimeout(going);
  undo = null;
  said.textContent = "";
  button.hidden = true;
  notice.classList.remove("shown");
}

function takeBack(): void {
  const now = undo;
  dismiss();
  now?.();
}

button.addEventListener("click", takeBack);
document.addEventListener("keydown", (event) => {
  const typing = (event.target as Element).closest("textarea, input:not([type=range]):not([type=checkbox])");
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || undo === null || typing) return;
  event.preventDefault();
  takeBack();
});
