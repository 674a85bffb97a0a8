// The view of voices: keep one with the consent of the person whose it is, hear those that are kept, delete them.

import { copied, element, within } from "./dom";
import { type Consent, type Voice, clip, consents, deleteVoice, keepVoice, voices } from "./service";
import { anyClones } from "./served";
import { findVoices } from "./speak";
import { clearTrim, LONGEST, sayTrim, showTrim, trimmed } from "./trim";
import { sentence } from "./trouble";
import { endTurns } from "./turns";
import type { View } from "./views";
import { cut, decoded } from "./wave";
import { language, say, translate } from "./words";

const form = element("keep-voice", HTMLFormElement);
const file = element("clip", HTMLInputElement);
const record = element("record", HTMLButtonElement);
const recorded = element("recorded", HTMLElement);
const drop = element("drop", HTMLElement);
const trouble = element("voice-trouble", HTMLElement);
const kept = element("kept", HTMLElement);

let recorder: MediaRecorder | null = null;
let source: Blob | null = null;

export const voicesView: View = {
  title: "voices",
  enter() {
    trouble.textContent = "";
    void open();
  },
  leave: endTurns,
  show() {
    show();
    if (!element("view-voices", HTMLElement).hidden) void open();
  },
};

function show(): void {
  record.textContent = say(recorder === null ? "record" : "recordStop");
  sayTrim();
  element("cloning", HTMLElement).textContent = anyClones() ? "" : say("noCloning");
}

/** Show the voices that are kept. */
async function open(): Promise<void> {
  show();
  try {
    const [found, allowed] = await Promise.all([voices(), consents()]);
    kept.replaceChildren(...found.map((voice) => row(voice, allowed.find((consent) => consent.id === voice.consent))));
    element("no-voices", HTMLElement).hidden = found.length > 0;
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  trouble.textContent = sentence(error);
}

function row(voice: Voice, consent: Consent | undefined): HTMLElement {
  const copy = copied("kept-voice");
  within(copy, ".name", HTMLElement).textContent = voice.name;
  within(copy, ".facts", HTMLElement).textContent = say("seconds", voice.seconds.toFixed(1));
  const audio = within(copy, "audio", HTMLAudioElement);
  audio.src = clip(voice.id);
  audio.setAttribute("aria-label", voice.name);
  if (consent !== undefined) {
    const day = new Date(consent.created).toLocaleDateString(language === "zh" ? "zh-CN" : "en", { dateStyle: "medium" });
    within(copy, ".consented", HTMLElement).textContent = say("consented", consent.name, day, consent.statement);
  }
  within(copy, ".delete", HTMLButtonElement).addEventListener("click", () => {
    void deleteVoice(voice.id).then(
      () => Promise.all([open(), findVoices()]),
      fail,
    );
  });
  translate(copy);
  return copy;
}

async function keepIt(): Promise<void> {
  trouble.textContent = "";
  const chosen = trimmed() ?? source;
  if (chosen === null) {
    trouble.textContent = say("noClip");
    return;
  }
  const sent = new FormData(form);
  sent.set("clip", chosen, "clip");
  sent.set("language", language === "zh" ? "zh-CN" : "en");
  try {
    await keepVoice(sent);
  } catch (error) {
    fail(error);
    return;
  }
  form.reset();
  forget();
  await Promise.all([open(), findVoices()]);
}

async function startRecording(): Promise<void> {
  trouble.textContent = "";
  let microphone: MediaStream;
  try {
    microphone = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch {
    trouble.textContent = say("noMicrophone");
    return;
  }
  const parts: Blob[] = [];
  const now = new MediaRecorder(microphone);
  const began = performance.now();
  const clock = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    recorded.textContent = say("seconds", seconds.toFixed(0));
    if (seconds >= LONGEST) now.stop();
  }, 250);
  now.addEventListener("dataavailable", (event) => parts.push(event.data));
  now.addEventListener("stop", () => {
    clearInterval(clock);
    for (const track of microphone.getTracks()) track.stop();
    recorder = null;
    record.textContent = say("record");
    void finish(new Blob(parts));
  });
  recorder = now;
  record.textContent = say("recordStop");
  now.start();
}

async function finish(body: Blob): Promise<void> {
  // What browsers record has a container of their own: it goes on as WAV, also where nothing is cut.
  const sound = await decoded(body);
  file.value = "";
  recorded.textContent = "";
  await choose(cut(sound, 0, sound.duration));
}

/** Take a clip, from wherever it came. */
async function choose(clip: Blob): Promise<void> {
  trouble.textContent = "";
  source = clip;
  await showTrim(clip);
}

function forget(): void {
  source = null;
  clearTrim();
  recorded.textContent = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void keepIt();
});
file.addEventListener("change", () => {
  const [chosen] = file.files ?? [];
  recorded.textContent = chosen?.name ?? "";
  if (chosen) void choose(chosen);
  else forget();
});
element("choose-clip", HTMLButtonElement).addEventListener("click", () => file.click());
for (const over of ["dragenter", "dragover"]) {
  drop.addEventListener(over, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const gone of ["dragleave", "drop"]) drop.addEventListener(gone, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const dropped = event.dataTransfer?.files;
  if (!dropped?.[0]) return;
  file.files = dropped;
  recorded.textContent = dropped[0].name;
  void choose(dropped[0]);
});
record.addEventListener("click", () => {
  if (recorder === null) void startRecording();
  else recorder.stop();
});
