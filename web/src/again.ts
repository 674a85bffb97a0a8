// What a task was spoken with that the form has no field for, and that goes along when it is taken again.

import { element } from "./dom";
import type { Ask, Manner, Task } from "./answers";
import { fromVector } from "./mixture";
import { say } from "./words";

const along = element("along", HTMLElement);
const line = element("along-said", HTMLElement);

type Kept = Pick<Ask, "voice" | "seed" | "roles">;

let kept: Kept = {};

/** Keep a task's seed and roles, and its voice where the form does not offer it, and say so. */
export function fillAgain(task: Task, voiceOffered: boolean): void {
  const { settings } = task;
  kept = {};
  const said: string[] = [];
  if (task.voice !== null && !voiceOffered) {
    kept.voice = task.voice;
    said.push(say("alongVoice", task.voice.slice(0, 12)));
  }
  if (settings.seed !== 0) {
    kept.seed = settings.seed;
    said.push(say("alongSeed", settings.seed));
  }
  if (settings.roles.length > 0) {
    kept.roles = Object.fromEntries(settings.roles.map((role) => [role.name, manner(role)]));
    said.push(say("alongRoles", settings.roles.map((role) => role.name).join(", ")));
  }
  line.textContent = said.join(" · ");
  along.hidden = said.length === 0;
}

export function keptSettings(): Kept {
  return kept;
}

export function forgetKept(): void {
  kept = {};
  along.hidden = true;
}

function manner(role: Task["settings"]["roles"][number]): Manner {
  const spoken = { emotion_vector: fromVector(role.emotion), speed: role.speed, pitch: role.pitch, volume: role.volume };
  return role.voice === null ? spoken : { ...spoken, voice: role.voice };
}
