// Speak: a text is typed, a button is pressed, and it is heard.

import { fillAgain, forgetKept, keptSettings } from "./again";
import { sentence } from "./trouble";
import { copied, element, made, within } from "./dom";
import { facts } from "./facts";
import { Player } from "./player";
import { here, restate, type View } from "./views";
import { type Ask, EMOTIONS, type Progress, type Task, Trouble, type Version } from "./service";
import { begin, cancel, follow, task as found, versions, voices } from "./service";
import { endTurns, takeTurn } from "./turns";
import { say, translate, type Word } from "./words";

const form = element("ask", HTMLFormElement);
const text = element("text", HTMLTextAreaElement);
const intensity = element("intensity", HTMLInputElement);
const speed = element("speed", HTMLInputElement);
const model = element("model", HTMLSelectElement);
const voice = element("voice", HTMLSelectElement);
const format = element("format", HTMLSelectElement);
const emotions = element("emotions", HTMLElement);
const button = element("do-speak", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const progress = element("progress", HTMLElement);
const trouble = element("trouble", HTMLElement);
const bar = element("bar", HTMLProgressElement);
const list = element("takes", HTMLElement);
const pair = element("pair", HTMLAnchorElement);

const LABELS: Word[] = ["neutral", ...EMOTIONS];
const MARKS: [string, Word][] = [
  ["[happy 0.8]", "markEmotion"],
  ["<break 500ms>", "markBreak"],
  ["<行|XING2>", "markReading"],
  ["小明: …", "markRole"],
];
// A version that is being loaded is asked after this often; it takes seconds to minutes.
const ASK_AGAIN_MS = 2000;
// Each take holds its audio; the older ones stand in the history.
const MOST_TAKES = 20;
const DRAFT = "draft";

let served: Version[] = [];
let busy = false;
let underWay: Task | null = null;
// Stop was pressed before the service had said which task it is.
let stopWanted = false;
let takes: Player[] = [];
// A version that is to be chosen as soon as it is known which there are.
let wanted = "";

export const speak: View = {
  title: "title",
  enter(asked) {
    const from = asked.get("from");
    if (from !== null) void again(from);
    if (takes[0] !== undefined) takeTurn(takes[0]);
  },
  leave: endTurns,
  show() {
    showMarks();
    showEmotions();
    if (voice.options[0]?.value === "") voice.options[0].textContent = say(voice.options[0].disabled ? "needsVoice" : "ownVoice");
    showNumbers();
    for (const take of takes) showTake(take);
  },
};

export function startSpeak(): void {
  text.value = sessionStorage.getItem(DRAFT) ?? "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  form.addEventListener("input", showNumbers);
  text.addEventListener("input", keepDraft);
  model.addEventListener("change", () => {
    showEmotions();
    void findVoices();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && here().view === "speak" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      void submit();
    }
  });
  stop.addEventListener("click", () => {
    stopWanted = true;
    if (underWay !== null) void cancel(underWay.id).catch(fail);
  });
  element("forget", HTMLButtonElement).addEventListener("click", () => {
    forgetKept();
    text.focus();
  });
  void findVersions();
}

/** Fill the form with what a task was spoken from. */
async function again(id: string): Promise<void> {
  restate("speak");
  try {
    const task = await found(id);
    text.value = task.text;
    keepDraft();
    intensity.valueAsNumber = task.settings.intensity;
    speed.valueAsNumber = task.settings.speed;
    if ([...format.options].some((option) => option.value === task.settings.format)) format.value = task.settings.format;
    wanted = task.model;
    if (served.some((version) => version.version === wanted)) model.value = wanted;
    showEmotions(task.emotion ?? "neutral");
    showNumbers();
    await findVoices();
    voice.value = task.voice ?? "";
    if (voice.selectedIndex < 0) voice.value = "";
    fillAgain(task, voice.value !== "");
    const there = served.length === 0 || served.some((version) => version.version === task.model);
    trouble.textContent = there ? "" : say("notServed", task.model);
    text.focus();
  } catch (error) {
    fail(error);
  }
}

function showEmotions(label?: string): void {
  const now = label ?? new FormData(form).get("emotion") ?? "neutral";
  const able = served.find((version) => version.version === model.value)?.emotions ?? [];
  const labels = able.length > 0 ? LABELS.filter((label) => able.includes(label)) : LABELS;
  emotions.replaceChildren(
    ...labels.map((label) => {
      const chip = made("label");
      const input = made("input");
      input.type = "radio";
      input.name = "emotion";
      input.value = label;
      input.checked = label === now || (label === "neutral" && !labels.includes(now as Word));
      chip.append(input, made("span", "", say(label)));
      return chip;
    }),
  );
}

function showMarks(): void {
  element("marks", HTMLElement).replaceChildren(
    ...MARKS.flatMap(([mark, meaning]) => {
      const code = made("dt");
      const button = made("button", "small", mark);
      button.type = "button";
      button.addEventListener("click", () => insert(mark.replace("…", "")));
      code.append(button);
      return [code, made("dd", "", say(meaning))];
    }),
  );
}

function insert(mark: string): void {
  text.focus();
  text.setRangeText(mark, text.selectionStart, text.selectionEnd, "end");
  keepDraft();
  showNumbers();
}

function keepDraft(): void {
  sessionStorage.setItem(DRAFT, text.value);
}

