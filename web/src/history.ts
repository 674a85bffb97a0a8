// History: what was spoken; look for it, hear it, take it again, delete it and bring it back.

import { Clip } from "./clip";
import { sentence } from "./trouble";
import { element, within } from "./dom";
import { FIELDS, queryOf } from "./finding";
import { tell } from "./notice";
import { drawRow, showClip, STATES } from "./row";
import { askName } from "./naming";
import { address, go, here, restate, type View } from "./views";
import { PAGE, Rows } from "./rows";
import { archive, EMOTIONS, purge, remove, rename, restore, Stranger, type Task, tasks, Trouble, versions, voices } from "./service";
import { endTurns } from "./turns";
import { say, type Word } from "./words";

const form = element("filters", HTMLFormElement);
const list = element("rows", HTMLElement);
const count = element("found", HTMLElement);
const nothing = element("nothing", HTMLElement);
const wrong = element("history-wrong", HTMLElement);
const trash = element("trash", HTMLAnchorElement);
const clear = element("clear", HTMLButtonElement);
const chosen = element("chosen", HTMLElement);
const compare = element("compare-chosen", HTMLAnchorElement);

// What the service packs at once.
const MOST_EXPORTED = 1000;
// Typing goes on; the search begins when it rests.
const REST_MS = 200;
// What is being spoken is looked after this often, and a service that does not answer is asked again.
const LOOK_AGAIN_MS = 3000;

const ticked = new Set<string>();
const clip = new Clip(element("sound", HTMLAudioElement), showClips);
const rows = new Rows<Task>(list, {
  async load(page, signal) {
    const found = await tasks(query(page), signal);
    return { rows: found.tasks, total: found.total };
  },
  draw: (line, task) => drawRow(line, task, { clip, ticked }),
  counted: showCount,
  failed(error) {
    total ??= -1;
    problem = error;
    showState();
    lookAgain();
  },
});

let wanted: Record<string, string> = {};
/** How many there are; null while that is not known, -1 where it could not be learned. */
let total: number | null = null;
let problem: unknown = null;
let resting = 0;
let looking = 0;
let left = 0;

export const past: View = {
  title: "history",
  enter(asked) {
    const before = JSON.stringify(wanted);
    wanted = Object.fromEntries([...FIELDS, "trash"].map((name) => [name, asked.get(name) ?? ""]));
    void offerVersions();
    void offerVoices();
    fillForm();
    showTicked();
    if (total === null || JSON.stringify(wanted) !== before) look();
    else {
      rows.refresh();
      scrollTo(0, left);
    }
  },
  leave() {
    left = scrollY;
    // A search that was still being typed would write itself into the next view's address.
    clearTimeout(resting);
    resting = 0;
    clearTimeout(looking);
    endTurns();
  },
  show() {
    writeChoices();
    fillForm();
    rows.redraw();
    if (total !== null) showState();
    showTicked();
  },
};

export function startHistory(): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  form.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(filter, REST_MS);
  });
  element("export", HTMLAnchorElement).addEventListener("click", (event) => {
    if ((total ?? 0) <= MOST_EXPORTED) return;
    // The service would refuse it, and a browser would say only that a file could not be had.
    event.preventDefault();
    problem = new Trouble("E_TOO_MANY", `these are ${total} tasks`, `choose at most ${MOST_EXPORTED}, such as those of a day`);
    showState();
  });
  clear.addEventListener("click", () => {
    go("history", { trash: wanted["trash"] ?? "" });
    within(form, "[name=q]", HTMLInputElement).focus();
  });
  const more = element("more-filters", HTMLButtonElement);
  more.addEventListener("click", () => {
    const open = form.classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
  });
  element("again-asked", HTMLButtonElement).addEventListener("click", look);
  element("untick", HTMLButtonElement).addEventListener("click", () => {
    ticked.clear();
    rows.redraw();
    showTicked();
  });
  list.addEventListener("click", act);
  list.addEventListener("input", (event) => {
    const place = event.target as HTMLInputElement;
    if (place.dataset["act"] === "place") clip.seek(place.valueAsNumber);
  });
  writeChoices();
}

function act(event: Event): void {
  const control = (event.target as Element).closest<HTMLElement>("[data-act]");
  const id = control?.closest("li")?.dataset["id"];
  const task = rows.shown().find((row) => row.id === id);
  if (!control || !task) return;
  if (control.dataset["act"] === "play") clip.turn(task);
  if (control.dataset["act"] === "tick") tick(task, (control as HTMLInputElement).checked);
  if (control.dataset["act"] === "name") void call(task);
  if (control.dataset["act"] === "delete") void change(remove, task, "deleted", restore);
  if (control.dataset["act"] === "restore") void change(restore, task, "restored", remove);
  if (control.dataset["act"] === "purge") void change(purge, task, "purged", null);
}

/** Do something to a task, and offer to take it back. */
async function change(
  does: (id: string) => Promise<void>, task: Task, word: Word, undoes: ((id: string) => Promise<void>) | null,
): Promise<void> {
  if (clip.task?.id === task.id) clip.pause();
  try {
    await does(task.id);
    ticked.delete(task.id);
    showTicked();
    tell(word, undoes && (() => void change(undoes, task, word === "deleted" ? "restored" : "deleted", null)));
    rows.refresh();
  } catch (error) {
    problem = error;
    showState();
  }
}

/** Give a task a name. */
async function call(task: Task): Promise<void> {
  const name = await askName(say("nameTitle"), task.name ?? "");
  if (name === null || name === (task.name ?? "")) return;
  try {
    await rename(task.id, name);
    tell("named");
    rows.refresh();
  } catch (error) {
    problem = error;
    showState();
  }
}

