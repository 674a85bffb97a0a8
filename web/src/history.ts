// The view of what was spoken: search it, hear it, take it again, delete it and bring it back.

import { copied, element, within } from "./dom";
import { type Status, type Task, purge, remove, restore, tasks } from "./service";
import { EMOTIONS, fill } from "./speak";
import { card, showFacts } from "./take";
import { fail } from "./trouble";
import { current, keep, state } from "./views";
import { type Word, language, say, translate } from "./words";

const filter = element("filter", HTMLFormElement);
const q = element("q", HTMLInputElement);
const status = element("status", HTMLSelectElement);
const emotion = element("with-emotion", HTMLSelectElement);
const deleted = element("deleted", HTMLInputElement);
const found = element("found", HTMLElement);
const count = element("found-count", HTMLElement);
const trouble = element("history-trouble", HTMLElement);
const notice = element("notice", HTMLElement);

const STATUSES: Record<Status, Word> = {
  done: "statusDone",
  failed: "statusFailed",
  cancelled: "statusCancelled",
  running: "statusRunning",
  queued: "statusQueued",
};
const PAGE = 50;
// Nobody types faster than this between two letters of a word.
const TYPING_MS = 250;
const NOTICE_MS = 8000;

let page = 0;
let total = 0;
// Of several searches under way only the last one counts.
let search = 0;
let typing = 0;
let fading = 0;

export function show(): void {
  q.placeholder = say("search");
  q.setAttribute("aria-label", say("search"));
  options(status, "anyStatus", Object.entries(STATUSES));
  options(emotion, "anyEmotion", EMOTIONS.map((label) => [label, label]));
  status.setAttribute("aria-label", say("anyStatus"));
  emotion.setAttribute("aria-label", say("anyEmotion"));
  showFacts(found);
  for (const when of found.querySelectorAll("time")) when.textContent = moment(when.dateTime);
  if (current() === "history") showCount();
}

/** Show what the address asks for, from its beginning. */
export function open(): void {
  const asked = state();
  q.value = asked.get("q") ?? "";
  status.value = asked.get("status") ?? "";
  emotion.value = asked.get("emotion") ?? "";
  deleted.checked = asked.get("deleted") === "true";
  void again();
}

async function again(): Promise<void> {
  search += 1;
  page = 0;
  total = 0;
  found.replaceChildren();
  count.textContent = "";
  trouble.textContent = "";
  keep("history", chosen());
  await more();
}

async function more(): Promise<void> {
  const mine = search;
  if (page > 0 && found.children.length >= total) return;
  page += 1;
  const query = chosen();
  query.set("page", String(page));
  query.set("size", String(PAGE));
  try {
    const list = await tasks(query);
    if (mine !== search) return;
    total = list.total;
    found.append(...list.tasks.map(row));
    showCount();
    if (near()) await more();
  } catch (error) {
    if (mine === search) fail(error, trouble, () => void again());
  }
}

function near(): boolean {
  const end = element("more", HTMLElement).getBoundingClientRect().top;
  return end < innerHeight * 2 && found.children.length < total && current() === "history";
}

function chosen(): URLSearchParams {
  const values = new URLSearchParams();
  if (q.value.trim()) values.set("q", q.value.trim());
  if (status.value) values.set("status", status.value);
  if (emotion.value) values.set("emotion", emotion.value);
  if (deleted.checked) values.set("deleted", "true");
  return values;
}

function row(task: Task): HTMLElement {
  const item = task.status === "done" && task.deleted === null ? card(task) : plain(task);
  for (const audio of item.querySelectorAll("audio")) audio.preload = "none";
  const acts = copied("acts");
  const when = within(acts, "time", HTMLTimeElement);
  when.dateTime = task.created;
  when.textContent = moment(task.created);
  act(acts, ".again", task.deleted === null, () => {
    fill(task);
    location.hash = "speak";
  });
  act(acts, ".delete", task.deleted === null, () => void done(item, remove(task.id), task));
  act(acts, ".restore", task.deleted !== null, () => void done(item, restore(task.id)));
  act(acts, ".purge", task.deleted !== null, () => void done(item, purge(task.id)));
  translate(acts);
  item.append(acts);
  return item;
}

function plain(task: Task): HTMLLIElement {
  const copy = copied("failed");
  within(copy, ".said", HTMLElement).textContent = task.text;
  within(copy, ".ended", HTMLElement).textContent = [say(STATUSES[task.status]), task.error].filter(Boolean).join(": ");
  return within(copy, "li", HTMLLIElement);
}

function act(acts: ParentNode, name: string, offered: boolean, doIt: () => void): void {
  const button = within(acts, name, HTMLButtonElement);
  button.hidden = !offered;
  button.addEventListener("click", doIt);
}

/** Take a row away when what was asked for it is done; a deleted one can be brought back for a while. */
async function done(item: HTMLElement, work: Promise<void>, undoable?: Task): Promise<void> {
  try {
    await work;
  } catch (error) {
    fail(error, trouble, () => void again());
    return;
  }
  const next = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector("button");
  const place = item.nextSibling;
  item.remove();
  total -= 1;
  showCount();
  (next ?? q).focus();
  if (undoable === undefined) return;
  element("notice-text", HTMLElement).textContent = say("deleted");
  notice.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (notice.hidden = true), NOTICE_MS);
  element("undo", HTMLButtonElement).onclick = () => {
    notice.hidden = true;
    void restore(undoable.id).then(
      () => {
        total += 1;
        found.insertBefore(item, place);
        showCount();
        item.querySelector("button")?.focus();
      },
      (error: unknown) => fail(error, trouble, () => void again()),
    );
  };
}

function showCount(): void {
  count.textContent = total === 0 ? say("nothingFound") : say("found", total);
}

function options(select: HTMLSelectElement, any: Word, named: [string, Word][]): void {
  const now = select.value;
  select.replaceChildren(new Option(say(any), ""), ...named.map(([value, word]) => new Option(say(word), value)));
  select.value = now;
}

function moment(written: string): string {
  return new Date(written).toLocaleString(language === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });
}

filter.addEventListener("submit", (event) => {
  event.preventDefault();
  void again();
});
filter.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => void again(), TYPING_MS);
});
new IntersectionObserver((seen) => {
  if (seen.some((entry) => entry.isIntersecting) && page > 0) void more();
}, { rootMargin: "800px" }).observe(element("more", HTMLElement));
