// Script: lines of several roles, each with a take of its own; joined into one when they are right.

import type { Voice } from "./answers";
import { Cast } from "./cast";
import { Clip } from "./clip";
import { element, made, within } from "./dom";
import { type Acts, rowOf, showLine, showLineClip } from "./line";
import { Player } from "./player";
import { askOf, isTaken, keepScript, keptScript, type Line, MOST_LINES, newLine, newRole, read } from "./scenes";
import { ASK_AGAIN_MS, findServed, offerVersions, versionCalled, voicesFor } from "./served";
import { archive, begin, cancel, follow, join, type Task, Trouble } from "./service";
import { sentence } from "./trouble";
import { endTurns } from "./turns";
import { here, type View } from "./views";
import { say } from "./words";

const list = element("lines", HTMLElement);
const model = element("script-model", HTMLSelectElement);
const format = element("script-format", HTMLSelectElement);
const pause = element("script-pause", HTMLInputElement);
const speakAll = element("speak-lines", HTMLButtonElement);
const stop = element("stop-lines", HTMLButtonElement);
const joins = element("join-lines", HTMLButtonElement);
const zip = element("zip-lines", HTMLAnchorElement);
const count = element("lines-said", HTMLElement);
const wrong = element("script-wrong", HTMLElement);
const joined = element("joined", HTMLElement);
const pasting = element("pasting", HTMLDialogElement);
const pasted = element("pasted", HTMLTextAreaElement);

const state = keptScript();
const rows = new Map<Line, HTMLElement>();
const clip = new Clip(made("audio"), showClips);
const cast = new Cast(state, changed, (before, after) => {
  for (const line of state.lines) if (line.role === before) line.role = after;
  drawLines();
  changed();
});

let voices: readonly Voice[] = [];
let underWay: { line: Line; id: string | null } | null = null;
let stopping = false;
let player: Player | null = null;

export const script: View = {
  title: "script",
  enter: () => void enter().catch(fail),
  leave: endTurns,
  show() {
    draw();
    player?.show();
  },
};

