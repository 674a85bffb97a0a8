// What can be chosen to speak with: the versions that are served, and the voices that are kept.

import type { Version, Voice } from "./answers";
import { versions, voices } from "./service";
import { say } from "./words";

/** A version that is being loaded is asked after this often; it takes seconds to minutes. */
export const ASK_AGAIN_MS = 2000;

let known: Version[] = [];

/** What was known when it was last asked for. */
export function served(): readonly Version[] {
  return known;
}

/** The version of that name. */
export function versionCalled(name: string): Version | undefined {
  return known.find((version) => version.version === name);
}

/** Ask again. Raises what the service's answers raise. */
export async function findServed(): Promise<readonly Version[]> {
  known = await versions();
  return known;
}

/** Put the versions into a choice, which stays where it was, or goes to `wanted`. */
export function offerVersions(choice: HTMLSelectElement, wanted = ""): void {
  const now = wanted || choice.value;
  const names = [...new Set(known.map((version) => version.version))];
  choice.replaceChildren(
    ...names.map((name) => {
      const option = new Option(name, name);
      option.title = `sha256:${versionCalled(name)?.digest}`;
      option.selected = name === now;
      return option;
    }),
  );
}

/** The voices that a version can speak with or take a mood from; none if it can neither, or they can't be learned now. */
export async function voicesFor(version: Version | undefined): Promise<Voice[]> {
  return version?.cloning || version?.controls.includes("emotion_voice") ? voices().catch(() => []) : [];
}

/** Put voices into a choice, with the version's own before them if it has one. */
export function offerVoices(choice: HTMLSelectElement, kept: readonly Voice[], version: Version | undefined): void {
  const now = choice.value;
  const alone = version?.own_voice ?? true;
  choice.replaceChildren(...(version?.cloning ? kept : []).map((voice) => new Option(voice.name, voice.id)));
  if (alone || kept.length === 0) {
    const own = new Option(say(alone ? "ownVoice" : "needsVoice"), "");
    own.disabled = !alone;
    choice.prepend(own);
    own.selected = true;
  }
  if (kept.some((voice) => voice.id === now)) choice.value = now;
}

/** Whether a version that is served can speak with other voices than its own. */
export function anyClones(): boolean {
  return known.some((version) => version.cloning);
}
