// A task in a few words: when, by which version, how, and how long.

import { EMOTIONS, type Task } from "./service";
import { language, say, type Word } from "./words";

/** The emotion of a task in words, be it one or a mix. */
export function emotionOf(task: Task): string {
  if (task.settings.emotion_text) return say("asText", task.settings.emotion_text.slice(0, 20));
  if (task.settings.emotion_voice) return say("asVoice");
  if (task.emotion !== null) {
    const name = say(task.emotion as Word);
    return task.emotion === "neutral" || task.emotion === "auto" ? name : `${name} ${percent(task.settings.intensity)}`;
  }
  return task.settings.emotion.some((weight) => weight > 0) ? mixed(task.settings.emotion) : say("neutral");
}

/** A mix of emotions in words: those with a weight, the strongest first. */
export function mixed(weights: number[]): string {
  return EMOTIONS.map((label, at) => ({ label, weight: weights[at] ?? 0 }))
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ label, weight }) => `${say(label)} ${percent(weight)}`)
    .join(" + ");
}

/** How fast, and how high and loud where that is not as usual. */
export function speedOf({ settings }: Task): string {
  const sign = (value: number): string => (value > 0 ? `+${value}` : String(value));
  const said = [`${settings.speed.toFixed(2)} ×`];
  if (settings.pitch !== 0) said.push(say("semitones", sign(settings.pitch)));
  if (settings.volume !== 0) said.push(say("decibels", sign(settings.volume)));
  return said.join(" · ");
}

export function lengthOf(task: Task): string {
  return task.duration === null ? "–" : say("seconds", task.duration.toFixed(1));
}

export function formatOf(task: Task): string {
  const rate = task.sample_rate === null ? "" : ` · ${task.sample_rate / 1000} kHz`;
  return task.settings.format.toUpperCase() + rate;
}

/** What stands below a fresh take. */
export function facts(task: Task): string {
  return [lengthOf(task), task.model, emotionOf(task), speedOf(task), formatOf(task)].join(" · ");
}

/** A moment as the reader writes it, without the year where it is this one. */
export function when(moment: string): string {
  const date = new Date(moment);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
  return date.toLocaleString(language === "zh" ? "zh-CN" : "en", {
    ...year,
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

/** A moment of a take, such as 1:02.5. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${Math.floor(tenths / 600)}:${rest}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
