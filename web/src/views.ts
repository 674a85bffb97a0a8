// The views of the page, one at a time, by the address's hash: a link leads to one, and the browser's buttons go back and forth.

import { element } from "./dom";

export type View = "speak" | "history" | "voices";

const VIEWS: View[] = ["speak", "history", "voices"];

/** Show the view that the address names, now and whenever it changes, and tell which. */
export function follow(shown: (view: View) => void): void {
  const show = (): void => {
    const view = current();
    for (const name of VIEWS) {
      element(`view-${name}`, HTMLElement).hidden = name !== view;
      const tab = element(`to-${name}`, HTMLAnchorElement);
      if (name === view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    shown(view);
  };
  addEventListener("hashchange", show);
  show();
}

export function current(): View {
  const name = location.hash.slice(1).split("?")[0] as View;
  return VIEWS.includes(name) ? name : "speak";
}

/** What the address says behind the view's name: `#history?q=…`. */
export function state(): URLSearchParams {
  return new URLSearchParams(location.hash.split("?")[1] ?? "");
}

/** Put the state of a view into the address, without a step in the browser's history. */
export function keep(view: View, values: URLSearchParams): void {
  const written = values.toString();
  history.replaceState(null, "", `#${view}${written ? `?${written}` : ""}`);
}
