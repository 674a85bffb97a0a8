// The page: a text is typed, a button is pressed, and it is heard.

import { type Ask, type Progress, Stranger, type Task, Trouble, Unreachable, type Version } from "./service";
import { begin, cancel, follow, signIn, versions } from "./service";
import { type Word, say, switchLanguage, translate } from "./words";

const form = element("ask", HTMLFormElement);
const text = element("text", HTMLTextAreaElement);
const intensity = element("intensity", HTMLInputElement);
const speed = element("speed", HTMLInputElement);
const model = element("model", HTMLSelectElement);
const format = element("format", HTMLSelectElement);
const emotions = element("emotions", HTMLElement);
const button = element("speak", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const progress = element("progress", HTMLElement);
const trouble = element("trouble", HTMLElement);
const bar = element("bar", HTMLProgressElement);
const takes = element("takes", HTMLElement);
const door = element("door", HTMLDialogElement);
const key = element("key", HTMLInputElement);

const LABELS: Word[] = ["neutral", "happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"];
// A version that is being loaded is asked after this often; it takes seconds to minutes.
const ASK_AGAIN_MS = 2000;

let served: Version[] = [];
let busy = false;
let underWay: Task | null = null;

function show(): void {
  translate();
  document.title = `${say("title")} · indextts-hub`;
  text.placeholder = say("placeholder");
  const language = element("language", HTMLButtonElement);
  language.textContent = say("language");
  language.lang = say("language") === "中文" ? "zh-CN" : "en";
  showEmotions();
  showNumbers();
  for (const facts of takes.querySelectorAll<HTMLElement>(".facts")) {
    facts.textContent = say("seconds", facts.dataset["duration"] ?? "") + facts.dataset["rest"];
  }
}

function showEmotions(): void {
  const now = new FormData(form).get("emotion") ?? "neutral";
  const able = served.find((version) => version.version === model.value)?.emotions ?? [];
  const labels = able.length > 0 ? LABELS.filter((label) => able.includes(label)) : LABELS;
  emotions.replaceChildren(
    ...labels.map((label) => {
      const chip = document.createElement("label");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = "emotion";
      input.value = label;
      input.checked = label === now || (label === "neutral" && !labels.includes(now as Word));
      const name = document.createElement("span");
      name.textContent = say(label);
      chip.append(input, name);
      return chip;
    }),
  );
}

function showNumbers(): void {
  element("count", HTMLElement).textContent = String([...text.value].length);
  element("intensity-shown", HTMLElement).textContent = `${Math.round(intensity.valueAsNumber * 100)} %`;
  element("speed-shown", HTMLElement).textContent = `${speed.valueAsNumber.toFixed(2)} ×`;
  intensity.disabled = new FormData(form).get("emotion") === "neutral";
}

async function findVersions(): Promise<void> {
  try {
    served = await versions();
  } catch (error) {
    fail(error);
    setTimeout(findVersions, ASK_AGAIN_MS);
    return;
  }
  const now = model.value;
  model.replaceChildren(
    ...served.map((version) => {
      const option = new Option(version.version, version.version);
      option.title = `sha256:${version.digest}`;
      option.selected = version.version === now;
      return option;
    }),
  );
  showEmotions();
  showNumbers();
  const ready = served.some((version) => version.state === "ready");
  if (!busy) {
    trouble.textContent = ready ? "" : (served.find((version) => version.trouble)?.trouble ?? "");
    progress.textContent = ready ? "" : say("waiting");
  }
  if (!ready) setTimeout(findVersions, ASK_AGAIN_MS);
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
    fail(error);
  } finally {
    clearInterval(clock);
    underWay = null;
    setBusy(false);
  }
}

function asked(): Ask {
  const ask = {
    text: text.value,
    emotion: String(new FormData(form).get("emotion")),
    intensity: intensity.valueAsNumber,
    speed: speed.valueAsNumber,
    format: format.value,
  };
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
  const copy = element("take", HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  const audio = within(copy, "audio", HTMLAudioElement);
  within(copy, ".said", HTMLElement).textContent = task.text;
  audio.src = task.audio_url;
  audio.setAttribute("aria-label", `${say("mark")}: ${task.text.slice(0, 40)}`);
  const facts = within(copy, ".facts", HTMLElement);
  facts.dataset["duration"] = task.duration.toFixed(1);
  facts.dataset["rest"] = ` · ${task.model} · ${task.settings.format.toUpperCase()} · ${task.sample_rate / 1000} kHz`;
  facts.textContent = say("seconds", task.duration.toFixed(1)) + facts.dataset["rest"];
  facts.title = `sha256:${task.model_digest}`;
  const download = within(copy, ".download", HTMLAnchorElement);
  download.href = task.audio_url;
  download.download = `speech-${task.id.slice(0, 8)}.${task.settings.format}`;
  within(copy, ".warnings", HTMLElement).append(
    ...task.warnings.map((warning) => Object.assign(document.createElement("li"), { textContent: warning })),
  );
  translate(copy);
  element("empty", HTMLElement).hidden = true;
  takes.prepend(copy);
  // A browser may refuse to play by itself; then the reader presses play.
  audio.play().catch(() => audio.focus());
}

function fail(error: unknown): void {
  if (error instanceof Stranger) askWho();
  else if (error instanceof Unreachable) trouble.textContent = say("offline");
  else if (error instanceof Trouble) trouble.textContent = error.message;
  else throw error;
}

function askWho(): void {
  element("refused", HTMLElement).textContent = "";
  if (!door.open) door.showModal();
}

async function enter(): Promise<void> {
  const good = await signIn(key.value).catch(() => false);
  if (!good) {
    element("refused", HTMLElement).textContent = say("refused");
    key.select();
    return;
  }
  key.value = "";
  door.close();
  await submit();
}

function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  return checked(document.getElementById(id), id, kind);
}

function within<Kind extends HTMLElement>(root: ParentNode, selector: string, kind: new () => Kind): Kind {
  return checked(root.querySelector(selector), selector, kind);
}

function checked<Kind extends HTMLElement>(found: Element | null, name: string, kind: new () => Kind): Kind {
  if (!(found instanceof kind)) throw new Error(`the page has no ${name}`);
  return found;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
form.addEventListener("input", showNumbers);
model.addEventListener("change", showEmotions);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void submit();
  }
});
stop.addEventListener("click", () => {
  if (underWay !== null) void cancel(underWay.id).catch(fail);
});
element("enter", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void enter();
});
element("language", HTMLButtonElement).addEventListener("click", () => {
  switchLanguage();
  show();
});
show();
void findVersions();
