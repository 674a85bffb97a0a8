// How long a text will sound, guessed from its characters, and better with each take.

import type { Task } from "./answers";

// Seconds at a version's own speed, as `lite` and IndexTTS-2 speak on the whole.
const CHARACTER = 0.205;
const WORD = 0.38;
const DIGIT = 0.17;
const COMMA = 0.25;
const STOP = 0.45;

// A take that is far off, such as one word, says little of the next.
const LOWEST = 0.4;
const HIGHEST = 2.5;

const ratios = new Map<string, number>();

/** Seconds that a text will take with a version. */
export function expected(text: string, version: string, speed: number): number {
  return (guess(text) * (ratios.get(version) ?? 1)) / speed + silences(text);
}

/** Learn from a take how fast its version speaks. */
export function learn(task: Task): void {
  const guessed = guess(task.text) / task.settings.speed;
  if (task.duration === null || guessed < 1) return;
  const found = Math.min(HIGHEST, Math.max(LOWEST, (task.duration - silences(task.text)) / guessed));
  ratios.set(task.model, ((ratios.get(task.model) ?? found) + found) / 2);
}

function guess(text: string): number {
  const spoken = text.replace(/\[[^\]]*\]|<break[^>]*>|<\/?em>/g, "").replace(/<([^|>]*)\|[^>]*>/g, "$1");
  const count = (pattern: RegExp): number => spoken.match(pattern)?.length ?? 0;
  return (
    CHARACTER * count(/\p{Script=Han}/gu) + WORD * count(/[A-Za-z]+/g) + DIGIT * count(/\d/g) +
    COMMA * count(/[，、；：,;:]/g) + STOP * count(/[。！？….!?\n]+/g)
  );
}

function silences(text: string): number {
  return [...text.matchAll(/<break\s+([\d.]+)(ms|s)>/g)].reduce((sum, [, long = "0", unit]) => sum + Number(long) / (unit === "ms" ? 1000 : 1), 0);
}
