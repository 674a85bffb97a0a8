// One row of the history: a task, what it is, and what can be done with it.

import type { Clip } from "./clip";
import { copied, dress, element, within } from "./dom";
import { clock, emotionOf, lengthOf, speedOf, when } from "./facts";
import { fileName } from "./player";
import { worded } from "./problems";
import { address } from "./views";
import { captions, type Task } from "./service";
import { say, translate, type Word } from "./words";

/** What a row is told besides its task. */
export interface Beside {
  clip: Clip;
  ticked: ReadonlySet<string>;
}

export const STATES: Record<Task["status"], Word> = {
  done: "statusDone",
  running: "statusRunning",
  queued: "statusQueued",
  failed: "statusFailed",
  cancelled: "statusCancelled",
};

/** Write a task into a row's element, which may hold another one; null is one that is still to come. */
export function drawRow(into: HTMLElement, task: Task | null, beside: Beside): void {
  const act = into.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["act"] : undefined;
  into.classList.toggle("coming", task === null);
  into.setAttribute("aria-hidden", String(task === null));
  if (task === null) {
    into.replaceChildren(element("row-coming", HTMLTemplateElement).content.cloneNode(true));
    return;
  }
  into.dataset["id"] = task.id;
  into.replaceChildren(...rowOf(task, beside).childNodes);
  showClip(into, task, beside.clip);
  if (act === undefined) return;
  const same = into.querySelector<HTMLElement>(`[data-act="${act}"]:not([hidden])`);
  (same ?? into.querySelector<HTMLElement>("[data-act]:not([hidden]):not(:disabled)"))?.focus();
}

/** Show how the clip stands in the row of the task that it plays. */
export function showClip(line: HTMLElement, task: Task, clip: Clip): void {
  const mine = clip.task?.id === task.id;
  line.classList.toggle("current", mine);
  const play = line.querySelector<HTMLElement>("[data-act=play]");
  const place = line.querySelector<HTMLInputElement>("[data-act=place]");
  const time = line.querySelector<HTMLElement>(".time");
  if (play === null || place === null || time === null) return;
  const does = mine && clip.playing ? "pause" : "play";
  if (play.dataset["does"] !== does) dress(play, does, say(does));
  play.dataset["does"] = does;
  place.hidden = !mine;
  time.hidden = !mine;
  if (!mine) return;
  place.max = String(task.duration ?? 0);
  place.value = String(clip.time);
  time.textContent = clip.wrong ? say("unheard") : `${clock(clip.time)} / ${clock(task.duration ?? 0)}`;
  place.setAttribute("aria-valuetext", time.textContent);
}

function rowOf(task: Task, beside: Beside): HTMLElement {
  const row = copied("row");
  const name = (task.name ?? task.text).slice(0, 40);
  const heard = task.audio_url !== null;
  const kept = task.deleted === null;
  translate(row);
  const named = within(row, ".named", HTMLElement);
  named.textContent = task.name ?? "";
  named.hidden = !task.name;
  within(row, ".said span", HTMLElement).textContent = task.text;
  within(row, ".said", HTMLElement).title = task.text.slice(0, 1000);
  within(row, ".mark", HTMLElement).hidden = !heard || !kept;
  within(row, ".facts", HTMLElement).textContent = factsOf(task);
  const state = within(row, ".state", HTMLElement);
  state.hidden = task.status === "done";
  state.textContent = say(STATES[task.status]);
  state.dataset["state"] = task.status;
  const tick = within(row, "[data-act=tick]", HTMLInputElement);
  tick.hidden = !kept;
  tick.disabled = !heard;
  tick.checked = beside.ticked.has(task.id);
  tick.setAttribute("aria-label", `${say("tick")}: ${name}`);
  // What is in the trash is not played: it is brought back first.
  within(row, "[data-act=play]", HTMLButtonElement).hidden = !kept;
  within(row, "[data-act=play]", HTMLButtonElement).disabled = !heard;
  within(row, "[data-act=place]", HTMLInputElement).setAttribute("aria-label", say("place"));
  offer(row, "name", "rename", kept, name);
  offer(row, "again", "again", kept, name, address("speak", { from: task.id }));
  offer(row, "download", "download", heard && kept, name, task.audio_url ?? "", `${fileName(task)}.${task.settings.format}`);
  offer(row, "captions", "captions", heard && kept, name, captions(task.id), `${fileName(task)}.srt`);
  offer(row, "delete", "delete", kept, name);
  offer(row, "restore", "restore", !kept, name);
  offer(row, "purge", "purge", !kept, name);
  return row;
}

/** One thing that can be done with a task, if it can; a link has an address, and perhaps a file's name. */
function offer(row: HTMLElement, act: string, word: Word, can: boolean, name: string, href = "", file = ""): void {
  const control = within(row, `[data-act=${act}]`, HTMLElement);
  control.hidden = !can;
  control.title = say(word);
  control.setAttribute("aria-label", `${say(word)}: ${name}`);
  if (!(control instanceof HTMLAnchorElement)) return;
  control.href = href;
  if (file) control.download = file;
}

function factsOf(task: Task): string {
  const said = [when(task.created), task.model, emotionOf(task), speedOf(task)];
  if (task.status === "failed" && task.error) return [when(task.created), worded(task.error_code, task.error)].join(" · ");
  return [...said, ...(task.duration === null ? [] : [lengthOf(task), task.settings.format.toUpperCase()])].join(" · ");
}
