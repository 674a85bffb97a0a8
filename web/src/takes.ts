// What was spoken since the page was opened, the latest first, each with its player.

import type { Task } from "./answers";
import { copied, element, made, within } from "./dom";
import { facts } from "./facts";
import { Player } from "./player";
import { worded } from "./problems";
import { takeTurn } from "./turns";
import { translate } from "./words";

const list = element("takes", HTMLElement);
const pair = element("pair", HTMLAnchorElement);

// Each take holds its audio; the older ones stand in the history.
const MOST = 20;

const takes: Player[] = [];

/** Put a take on top; `begins`: it sounds at once. */
export function addTake(task: Task, begins: boolean): void {
  const take = copied("take");
  const player = new Player(task, begins);
  within(take, ".said", HTMLElement).textContent = task.text;
  within(take, ".said", HTMLElement).hidden = task.segments.length > 1;
  within(take, ".sounds", HTMLElement).append(player.element);
  takes.unshift(player);
  for (const old of takes.splice(MOST)) {
    const gone = old.element.closest("li");
    old.end();
    gone?.remove();
  }
  show(player);
  element("empty", HTMLElement).hidden = true;
  list.prepend(take);
  const [latest, before] = takes;
  pair.hidden = before === undefined;
  if (latest && before) pair.href = `#compare?a=${before.task.id}&b=${latest.task.id}`;
}

/** Say everything again: the language has changed. */
export function showTakes(): void {
  for (const take of takes) show(take);
}

/** Let Space be for the latest one. */
export function latestTakesTurn(): void {
  if (takes[0] !== undefined) takeTurn(takes[0]);
}

function show(player: Player): void {
  player.show();
  const take = player.element.closest("li");
  if (take === null) return;
  translate(take);
  const line = within(take, ".facts", HTMLElement);
  line.textContent = facts(player.task);
  line.title = `sha256:${player.task.model_digest}`;
  within(take, ".warnings", HTMLElement).replaceChildren(...player.task.warnings.map((warning) => made("li", "", worded(null, warning))));
}
