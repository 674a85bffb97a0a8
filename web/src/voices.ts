// The view of voices: keep one with the consent of the person whose it is, hear those that are kept, delete them.

import { copied, element, within } from "./dom";
import { type Consent, type Voice, clip, consents, deleteVoice, keepVoice, voices } from "./service";
import { anyClones, findVoices } from "./speak";
import { sentence } from "./trouble";
import { endTurns } from "./turns";
import type { View } from "./views";
import { toWave } from "./wave";
import { language, say, translate } from "./words";

const form = element("keep-voice", HTMLFormElement);
const file = element("clip", HTMLInputElement);
const record = element("record", HTMLButtonElement);
const recorded = element("recorded", HTMLElement);
const heard = element("heard", HTMLAudioElement);
const trouble = element("voice-trouble", HTMLElement);
const kept = element("kept", HTMLElement);

// What the service takes at most.
const LONGEST_SECONDS = 60;

let recorder: MediaRecorder | null = null;
let wave: Blob | null = null;

export const voicesView: View = {
  title: "voices",
  enter: () => void open(),
  leave: endTurns,
  show() {
    show();
    if (!element("view-voices", HTMLElement).hidden) void open();
  },
};

function show(): void {
  record.textContent = say(recorder === null ? "record" : "recordStop");
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
  const chosen = wave ?? file.files?.[0];
  if (chosen === undefined) {
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
    if (seconds >= LONGEST_SECONDS) now.stop();
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
  wave = await toWave(body);
  file.value = "";
  heard.src = URL.createObjectURL(wave);
  heard.hidden = false;
}

function forget(): void {
  wave = null;
  heard.hidden = true;
  heard.removeAttribute("src");
  recorded.textContent = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void keepIt();
});
file.addEventListener("change", forget);
record.addEventListener("click", () => {
  if (recorder === null) void startRecording();
  else recorder.stop();
});