export function startScript(): void {
  element("add-line", HTMLButtonElement).addEventListener("click", () => insert(state.lines.length));
  element("paste-script", HTMLButtonElement).addEventListener("click", () => {
    pasting.returnValue = "";
    pasting.showModal();
  });
  pasting.addEventListener("close", () => {
    if (pasting.returnValue === "keep") takeOver();
  });
  element("clear-script", HTMLButtonElement).addEventListener("click", () => {
    state.lines.splice(0, Infinity, newLine());
    state.roles.splice(0, Infinity);
    forgetJoined();
    draw();
    changed();
  });
  speakAll.addEventListener("click", () => void run(speakMissing));
  joins.addEventListener("click", () => void run(joinAll));
  stop.addEventListener("click", () => {
    stopping = true;
    if (underWay?.id) void cancel(underWay.id).catch(fail);
  });
  model.addEventListener("change", () => void offer());
  document.addEventListener("keydown", (event) => {
    const asks = event.key === "Enter" && (event.ctrlKey || event.metaKey) && here().view === "script";
    if (!asks || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    void run(speakMissing);
  });
}

async function enter(): Promise<void> {
  await open();
  wrong.textContent = "";
  // What a version follows is known when it is loaded.
  while (versionCalled(model.value)?.state === "starting") {
    await new Promise((passed) => setTimeout(passed, ASK_AGAIN_MS));
    if (here().view !== "script") return;
    await findServed();
    if (versionCalled(model.value)?.state !== "starting") await offer();
  }
}

async function open(): Promise<void> {
  await findServed();
  offerVersions(model);
  await offer();
}

async function offer(): Promise<void> {
  voices = await voicesFor(versionCalled(model.value));
  draw();
}

function draw(): void {
  cast.draw(voices, model.value);
  drawLines();
  showAll();
}

function changed(): void {
  keepScript(state);
  showAll();
}

/** What was pasted stands in place of what was there, if that was nothing, and else after it. */
function takeOver(): void {
  const found = read(pasted.value, state.roles);
  pasted.value = "";
  for (const name of found.roles) if (!state.roles.some((role) => role.name === name)) state.roles.push(newRole(name));
  const before = state.lines.filter((line) => line.text.trim() !== "");
  state.lines.splice(0, Infinity, ...[...before, ...found.lines].slice(0, MOST_LINES));
  if (state.lines.length === 0) state.lines.push(newLine());
  draw();
  changed();
}

function insert(at: number): void {
  if (state.lines.length >= MOST_LINES) return;
  const line = newLine(state.lines[at - 1]?.role ?? "");
  state.lines.splice(at, 0, line);
  drawLines();
  changed();
  rows.get(line)?.querySelector("textarea")?.focus();
}

function drawLines(): void {
  const able = versionCalled(model.value)?.emotions ?? [];
  rows.clear();
  list.replaceChildren(
    ...state.lines.map((line, at) => {
      const row = rowOf(line, at + 1, state.roles, able, actsOf(line));
      rows.set(line, row);
      return row;
    }),
  );
  showAll();
}

function actsOf(line: Line): Acts {
  return {
    changed,
    play: () => line.take && clip.turn({ id: line.take.id, audio_url: `/api/tasks/${line.take.id}/audio` }),
    take: () => void run(() => speak(line)),
    move: (by, button) => move(line, by, button),
    remove: () => drop(line),
    next: () => insert(state.lines.indexOf(line) + 1),
  };
}

function move(line: Line, by: number, button: string): void {
  const at = state.lines.indexOf(line);
  const other = state.lines[at + by];
  if (other === undefined) return;
  state.lines[at + by] = line;
  state.lines[at] = other;
  drawLines();
  changed();
  rows.get(line)?.querySelector<HTMLElement>(`.${button}`)?.focus();
}

function drop(line: Line): void {
  const at = state.lines.indexOf(line);
  state.lines.splice(at, 1);
  if (state.lines.length === 0) state.lines.push(newLine());
  drawLines();
  changed();
  rows.get(state.lines[Math.min(at, state.lines.length - 1)] ?? line)?.querySelector("textarea")?.focus();
}

/** Do one thing at a time. */
async function run(does: () => Promise<void>): Promise<void> {
  if (underWay !== null || !speakAll.checkVisibility()) return;
  wrong.textContent = "";
  stopping = false;
  setBusy(true);
  try {
    // Which version a line was spoken with is part of whether it is spoken.
    if (model.value === "") await open();
    await does();
  } catch (error) {
    fail(error);
  } finally {
    underWay = null;
    setBusy(false);
    changed();
  }
}

function setBusy(now: boolean): void {
  speakAll.disabled = now;
  joins.disabled = now;
  stop.hidden = !now;
}

function written(): Line[] {
  return state.lines.filter((line) => line.text.trim() !== "");
}

async function speakMissing(): Promise<void> {
  if (written().length === 0) wrong.textContent = say("noLines");
  for (const line of written()) {
    if (stopping) return;
    if (!isTaken(line, state, model.value)) await speak(line);
  }
}

async function speak(line: Line): Promise<void> {
  if (line.text.trim() === "") return;
  const ask = askOf(line, state, model.value);
  underWay = { line, id: null };
  show(line, say("statusQueued"));
  try {
    const begun = await begin(ask);
    underWay.id = begun.id;
    const task = await follow(begun.id, ({ segments, spoken }) => {
      show(line, segments > 1 ? say("segmentOf", Math.min(spoken + 1, segments), segments) : say("statusRunning"));
    });
    if (task.status === "failed") throw new Trouble(task.error_code ?? "", task.error ?? "");
    if (task.status === "done") line.take = { id: task.id, duration: task.duration ?? 0, ask: JSON.stringify(ask) };
    else stopping = true;
  } catch (error) {
    const row = rows.get(line);
    // The line says what is wrong with it; the others are not held up by it.
    if (row && error instanceof Trouble) within(row, ".wrong", HTMLElement).textContent = sentence(error);
    else throw error;
  } finally {
    underWay = null;
    changed();
  }
}

async function joinAll(): Promise<void> {
  await speakMissing();
  const takes = written().flatMap((line) => (isTaken(line, state, model.value) && line.take ? [line.take.id] : []));
  if (stopping || takes.length === 0) return;
  if (takes.length < written().length) {
    wrong.textContent = say("linesMissing");
    return;
  }
  showJoined(await join(takes, format.value, pause.valueAsNumber || 0, say("scriptOf", written().length)));
}

function showJoined(task: Task): void {
  forgetJoined();
  player = new Player(task, !list.closest("[hidden]"));
  joined.replaceChildren(player.element);
}

function forgetJoined(): void {
  player?.end();
  player = null;
  joined.replaceChildren();
}

function showAll(): void {
  const taken = written().filter((line) => isTaken(line, state, model.value));
  count.textContent = say("linesTaken", taken.length, written().length);
  zip.hidden = taken.length === 0;
  zip.href = archive(new URLSearchParams(taken.flatMap((line) => (line.take ? [["id", line.take.id]] : []))));
  for (const line of state.lines) if (underWay?.line !== line) show(line, "");
}

/** Show how a line stands; `does` is what is being done with it. */
function show(line: Line, does: string): void {
  const row = rows.get(line);
  if (row === undefined) return;
  const number = state.lines.indexOf(line) + 1;
  showLine(row, line, number, { does, fresh: isTaken(line, state, model.value) });
  showLineClip(row, line, number, clip);
}

function showClips(): void {
  for (const [line, row] of rows) showLineClip(row, line, state.lines.indexOf(line) + 1, clip);
}

function fail(error: unknown): void {
  wrong.textContent = sentence(error);
}
