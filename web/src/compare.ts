// Compare: two takes side by side; one key goes to the same place in the other.

import { sentence } from "./trouble";
import { copied, element, made, within } from "./dom";
import { emotionOf, formatOf, lengthOf, speedOf, when } from "./facts";
import { Player } from "./player";
import { samePlace } from "./position";
import { address, here, restate, type View } from "./views";
import { task as found, type Task, tasks } from "./service";
import { endTurns, takeTurn } from "./turns";
import { say, translate, type Word } from "./words";

const sides = element("sides", HTMLElement);
const state = element("compare-state", HTMLElement);
const other = element("other", HTMLButtonElement);
const differs = element("differs", HTMLElement);

// The two takes that are compared without being named are looked for among this many.
const LATEST = 20;

const LINES: [Word, (task: Task) => string][] = [
  ["model", (task) => task.model],
  ["digest", (task) => task.model_digest?.slice(0, 8) ?? "–"],
  ["emotion", emotionOf],
  ["speed", speedOf],
  ["voice", (task) => task.voice ?? "–"],
  ["format", formatOf],
  ["length", lengthOf],
  ["created", (task) => when(task.created)],
];

let players: Player[] = [];
let heard = 0;
let asking = 0;

export const compare: View = {
  title: "compare",
  enter(asked) {
    void compareTasks(asked.get("a"), asked.get("b"));
  },
  leave() {
    asking += 1;
    clearSides();
    endTurns();
  },
  show() {
    for (const player of players) player.show();
    showSides();
  },
};

export function startCompare(): void {
  other.addEventListener("click", change);
  document.addEventListener("keydown", (event) => {
    const typing = (event.target as Element).closest("input, textarea, select, dialog");
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (here().view === "compare" && players.length === 2 && !event.repeat) change();
  });
}

/** Go to the same place in the other take, and go on there. */
function change(): void {
  const from = players[heard];
  const to = players[1 - heard];
  if (!from || !to) return;
  const goesOn = from.playing;
  const place = samePlace(from.time, from.task, to.task);
  from.pause();
  hear(1 - heard);
  to.seek(place);
  takeTurn(to);
  if (goesOn) to.play();
}

function hear(side: number): void {
  heard = side;
  for (const [at, line] of [...sides.children].entries()) {
    line.classList.toggle("heard", at === side);
    within(line, ".now", HTMLElement).hidden = at !== side;
  }
}

async function compareTasks(a: string | null, b: string | null): Promise<void> {
  const mine = (asking += 1);
  clearSides();
  showState(say("loading"));
  try {
    const pair = a && b ? await Promise.all([found(a), found(b)]) : await lastTwo();
    if (mine !== asking) return;
    if (pair === null) {
      showState(say("twoWanted"), true);
      return;
    }
    if (!(a && b)) restate("compare", { a: pair[0].id, b: pair[1].id });
    showState("");
    players = pair.map((task) => new Player(task));
    sides.replaceChildren(...players.map((player, at) => side(player, at)));
    hear(0);
    showSides();
    if (players[0]) takeTurn(players[0]);
  } catch (error) {
    if (mine === asking) showState(sentence(error), true);
  }
}

/** The latest two takes of one text, the earlier one first; where no text was taken twice, the latest two. */
async function lastTwo(): Promise<[Task, Task] | null> {
  const { tasks: latest } = await tasks(new URLSearchParams({ status: "done", size: String(LATEST) }));
  for (const [at, task] of latest.entries()) {
    const before = latest.slice(at + 1).find((earlier) => earlier.text === task.text);
    if (before) return [before, task];
  }
  const [task, before] = latest;
  return task && before ? [before, task] : null;
}

function side(player: Player, at: number): HTMLElement {
  const line = copied("side");
  within(line, ".letter", HTMLElement).textContent = "AB"[at] ?? "";
  const said = within(line, ".said", HTMLElement);
  said.textContent = player.task.text;
  said.hidden = player.task.segments.length > 1;
  within(line, ".sounds", HTMLElement).append(player.element);
  within(line, ".again", HTMLAnchorElement).href = address("speak", { from: player.task.id });
  // Whatever is done to a take makes it the one that is heard.
  player.element.addEventListener("pointerdown", () => hear(at));
  player.element.addEventListener("focusin", () => hear(at));
  within(player.element, "audio", HTMLAudioElement).addEventListener("play", () => hear(at));
  return line;
}

function showSides(): void {
  const [a, b] = players;
  element("transport", HTMLElement).hidden = !a || !b;
  differs.hidden = !a || !b;
  if (!a || !b) return;
  for (const line of sides.children) translate(line);
  for (const player of players) player.show();
  within(differs, "tbody", HTMLElement).replaceChildren(
    ...LINES.map(([word, of]) => {
      const line = made("tr", of(a.task) === of(b.task) ? "" : "differs");
      const name = made("th", "", say(word));
      name.scope = "row";
      line.append(name, made("td", "", of(a.task)), made("td", "", of(b.task)));
      return line;
    }),
  );
  element("one-text", HTMLElement).hidden = a.task.text === b.task.text;
}

function clearSides(): void {
  for (const player of players) player.end();
  players = [];
  heard = 0;
  sides.replaceChildren();
  showSides();
}

function showState(text: string, chooses = false): void {
  state.hidden = text === "";
  within(state, "p", HTMLElement).textContent = text;
  within(state, "a", HTMLElement).hidden = !chooses;
}
