// Settings: language and theme, who is signed in and what they may do, and how programs ask for the same.

import type { Session } from "./answers";
import { copied, element, made, within } from "./dom";
import { examplesOf } from "./examples";
import { tell } from "./notice";
import { showRights } from "./rights";
import { signOut } from "./service";
import { asked } from "./speak";
import { setTheme, theme, THEMES } from "./theme";
import { askWho, sentence } from "./trouble";
import type { View } from "./views";
import { language, say, setLanguage, translate, type Word } from "./words";

const view = element("view-settings", HTMLElement);
const who = element("who", HTMLElement);
const may = element("may", HTMLElement);
const wrong = element("who-wrong", HTMLElement);
const signInButton = element("sign-in", HTMLButtonElement);
const signOutButton = element("sign-out", HTMLButtonElement);

const SCOPES: [string, Word][] = [
  ["speak", "maySpeak"],
  ["read", "mayRead"],
  ["admin", "mayAdmin"],
];
const KEYS: [string, Word][] = [
  ["Ctrl ↵", "keySpeak"],
  ["Space", "keyPlay"],
  ["← →", "keySeek"],
  ["X", "keyOther"],
  ["Ctrl Z", "keyUndo"],
];

let known: Session | null = null;

export const settings: View = {
  title: "settings",
  enter: () => void open(),
  leave: () => {},
  show() {
    for (const input of view.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
      input.checked = input.value === (input.name === "theme" ? theme() : language);
    }
    showKeys();
    showSession();
    showExamples();
  },
};

export function startSettings(): void {
  view.addEventListener("change", (event) => {
    const { name, value } = event.target as HTMLInputElement;
    if (name === "language") setLanguage(value === "zh" ? "zh" : "en");
    if (name === "theme") setTheme(THEMES.find((each) => each === value) ?? "auto");
  });
  signInButton.addEventListener("click", () => void askWho().then(open));
  signOutButton.addEventListener("click", () => void signOut().then(open).catch(fail));
}

async function open(): Promise<void> {
  wrong.textContent = "";
  known = (await showRights()) ?? known;
  showSession();
  showExamples();
}

function fail(error: unknown): void {
  wrong.textContent = sentence(error);
}

function showSession(): void {
  if (known === null) return;
  who.textContent = !known.asks ? say("nobodyAsked") : known.name === null ? say("notSignedIn") : say("signedInAs", known.name);
  const allowed = new Set(known.scopes);
  const scopes = SCOPES.filter(([scope]) => allowed.has(scope)).map(([, word]) => say(word));
  may.textContent = scopes.length === 0 ? "" : say("may", scopes.join(say("and")));
  signInButton.hidden = !known.asks || known.name !== null;
  signOutButton.hidden = !known.asks || known.name === null;
}

function showKeys(): void {
  element("shortcuts", HTMLElement).replaceChildren(
    ...KEYS.flatMap(([key, word]) => {
      const name = made("dt");
      name.append(made("kbd", "", key));
      return [name, made("dd", "", say(word))];
    }),
  );
}

function showExamples(): void {
  const now = asked();
  const ask = { ...now, text: now.text || say("placeholder") };
  element("examples", HTMLElement).replaceChildren(
    ...examplesOf(ask, location.origin, known?.asks ?? false).map(({ name, text }) => {
      const example = copied("example");
      within(example, "h4", HTMLElement).textContent = name;
      const code = within(example, "pre", HTMLElement);
      code.textContent = text;
      code.setAttribute("role", "group");
      code.setAttribute("aria-label", name);
      const copy = within(example, ".copy", HTMLButtonElement);
      copy.addEventListener("click", () => void toClipboard(code, text));
      translate(example);
      copy.setAttribute("aria-label", `${say("copy")}: ${name}`);
      return example;
    }),
  );
}

/** Browsers give the clipboard only to pages on HTTPS and this machine; elsewhere the text is selected, to be copied by a key. */
async function toClipboard(code: HTMLElement, text: string): Promise<void> {
  const copied = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (!copied) getSelection()?.selectAllChildren(code);
  tell(copied ? "copiedIt" : "selectedIt");
}
