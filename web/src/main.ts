// The page: its views, each at its own address, in two languages.

import { compare, startCompare } from "./compare";
import { auditView } from "./audit";
import { mirrorsView } from "./mirrors";
import { modelsView } from "./models";
import { openDoor } from "./trouble";
import { element } from "./dom";
import { past, startHistory } from "./history";
import { here, onArrival, type View, type ViewName } from "./views";
import { speak, startSpeak } from "./speak";
import { listenForSpace } from "./turns";
import { voicesView } from "./voices";
import { say, switchLanguage, translate } from "./words";

const VIEWS: Record<ViewName, View> = { speak, history: past, compare, voices: voicesView, models: modelsView, mirrors: mirrorsView, audit: auditView };
const NAMES = Object.keys(VIEWS) as ViewName[];

let open: ViewName | null = null;

function arrive(): void {
  const { view, asked } = here();
  if (open !== null && open !== view) VIEWS[open].leave();
  for (const name of NAMES) {
    element(`view-${name}`, HTMLElement).hidden = name !== view;
    const tab = element(`to-${name}`, HTMLAnchorElement);
    if (name === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  open = view;
  showTitle();
  VIEWS[view].enter(asked);
}

function show(): void {
  translate();
  const language = element("language", HTMLButtonElement);
  language.textContent = say("language");
  language.lang = say("language") === "中文" ? "zh-CN" : "en";
  for (const name of NAMES) VIEWS[name].show();
  showTitle();
}

function showTitle(): void {
  document.title = `${say(VIEWS[open ?? "speak"].title)} · indextts-hub`;
}

element("language", HTMLButtonElement).addEventListener("click", () => {
  switchLanguage();
  show();
});
element("skip", HTMLAnchorElement).addEventListener("click", (event) => {
  // The address is the view's: the jump is made without it.
  event.preventDefault();
  element("main", HTMLElement).focus();
});
openDoor();
listenForSpace();
startSpeak();
startHistory();
startCompare();
onArrival(arrive);
show();
arrive();
