// The page put together: its language, its views, and what each of them shows.

import { element } from "./dom";
import * as history from "./history";
import * as speak from "./speak";
import { current, follow } from "./views";
import * as voices from "./voices";
import { say, switchLanguage, translate } from "./words";

const language = element("language", HTMLButtonElement);

function show(): void {
  translate();
  language.textContent = say("language");
  language.lang = say("language") === "中文" ? "zh-CN" : "en";
  speak.show();
  history.show();
  voices.show();
  name();
}

function name(): void {
  document.title = `${say({ speak: "title", history: "history", voices: "voices" }[current()] as "title")} · indextts-hub`;
}

language.addEventListener("click", () => {
  switchLanguage();
  show();
  if (current() === "voices") void voices.open();
});
show();
void speak.findVersions();
follow((view) => {
  name();
  if (view === "history") history.open();
  if (view === "voices") void voices.open();
});
