// How long a segment is, and how a version that draws its speech draws it: for those who know what they want. Empty is the version's own way.

import type { Ask, Task, Version } from "./answers";
import { element } from "./dom";

/** By the names that the service has for them; the first is followed by every version. */
const LENGTH = "segment_length";
const DRAWN = ["temperature", "top_p", "top_k", "num_beams", "repetition_penalty", "length_penalty", "max_mel_tokens"] as const;

/** What is filled in. */
export type Finer = Readonly<Record<string, number>>;

const all = element("finer", HTMLDetailsElement);
const field = (name: string): HTMLInputElement => element(name, HTMLInputElement);
const isOffered = (name: string): boolean => !element(`${name}-field`, HTMLElement).hidden;

export function startFiner(): void {
  // What is wrong in it can't be shown while it is folded.
  all.addEventListener("invalid", () => (all.open = true), true);
}

/** Show those that a version follows. */
export function offerFiner(version: Version | undefined): void {
  for (const name of DRAWN) {
    const follows = version?.controls.includes(name) ?? false;
    element(`${name}-field`, HTMLElement).hidden = !follows;
    // What is not shown is not asked for, so that it may be whatever it is.
    field(name).disabled = !follows;
  }
  showFiner();
}

/** Say beside the heading what is filled in, as it holds although it may be folded. */
export function showFiner(): void {
  const said = Object.entries(finer()).filter(([name]) => isOffered(name));
  element("finer-said", HTMLElement).textContent = said.map(([name, value]) => `${field(name).labels?.[0]?.textContent} ${value}`).join(" · ");
}

export function finer(): Finer {
  const filled = [LENGTH, ...DRAWN].filter((name) => !Number.isNaN(field(name).valueAsNumber));
  return Object.fromEntries(filled.map((name) => [name, field(name).valueAsNumber]));
}

export function fillFiner(wanted: Finer): void {
  for (const name of [LENGTH, ...DRAWN]) {
    const input = field(name);
    input.value = name in wanted ? String(wanted[name]) : "";
    // Programs may ask for what lies between the steps of a field.
    if (input.validity.stepMismatch) input.step = "any";
  }
  showFiner();
}

/** What a task was spoken with. */
export function finerOf({ settings }: Task): Finer {
  return { ...settings.sampling, ...(settings.segment_length === null ? {} : { [LENGTH]: settings.segment_length }) };
}

/** What a request says of them: what is filled in, and followed. */
export function finerAsked(): Pick<Ask, "segment_length" | "sampling"> {
  const { [LENGTH]: length, ...drawn } = finer();
  const followed = Object.entries(drawn).filter(([name]) => isOffered(name));
  return {
    ...(length === undefined ? {} : { segment_length: length }),
    ...(followed.length === 0 ? {} : { sampling: Object.fromEntries(followed) }),
  };
}
