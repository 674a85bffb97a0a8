// Where the reader is. It stands in the address behind the `#`: a reload or a link brings it back, and no server hears of it.

import type { Word } from "./words";

export const NAMES = ["speak", "script", "history", "compare", "voices", "models", "mirrors", "audit", "report", "settings"] as const;

export type ViewName = (typeof NAMES)[number];

/** One view of the page: `enter` is told what the address asks for, also when only that has changed. */
export interface View {
  title: Word;
  enter(asked: URLSearchParams): void;
  leave(): void;
  /** Say everything again: the language has changed. */
  show(): void;
}

export interface Place {
  view: ViewName;
  asked: URLSearchParams;
}

let arrived = (): void => {};

export function here(): Place {
  const [name = "", asked = ""] = location.hash.replace(/^#/, "").split("?", 2);
  return { view: NAMES.find((known) => known === name) ?? "speak", asked: new URLSearchParams(asked) };
}

/** The address of a view; what is empty is left out. */
export function address(view: ViewName, asked: Record<string, string> = {}): string {
  const written = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "")).toString();
  return `#${view}${written && `?${written}`}`;
}

export function go(view: ViewName, asked: Record<string, string> = {}): void {
  history.pushState(null, "", address(view, asked));
  arrived();
}

/** Change what the address asks for without a step that Back would have to go through. */
export function restate(view: ViewName, asked: Record<string, string> = {}): void {
  history.replaceState(null, "", address(view, asked));
}

/** Be told of every arrival: links, Back and Forward, `go`. */
export function onArrival(told: () => void): void {
  arrived = told;
  addEventListener("popstate", told);
}
