// The view in which a text is typed, a button is pressed, and it is heard.

import { element } from "./dom";
import { type Ask, type Progress, type Task, Trouble, type Version } from "./service";
import { begin, cancel, follow, versions, voices } from "./service";
import { card, showFacts } from "./take";
import { fail } from "./trouble";
import { type Word, say } from "./words";

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
const takes = element("takes", HTMLElement);

export const EMOTIONS: Word[] = ["neutral", "happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"];
const MARKS: [string, Word][] = [
  ["[happy 0.8]", "markEmotion"],
  ["<break 500ms>", "markBreak"],
  ["<行|XING2>", "markReading"],
  ["小明: …", "markRole"],
];
// A version that is being loaded is asked after this often; it takes seconds to minutes.
const ASK_AGAIN_MS = 2000;

let served: Version[] = [];
let busy = false;
let underWay: Task | null = null;

/** Put the words of the language of now everywhere that `data-say` does not reach. */
export function show(): void {
  text.placeholder = say("placeholder");
  element("marks", HTMLElement).replaceChildren(
    ...MARKS.flatMap(([mark, meaning]) => {
      const code = document.createElement("dt");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small";
      button.textContent = mark;
      button.addEventListener("click", () => insert(mark.replace("…", "")));
      code.append(button);
      return [code, Object.assign(document.createElement("dd"), { textContent: say(meaning) })];
    }),
  );
  showEmotions();
  showVoices();
  showNumbers();
  showFacts(takes);
}

/** Fill the form with what a task was asked for, so that it can be taken again, or changed. */
export function fill(task: Task): void {
  text.value = task.text;
  intensity.valueAsNumber = task.settings.intensity;
  speed.valueAsNumber = task.settings.speed;
  format.value = task.settings.format;
  if ([...model.options].some((option) => option.value === task.model)) model.value = task.model;
  showEmotions(task.emotion ?? "neutral");
  if (task.voice !== null) voice.value = task.voice;
  showNumbers();
}

/** Ask which versions are served, again and again until one of them can speak. */
export async function findVersions(): Promise<void> {
  try {
    served = await versions();
  } catch (error) {
    fail(error, trouble, () => void findVersions());
    setTimeout(findVersions, ASK_AGAIN_MS);
    return;
  }
  const now = model.value;
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
  const kept = canClone() ? await voices().catch(() => []) : [];
  const now = voice.value;
  voice.replaceChildren(new Option(say("ownVoice"), ""), ...kept.map((found) => new Option(found.name, found.id)));
  if (kept.some((found) => found.id === now)) voice.value = now;
  element("voice-field", HTMLElement).hidden = kept.length === 0;
}

/** Whether a version that is served can speak with other voices than its own. */
export function anyClones(): boolean {
  return served.some((version) => version.cloning);
}

function canClone(): boolean {
  return served.some((version) => version.version === model.value && version.cloning);
}

function showEmotions(now = String(new FormData(form).get("emotion") ?? "neutral")): void {
  const able = served.find((version) => version.version === model.value)?.emotions ?? [];
  const labels = able.length > 0 ? EMOTIONS.filter((label) => able.includes(label)) : EMOTIONS;
  const chosen = labels.includes(now as Word) ? now : "neutral";
  emotions.replaceChildren(
    ...labels.map((label) => {
      const chip = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "emotion", value: label });
      input.checked = label === chosen;
      chip.append(input, Object.assign(document.createElement("span"), { textContent: say(label) }));
      return chip;
    }),
  );
}

function showVoices(): void {
  const own = voice.options[0];
  if (own !== undefined) own.textContent = say("ownVoice");
}

function showNumbers(): void {
  element("count", HTMLElement).textContent = String([...text.value].length);
  element("intensity-shown", HTMLElement).textContent = `${Math.round(intensity.valueAsNumber * 100)} %`;
  element("speed-shown", HTMLElement).textContent = `${speed.valueAsNumber.toFixed(2)} ×`;
  intensity.disabled = new FormData(form).get("emotion") === "neutral" && !text.value.includes("[");
}

function insert(mark: string): void {
  text.focus();
  text.setRangeText(mark, text.selectionStart, text.selectionEnd, "end");
  showNumbers();
}

async function submit(): Promise<void> {
  if (busy || !form.reportValidity()) return;
  setBusy(true);
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  progress.textContent = say("speaking", "0.0");
  const clock = setInterval(() => (progress.textContent = say("speaking", seconds())), 500);
  try {
    underWay = await begin(asked());
    const task = await follow(underWay.id, showProgress);
    if (task.status === "failed") throw new Trouble(task.error ?? "");
    progress.textContent = task.status === "done" ? say("done", seconds()) : say("stopped");
    if (task.status === "done") add(task);
  } catch (error) {
    progress.textContent = "";
    fail(error, trouble, () => void submit());
  } finally {
    clearInterval(clock);
    underWay = null;
    setBusy(false);
  }
}

function asked(): Ask {
  return {
    text: text.value,
    emotion: String(new FormData(form).get("emotion")),
    intensity: intensity.valueAsNumber,
    speed: speed.valueAsNumber,
    format: format.value,
    ...(model.value ? { model: model.value } : {}),
    ...(voice.value ? { voice: voice.value } : {}),
  };
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
  const item = card(task);
  element("empty", HTMLElement).hidden = true;
  takes.prepend(item);
  const audio = item.querySelector("audio");
  // A browser may refuse to play by itself; then the reader presses play.
  audio?.play().catch(() => audio.focus());
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
form.addEventListener("input", showNumbers);
model.addEventListener("change", () => {
  showEmotions();
  void findVoices();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !element("view-speak", HTMLElement).hidden) {
    event.preventDefault();
    void submit();
  }
});
stop.addEventListener("click", () => {
  if (underWay !== null) void cancel(underWay.id).catch((error: unknown) => fail(error, trouble, () => undefined));
});
