// What the page says, in the two languages it speaks. The browser's language decides, until the reader does.

import { ENGLISH } from "./words/en";
import { CHINESE } from "./words/zh";

export type Language = "zh" | "en";

export type Word = keyof typeof ENGLISH;

const WORDS = { en: ENGLISH, zh: CHINESE };
const KEPT = "language";

let changed = (): void => {};

export let language: Language = chosen();

export function say(word: Word, ...values: (string | number)[]): string {
  return values.reduce<string>((text, value, at) => text.replace(`{${at}}`, () => String(value)), WORDS[language][word]);
}

/** Put the words into everything marked with `data-say`, and names and hints on what is marked with `data-name` and `data-hint`. */
export function translate(root: ParentNode = document): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of root.querySelectorAll<HTMLElement>("[data-say]")) {
    element.textContent = say(element.dataset["say"] as Word);
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-name]")) {
    element.setAttribute("aria-label", say(element.dataset["name"] as Word));
  }
  for (const element of root.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("[data-hint]")) {
    element.placeholder = say(element.dataset["hint"] as Word);
  }
}

/** Be told when another language is chosen. */
export function onLanguage(told: () => void): void {
  changed = told;
}

export function switchLanguage(): void {
  setLanguage(language === "zh" ? "en" : "zh");
}

export function setLanguage(now: Language): void {
  language = now;
  localStorage.setItem(KEPT, language);
  changed();
}

function chosen(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
