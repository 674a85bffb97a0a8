// The page: a text is typed, a button is pressed, and it is heard.

import { type Spoken, Trouble, Unreachable, type Version, speak, versions } from "./service";
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
const takes = element("takes", HTMLElement);

const LABELS: Word[] = ["neutral", "happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"];
// A version that is being loaded is asked after this often; it takes seconds to minutes.
const ASK_AGAIN_MS = 2000;

let served: Version[] = [];
let underWay: AbortController | null = null;

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
  if (underWay === null) {
    trouble.textContent = ready ? "" : (served.find((version) => version.trouble)?.trouble ?? "");
    progress.textContent = ready ? "" : say("waiting");
  }
  if (!ready) setTimeout(findVersions, ASK_AGAIN_MS);
}

async function submit(): Promise<void> {
  if (underWay !== null || !form.reportValidity()) return;
  const mine = new AbortController();
  underWay = mine;
  trouble.textContent = "";
  button.disabled = true;
  stop.hidden = false;
  form.setAttribute("aria-busy", "true");
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  progress.textContent = say("speaking", "0.0");
  const clock = setInterval(() => (progress.textContent = say("speaking", seconds())), 500);
  try {
    const asked = {
      text: text.value,
      emotion: String(new FormData(form).get("emotion")),
      intensity: intensity.valueAsNumber,
      speed: speed.valueAsNumber,
      format: format.value,
    };
    const spoken = await speak(model.value ? { ...asked, model: model.value } : asked, mine.signal);
    progress.textContent = say("done", seconds());
    add(spoken, text.value);
  } catch (error) {
    progress.textContent = "";
    if (mine.signal.aborted) progress.textContent = say("stopped");
    else fail(error);
  } finally {
    clearInterval(clock);
    underWay = null;
    button.disabled = false;
    stop.hidden = true;
    form.removeAttribute("aria-busy");
  }
}

function add(spoken: Spoken, said: string): void {
  const copy = element("take", HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  const audio = within(copy, "audio", HTMLAudioElement);
  within(copy, ".said", HTMLElement).textContent = said;
  audio.src = spoken.audio_url;
  audio.setAttribute("aria-label", `${say("mark")}: ${said.slice(0, 40)}`);
  const facts = within(copy, ".facts", HTMLElement);
  facts.dataset["duration"] = spoken.duration.toFixed(1);
  facts.dataset["rest"] = ` · ${spoken.model.version} · ${spoken.format.toUpperCase()} · ${spoken.sample_rate / 1000} kHz`;
  facts.textContent = say("seconds", spoken.duration.toFixed(1)) + facts.dataset["rest"];
  facts.title = `sha256:${spoken.model.digest}`;
  const download = within(copy, ".download", HTMLAnchorElement);
  download.href = spoken.audio_url;
  download.download = `speech-${spoken.id.slice(0, 8)}.${spoken.format}`;
  within(copy, ".warnings", HTMLElement).append(
    ...spoken.warnings.map((warning) => Object.assign(document.createElement("li"), { textContent: warning })),
  );
  translate(copy);
  element("empty", HTMLElement).hidden = true;
  takes.prepend(copy);
  // A browser may refuse to play by itself; then the reader presses play.
  audio.play().catch(() => audio.focus());
}

function fail(error: unknown): void {
  if (error instanceof Unreachable) trouble.textContent = say("offline");
  else if (error instanceof Trouble) trouble.textContent = error.message;
  else throw error;
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
stop.addEventListener("click", () => underWay?.abort());
element("language", HTMLButtonElement).addEventListener("click", () => {
  switchLanguage();
  show();
});
show();
void findVersions();
