// What a task was spoken with that the form has no field for, and that goes along when it is taken again.

import { element } from "./dom";
import { mixed } from "./facts";
import { type Ask, EMOTIONS, type Manner, type Task } from "./service";
import { say } from "./words";

const along = element("along", HTMLElement);
const line = element("along-said", HTMLElement);

type Kept = Pick<Ask, "voice" | "seed" | "emotion_vector" | "roles">;

let kept: Kept = {};

/** Keep a task's seed, mix of emotions and roles, and its voice where the form does not offer it, and say so. */
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
  if (task.emotion === null && settings.emotion.some((weight) => weight > 0)) {
    kept.emotion_vector = mix(settings.emotion);
    said.push(mixed(settings.emotion));
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

function mix(weights: number[]): Record<string, number> {
  const named = EMOTIONS.map((label, at) => [label, weights[at] ?? 0] as const);
  return Object.fromEntries(named.filter(([, weight]) => weight > 0));
}

function manner(role: Task["settings"]["roles"][number]): Manner {
  const spoken = { emotion_vector: mix(role.emotion), speed: role.speed };
  return role.voice === null ? spoken : { ...spoken, voice: role.voice };
}
