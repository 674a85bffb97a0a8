// The page: its views, each at its own address, in two languages.

import { auditView } from "./audit";
import { compare, startCompare } from "./compare";
import { onReturn } from "./connection";
import { element } from "./dom";
import { past, startHistory } from "./history";
import { mirrorsView } from "./mirrors";
import { modelsView } from "./models";
import { showRights } from "./rights";
import { reportView, startReport } from "./report";
import { script, startScript } from "./script";
import { settings, startSettings } from "./settings";
import { speak, startSpeak } from "./speak";
import { startTheme } from "./theme";
import { openDoor } from "./trouble";
import { listenForSpace } from "./turns";
import { here, NAMES, onArrival, type View, type ViewName } from "./views";
import { voicesView } from "./voices";
import { onLanguage, say, switchLanguage, translate } from "./words";

const VIEWS: Record<ViewName, View> = {
  speak,
  script,
  history: past,
  compare,
  voices: voicesView,
  models: modelsView,
  mirrors: mirrorsView,
  audit: auditView,
  report: reportView,
  settings,
};

let open: ViewName | null = null;

function arrive(): void {
  const { view, asked } = here();
  if (open !== null && open !== view) VIEWS[open].leave();
  for (const name of NAMES) {
    element(`view-${name}`, HTMLElement).hidden = name !== view;
    const tab = document.getElementById(`to-${name}`);
    if (name === view) tab?.setAttribute("aria-current", "page");
    else tab?.removeAttribute("aria-current");
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

element("language", HTMLButtonElement).addEventListener("click", switchLanguage);
element("skip", HTMLAnchorElement).addEventListener("click", (event) => {
  // The address is the view's: the jump is made without it.
  event.preventDefault();
  element("main", HTMLElement).focus();
});
startTheme();
openDoor(() => void showRights());
listenForSpace();
startSpeak();
startScript();
startHistory();
startCompare();
startReport();
startSettings();
onLanguage(show);
onArrival(arrive);
onReturn(arrive);
show();
arrive();
void showRights();
