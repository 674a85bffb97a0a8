// Speak: a text is typed, a button is pressed, and it is heard.

import { fillAgain, forgetKept, keptSettings } from "./again";
import { type Ask, type Progress, type Task } from "./answers";
import { element } from "./dom";
import { keepDraft, keptDraft } from "./draft";
import { fillFiner, finer, finerAsked, finerOf, offerFiner, showFiner, startFiner } from "./finer";
import { followed, offerKnobs, showKnobs, turn, turned } from "./knobs";
import { expected, learn } from "./lengths";
import { showMarks } from "./marks";
import { mood, moodAsked, moodOf, offerMoods, setMood, startMoods } from "./moods";
import { worded } from "./problems";
import { ASK_AGAIN_MS, findServed, offerVersions, offerVoices, served, versionCalled, voicesFor } from "./served";
import { begin, cancel, follow, task as found, Trouble } from "./service";
import { addTake, latestTakesTurn, showTakes } from "./takes";
import { markTemplate, showTemplates, startTemplates } from "./templates";
import { sentence } from "./trouble";
import { endTurns } from "./turns";
import { here, restate, type View } from "./views";
import { type Elsewhere, offerWhence, setWhence, startWhence, whenceAsked } from "./whence";
import { language, say } from "./words";

const form = element("ask", HTMLFormElement);
const text = element("text", HTMLTextAreaElement);
const intensity = element("intensity", HTMLInputElement);
const speed = element("speed", HTMLInputElement);
const model = element("model", HTMLSelectElement);
const voice = element("voice", HTMLSelectElement);
const format = element("format", HTMLSelectElement);
const tongue = element("tongue", HTMLSelectElement);
const button = element("do-speak", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const progress = element("progress", HTMLElement);
const trouble = element("trouble", HTMLElement);
const bar = element("bar", HTMLProgressElement);

let busy = false;
let underWay: Task | null = null;
// Stop was pressed before the service had said which task it is.
let stopWanted = false;
// What was said last of versions that are not ready.
let unready = { waits: "", why: "" };
// A version and a voice that are to be chosen as soon as it is known which there are.
let wanted = { model: "", voice: "", language: "" };
// Where the mood is to come from, as soon as it is known what it can come from.
let source: Elsewhere | null = null;

export const speak: View = {
  title: "title",
  enter(asked) {
    const from = asked.get("from");
    if (from !== null) void again(from);
    latestTakesTurn();
  },
  leave: endTurns,
  show() {
    showMarks(text, written);
    showAble();
    if (voice.options[0]?.value === "") voice.options[0].textContent = say(voice.options[0].disabled ? "needsVoice" : "ownVoice");
    showNumbers();
    showTakes();
  },
};

export function startSpeak(): void {
  startMoods(written);
  startWhence(written);
  startFiner();
  startTemplates(
    () => ({ mood: mood(), speed: speed.valueAsNumber, ...turned() }),
    (manner) => {
      speed.valueAsNumber = manner.speed;
      turn(manner);
      setWhence({ emotion_text: null, emotion_voice: null });
      setMood(manner.mood);
    },
  );
  takeDraft();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  form.addEventListener("input", written);
  model.addEventListener("change", () => {
    showAble();
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

/** What the form asks for now. */
export function asked(): Ask {
  const ask: Ask = {
    text: text.value,
    ...moods(),
    ...followed(turned(), versionCalled(model.value)),
    ...finerAsked(),
    speed: speed.valueAsNumber,
    format: format.value,
    ...(voice.value ? { voice: voice.value } : {}),
    ...(tongue.value ? { language: tongue.value } : {}),
    ...keptSettings(),
  };
  return model.value ? { ...ask, model: model.value } : ask;
}

function moods(): Pick<Ask, "emotion" | "emotion_vector" | "emotion_text" | "emotion_voice" | "intensity"> {
  const elsewhere = whenceAsked();
  return elsewhere === null ? moodAsked() : { ...elsewhere, intensity: intensity.valueAsNumber };
}

/** What was being written when the page was left. */
function takeDraft(): void {
  const draft = keptDraft();
  text.value = draft.text;
  speed.valueAsNumber = draft.speed;
  format.value = draft.format;
  wanted = { model: draft.model, voice: draft.voice, language: draft.language };
  turn(draft);
  fillFiner(draft.finer);
  offerMoods([]);
  setMood(draft.mood);
  source = draft;
}

function written(): void {
  showNumbers();
  markTemplate();
  const chosen = { model: model.value || wanted.model, voice: voice.value || wanted.voice, language: tongue.value || wanted.language };
  const elsewhere = { emotion: null, emotion_text: null, emotion_voice: null, ...whenceAsked() };
  keepDraft({ text: text.value, mood: mood(), speed: speed.valueAsNumber, ...turned(), finer: finer(), ...elsewhere, format: format.value, ...chosen });
}

/** Fill the form with what a task was spoken from. */
async function again(id: string): Promise<void> {
  restate("speak");
  try {
    const task = await found(id);
    text.value = task.text;
    speed.valueAsNumber = task.settings.speed;
    if ([...format.options].some((option) => option.value === task.settings.format)) format.value = task.settings.format;
    wanted = { model: task.model, voice: task.voice ?? "", language: task.settings.language };
    tongue.value = "";
    if (versionCalled(task.model)) model.value = task.model;
    showAble();
    intensity.valueAsNumber = task.settings.intensity;
    setMood(moodOf(task));
    turn(task.settings);
    fillFiner(finerOf(task));
    source = { ...task.settings, emotion: task.emotion };
    await findVoices();
    fillAgain(task, voice.value === task.voice);
    const there = served().length === 0 || versionCalled(task.model) !== undefined;
    trouble.textContent = there ? "" : say("notServed", task.model);
    written();
    text.focus();
  } catch (error) {
    fail(error);
  }
}

function showAble(): void {
  const chosen = versionCalled(model.value);
  offerMoods(chosen?.emotions ?? []);
  offerKnobs(chosen);
  offerFiner(chosen);
  offerTongues(chosen?.languages ?? []);
  showTemplates();
}

/** Offer the languages of a version that knows several; the first is what it speaks where none is said. */
function offerTongues(tags: readonly string[]): void {
  const now = tongue.value || wanted.language;
  const names = new Intl.DisplayNames(language, { type: "language" });
  tongue.replaceChildren(...tags.map((tag, at) => new Option(names.of(tag) ?? tag, at === 0 ? "" : tag)));
  tongue.value = tags.indexOf(now) > 0 ? now : "";
  if (tags.length > 0) wanted.language = "";
  element("tongue-field", HTMLElement).hidden = tags.length < 2;
}

function showNumbers(): void {
  const long = expected(text.value, model.value, speed.valueAsNumber);
  const count = say("count", [...text.value].length);
  element("count", HTMLElement).textContent = long > 0 ? `${count} · ${say("about", roughly(long))}` : count;
  element("speed-shown", HTMLElement).textContent = `${speed.valueAsNumber.toFixed(2)} ×`;
  showKnobs();
  showFiner();
  intensity.disabled = Object.keys(mood()).length === 0 && whenceAsked() === null && !text.value.includes("[");
}

function roughly(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? say("seconds", whole) : say("minutes", Math.floor(whole / 60), String(whole % 60).padStart(2, "0"));
}

async function findVersions(): Promise<void> {
  try {
    await findServed();
  } catch (error) {
    fail(error);
    setTimeout(findVersions, ASK_AGAIN_MS);
    return;
  }
  offerVersions(model, wanted.model);
  wanted.model = "";
  showAble();
  showNumbers();
  await findVoices();
  const ready = served().some((version) => version.state === "ready");
  const broken = served().find((version) => version.trouble)?.trouble ?? "";
  if (!busy) showReadiness(ready ? "" : say("waiting"), ready || broken === "" ? "" : worded(null, broken));
  if (!ready) setTimeout(findVersions, ASK_AGAIN_MS);
}

/** Say that no version can speak yet, and why; what else is said there stays. */
function showReadiness(waits: string, why: string): void {
  for (const [place, now, before] of [[progress, waits, unready.waits], [trouble, why, unready.why]] as const) {
    if (now !== "" || place.textContent === before) place.textContent = now;
  }
  unready = { waits, why };
}

/** Offer the voices that are kept, where the chosen version can speak with them. */
export async function findVoices(): Promise<void> {
  const chosen = versionCalled(model.value);
  const kept = await voicesFor(chosen);
  offerVoices(voice, kept, chosen);
  offerWhence(chosen, kept);
  if (source !== null) setWhence(source);
  source = null;
  if (kept.some((each) => each.id === wanted.voice)) voice.value = wanted.voice;
  wanted.voice = "";
  element("voice-field", HTMLElement).hidden = (chosen?.own_voice ?? true) && voice.options.length < 2;
}

async function submit(): Promise<void> {
  if (busy || !form.reportValidity()) return;
  setBusy(true);
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  let at = "";
  const tick = (): void => void (progress.textContent = say("speaking", seconds()) + at);
  const ticking = setInterval(tick, 500);
  tick();
  try {
    stopWanted = false;
    underWay = await begin(asked());
    if (stopWanted) await cancel(underWay.id);
    const task = await follow(underWay.id, (now) => {
      showProgress(now);
      at = now.segments > 1 ? ` · ${say("segmentOf", Math.min(now.spoken + 1, now.segments), now.segments)}` : "";
      tick();
    });
    if (task.status === "failed") throw new Trouble(task.error_code ?? "", task.error ?? "");
    progress.textContent = task.status === "done" ? say("done", seconds()) : say("stopped");
    if (task.status === "done") {
      learn(task);
      showNumbers();
      // Whoever went to another view meanwhile is not to be spoken to from here.
      addTake(task, !form.closest("[hidden]"));
    }
  } catch (error) {
    progress.textContent = "";
    fail(error);
  } finally {
    clearInterval(ticking);
    underWay = null;
    setBusy(false);
  }
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

function fail(error: unknown): void {
  trouble.textContent = sentence(error);
}
