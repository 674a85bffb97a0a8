// Numbers that only some versions follow: how high, how loud.

import type { Ask, Version } from "./answers";
import { element } from "./dom";
import { say } from "./words";

export const KNOBS = ["pitch", "volume"] as const;

/** Semitones and decibels; 0 leaves the voice as it is. */
export type Turned = Record<(typeof KNOBS)[number], number>;

const slider = (name: string): HTMLInputElement => element(name, HTMLInputElement);

/** Show those that a version follows. */
export function offerKnobs(version: Version | undefined): void {
  for (const name of KNOBS) element(`${name}-field`, HTMLElement).hidden = !version?.controls.includes(name);
  showKnobs();
}

export function showKnobs(): void {
  for (const name of KNOBS) {
    const value = slider(name).valueAsNumber;
    element(`${name}-shown`, HTMLElement).textContent = say(name === "pitch" ? "semitones" : "decibels", value > 0 ? `+${value}` : value);
  }
}

export function turned(): Turned {
  return { pitch: slider("pitch").valueAsNumber, volume: slider("volume").valueAsNumber };
}

export function turn(wanted: Partial<Turned>): void {
  for (const name of KNOBS) slider(name).valueAsNumber = wanted[name] ?? 0;
  showKnobs();
}

/** What a request says of them: what the version follows, and is not as it is anyway. */
export function followed(turned: Turned, version: Version | undefined): Pick<Ask, "pitch" | "volume"> {
  const set = KNOBS.filter((name) => version?.controls.includes(name) && turned[name] !== 0);
  return Object.fromEntries(set.map((name) => [name, turned[name]]));
}