function showNumbers(): void {
  element("count", HTMLElement).textContent = say("count", [...text.value].length);
  element("intensity-shown", HTMLElement).textContent = `${Math.round(intensity.valueAsNumber * 100)} %`;
  element("speed-shown", HTMLElement).textContent = `${speed.valueAsNumber.toFixed(2)} ×`;
  intensity.disabled = new FormData(form).get("emotion") === "neutral" && !text.value.includes("[");
}

async function findVersions(): Promise<void> {
  try {
    served = await versions();
  } catch (error) {
    fail(error);
    setTimeout(findVersions, ASK_AGAIN_MS);
    return;
  }
  const now = wanted || model.value;
  wanted = "";
  const names = [...new Set(served.map((version) => version.version))];
  model.replaceChildren(
    ...names.map((name) => {
      const option = new Option(name, name);
      option.title = `sha256:${served.find((version) => version.version === name)?.digest}`;
      option.selected = name === now;
      return option;
    }),
  );
  showEmotions();
  showNumbers();
  await findVoices();
  const ready = served.some((version) => version.state === "ready");
  if (!busy) {
    trouble.textContent = ready ? "" : (served.find((version) => version.trouble)?.trouble ?? "");
    progress.textContent = ready ? "" : say("waiting");
  }
  if (!ready) setTimeout(findVersions, ASK_AGAIN_MS);
}

/** Offer the voices that are kept, where the chosen version can speak with them. */
export async function findVoices(): Promise<void> {
  const chosen = served.find((version) => version.version === model.value);
  const kept = chosen?.cloning ? await voices().catch(() => []) : [];
  const now = voice.value;
  const alone = chosen?.own_voice ?? true;
  voice.replaceChildren(...kept.map((found) => new Option(found.name, found.id)));
  if (alone || kept.length === 0) {
    const own = new Option(say(alone ? "ownVoice" : "needsVoice"), "");
    own.disabled = !alone;
    voice.prepend(own);
    own.selected = true;
  }
  if (kept.some((found) => found.id === now)) voice.value = now;
  element("voice-field", HTMLElement).hidden = alone && kept.length === 0;
}

/** Whether a version that is served can speak with other voices than its own. */
export function anyClones(): boolean {
  return served.some((version) => version.cloning);
}

async function submit(): Promise<void> {
  if (busy || !form.reportValidity()) return;
  setBusy(true);
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  progress.textContent = say("speaking", "0.0");
  const ticking = setInterval(() => (progress.textContent = say("speaking", seconds())), 500);
  try {
    stopWanted = false;
    underWay = await begin(asked());
    if (stopWanted) await cancel(underWay.id);
    const task = await follow(underWay.id, showProgress);
    if (task.status === "failed") throw new Trouble(task.error ?? "");
    progress.textContent = task.status === "done" ? say("done", seconds()) : say("stopped");
    if (task.status === "done") add(task);
  } catch (error) {
    progress.textContent = "";
    fail(error);
  } finally {
    clearInterval(ticking);
    underWay = null;
    setBusy(false);
  }
}

function asked(): Ask {
  const ask: Ask = {
    text: text.value,
    emotion: String(new FormData(form).get("emotion")),
    intensity: intensity.valueAsNumber,
    speed: speed.valueAsNumber,
    format: format.value,
    ...(voice.value ? { voice: voice.value } : {}),
    ...keptSettings(),
  };
  // A mix stands in place of one emotion.
  if (ask.emotion_vector !== undefined) delete ask.emotion;
  return model.value ? { ...ask, model: model.value } : ask;
}

function setBusy(now: boolean): void {
  busy = now;
  button.disabled = now;
  stop.hidden = !now;
  bar.hidden = !now;
  bar.removeAttribute("value");
  form.setAttribute("aria-busy", String(now));
  if (now) trouble.textContent = "";
}

function showProgress({ segments, spoken }: Progress): void {
  bar.max = Math.max(segments, 1);
  if (spoken > 0) bar.value = spoken;
}

function add(task: Task): void {
  const take = copied("take");
  // Whoever went to another view meanwhile is not to be spoken to from here.
  const player = new Player(task, !form.closest("[hidden]"));
  within(take, ".said", HTMLElement).textContent = task.text;
  within(take, ".said", HTMLElement).hidden = task.segments.length > 1;
  within(take, ".sounds", HTMLElement).append(player.element);
  within(take, ".warnings", HTMLElement).append(...task.warnings.map((warning) => made("li", "", warning)));
  takes.unshift(player);
  for (const old of takes.splice(MOST_TAKES)) {
    const gone = old.element.closest("li");
    old.end();
    gone?.remove();
  }
  showTake(player);
  element("empty", HTMLElement).hidden = true;
  list.prepend(take);
  const [latest, before] = takes;
  pair.hidden = before === undefined;
  if (latest && before) pair.href = `#compare?a=${before.task.id}&b=${latest.task.id}`;
}

function showTake(player: Player): void {
  player.show();
  const take = player.element.closest("li");
  if (take === null) return;
  translate(take);
  const line = within(take, ".facts", HTMLElement);
  line.textContent = facts(player.task);
  line.title = `sha256:${player.task.model_digest}`;
}

function fail(error: unknown): void {
  trouble.textContent = sentence(error);
}