function tick(task: Task, on: boolean): void {
  if (on) ticked.add(task.id);
  else ticked.delete(task.id);
  showTicked();
}

function showTicked(): void {
  const [a = "", b = ""] = ticked;
  chosen.hidden = ticked.size === 0 || wanted["trash"] === "1";
  within(chosen, "p", HTMLElement).textContent = ticked.size === 1 ? say("tickedOne") : say("ticked", ticked.size);
  element("export-chosen", HTMLAnchorElement).href = archive(new URLSearchParams([...ticked].map((id) => ["id", id])));
  compare.hidden = ticked.size !== 2;
  compare.href = address("compare", { a, b });
}

function filter(): void {
  clearTimeout(resting);
  resting = 0;
  const written = new FormData(form);
  const now = Object.fromEntries(FIELDS.map((name) => [name, String(written.get(name) ?? "").trim()]));
  const next = { ...now, trash: wanted["trash"] ?? "" };
  if (JSON.stringify(next) === JSON.stringify(wanted)) return;
  wanted = next;
  restate("history", wanted);
  look();
}

function look(): void {
  total = null;
  problem = null;
  showState();
  scrollTo(0, 0);
  rows.reset();
}

function query(page: number): URLSearchParams {
  const asked = queryOf(wanted);
  asked.set("page", String(page));
  asked.set("size", String(PAGE));
  return asked;
}

function showCount(now: number): void {
  const hadFocus = now === 0 && list.contains(document.activeElement);
  total = now;
  problem = null;
  showState();
  if (hadFocus) within(form, "[name=q]", HTMLInputElement).focus();
  lookAgain();
}

/** Loading, empty, wrong, or how many there are: one of them is always said. */
function showState(): void {
  const filtered = FIELDS.some((name) => wanted[name]);
  const inTrash = wanted["trash"] === "1";
  count.textContent = total === null ? say("loading") : total < 0 ? "" : say(total === 1 ? "foundOne" : "found", total.toLocaleString());
  list.hidden = total !== null && total <= 0;
  nothing.hidden = total !== 0;
  within(nothing, "p", HTMLElement).textContent = say(filtered ? "noneFound" : inTrash ? "trashEmpty" : "historyEmpty");
  within(nothing, "a", HTMLElement).hidden = filtered || inTrash;
  clear.hidden = !filtered;
  const all = element("export", HTMLAnchorElement);
  all.hidden = inTrash || total === null || total <= 0;
  all.href = archive(queryOf(wanted));
  wrong.hidden = problem === null;
  if (problem !== null) within(wrong, "p", HTMLElement).textContent = sentence(problem);
}

function lookAgain(): void {
  clearTimeout(looking);
  if (here().view !== "history") return;
  looking = setTimeout(() => {
    lookAgain();
    const open = rows.shown().some((task) => task.status === "queued" || task.status === "running");
    // Whoever shut the door is not asked again until they want something.
    if (open || (problem !== null && !(problem instanceof Stranger))) rows.refresh();
  }, LOOK_AGAIN_MS);
}

function showClips(): void {
  for (const line of list.querySelectorAll<HTMLElement>("li[data-id]")) {
    const task = rows.shown().find((row) => row.id === line.dataset["id"]);
    if (task) showClip(line, task, clip);
  }
}

/** The choices whose names are words of the page. */
function writeChoices(): void {
  const emotions: Word[] = ["neutral", ...EMOTIONS, "auto"];
  write("emotion", "anyEmotion", emotions.map((label) => [label, say(label)]));
  write("status", "anyStatus", Object.entries(STATES).map(([state, word]) => [state, say(word)]));
  const offered = within(form, "[name=model]", HTMLSelectElement).options;
  write("model", "anyVersion", [...offered].slice(1).map((option) => [option.value, option.value]));
  const kept = within(form, "[name=voice]", HTMLSelectElement).options;
  write("voice", "anyVoice", [...kept].slice(1).map((option) => [option.value, option.text]));
}

function write(name: string, any: Word, choices: [string, string][]): void {
  const select = within(form, `[name=${name}]`, HTMLSelectElement);
  const now = select.value;
  select.replaceChildren(new Option(say(any), ""), ...choices.map(([value, text]) => new Option(text, value)));
  select.value = now;
}

async function offerVersions(): Promise<void> {
  // What is not served any longer can't be offered, but the address may still ask for it.
  const served = await versions().catch(() => []);
  const names = new Set([...served.map((version) => version.version), wanted["model"] ?? ""]);
  names.delete("");
  // The other fields may be in the reader's hands already.
  write("model", "anyVersion", [...names].map((name) => [name, name]));
  if (!resting) fillField("model");
}

async function offerVoices(): Promise<void> {
  const kept = await voices().catch(() => []);
  write("voice", "anyVoice", kept.map((voice) => [voice.id, voice.name]));
  within(form, "[name=voice]", HTMLSelectElement).hidden = kept.length === 0 && !wanted["voice"];
  if (!resting) fillField("voice");
}

function fillField(name: (typeof FIELDS)[number]): void {
  const field = form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
  const value = wanted[name] ?? "";
  if (field instanceof HTMLSelectElement && value && ![...field.options].some((option) => option.value === value)) {
    field.append(new Option(value, value));
  }
  if (field.value.trim() !== value) field.value = value;
}

function fillForm(): void {
  for (const name of FIELDS) fillField(name);
  const inTrash = wanted["trash"] === "1";
  trash.href = address("history", inTrash ? {} : { trash: "1" });
  trash.setAttribute("aria-current", String(inTrash));
  element("history-title", HTMLElement).textContent = say(inTrash ? "trash" : "history");
  within(trash, "span", HTMLElement).textContent = say(inTrash ? "backToHistory" : "trash");
}
