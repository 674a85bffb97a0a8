// Light or dark: as the system has it, until the reader says otherwise.

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "theme";

const changed = new EventTarget();

export function theme(): Theme {
  return THEMES.find((known) => known === localStorage.getItem(KEPT)) ?? "auto";
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  wear();
}

/** Be told when the colours are other ones: what is painted on a canvas does not follow them by itself. */
export function onTheme(told: () => void, signal: AbortSignal): void {
  changed.addEventListener("change", told, { signal });
}

export function startTheme(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", wear);
  wear();
}

function wear(): void {
  document.documentElement.dataset["theme"] = theme();
  changed.dispatchEvent(new Event("change"));
}
