// Where the mood comes from: the wheel, the words of each sentence, or, with versions that can, a text or a voice that has it.

import type { Ask, Task, Version, Voice } from "./answers";
import { element, made } from "./dom";
import { say, type Word } from "./words";

export type Whence = "wheel" | "auto" | "text" | "voice";

/** Where a task had its mood from, if not from the wheel. */
export type Elsewhere = { emotion?: string | null } & Pick<Task["settings"], "emotion_text" | "emotion_voice">;

const choice = element("whence", HTMLElement);
const pad = element("pad", HTMLElement);
const textField = element("mood-text-field", HTMLElement);
const text = element("mood-text", HTMLTextAreaElement);
const voiceField = element("mood-voice-field", HTMLElement);
const voice = element("mood-voice", HTMLSelectElement);
const mix = element("mix-field", HTMLElement);

const WORDS: Record<Whence, Word> = { wheel: "fromWheel", auto: "auto", text: "fromText", voice: "fromVoice" };

let offered: Whence[] = ["wheel"];
let now: Whence = "wheel";
let changed = (): void => {};

export function startWhence(told: () => void): void {
  changed = told;
  choice.addEventListener("change", (event) => {
    set((event.target as HTMLInputElement).value as Whence);
    changed();
  });
}

/** Offer what a version can take a mood from. */
export function offerWhence(version: Version | undefined, voices: readonly Voice[]): void {
  const controls = version?.controls ?? [];
  offered = (version?.emotions.length ?? 0) > 1 ? ["wheel", "auto"] : ["wheel"];
  if (controls.includes("emotion_text")) offered.push("text");
  if (controls.includes("emotion_voice") && voices.length > 0) offered.push("voice");
  const kept = voice.value;
  voice.replaceChildren(...voices.map((each) => new Option(each.name, each.id)));
  if (voices.some((each) => each.id === kept)) voice.value = kept;
  choice.replaceChildren(...offered.map(chip));
  set(now);
}

/** What a request says of it; null leaves it to the wheel. */
export function whenceAsked(): Pick<Ask, "emotion" | "emotion_text" | "emotion_voice"> | null {
  if (now === "auto") return { emotion: "auto" };
  if (now === "text" && text.value.trim() !== "") return { emotion_text: text.value.trim() };
  if (now === "voice" && voice.value !== "") return { emotion_voice: voice.value };
  return null;
}

/** Take over where a task had its mood from. */
export function setWhence(settings: Elsewhere): void {
  if (settings.emotion_text) text.value = settings.emotion_text;
  if (settings.emotion_voice) voice.value = settings.emotion_voice;
  set(settings.emotion === "auto" ? "auto" : settings.emotion_text ? "text" : settings.emotion_voice ? "voice" : "wheel");
}

function chip(whence: Whence): HTMLElement {
  const label = made("label");
  const input = made("input");
  input.type = "radio";
  input.name = "whence";
  input.value = whence;
  label.append(input, made("span", "", say(WORDS[whence])));
  return label;
}

function set(wanted: Whence): void {
  now = offered.includes(wanted) ? wanted : "wheel";
  choice.hidden = offered.length < 2;
  for (const input of choice.querySelectorAll("input")) input.checked = input.value === now;
  pad.hidden = mix.hidden = now !== "wheel";
  element("mood-said", HTMLElement).hidden = now !== "wheel";
  textField.hidden = now !== "text";
  voiceField.hidden = now !== "voice";
}
