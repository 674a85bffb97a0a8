// A script: roles, and lines that they speak. Kept in this browser until it is cleared.

import type { Ask } from "./answers";
import { followed, type Turned } from "./knobs";
import { askedFor } from "./moods";
import { versionCalled } from "./served";

export interface Role extends Turned {
  name: string;
  /** A voice's id; empty is the version's own. */
  voice: string;
  emotion: string;
  intensity: number;
  speed: number;
}

/** A line, and the take of it that there is: `ask` is what it was taken with. */
export interface Line {
  /** A role's name; empty is nobody's. */
  role: string;
  /** Empty is the role's. */
  emotion: string;
  text: string;
  take: { id: string; duration: number; ask: string } | null;
}

export interface Script {
  roles: Role[];
  lines: Line[];
}

// What the service joins at once is more; what is looked at on one page should be less.
export const MOST_LINES = 200;
export const MOST_ROLES = 32;

const KEPT = "script";
// As `synth.text.script` has it, and short: what is longer before a colon is a sentence.
const SPEAKER = /^\s*([^:：\n<>[\]|/\s][^:：\n<>[\]|/]{0,14}?)\s*[:：]\s*(\S.*)$/u;

export function newRole(name: string): Role {
  return { name, voice: "", emotion: "neutral", intensity: 0.5, speed: 1, pitch: 0, volume: 0 };
}

export function newLine(role = "", text = ""): Line {
  return { role, emotion: "", text, take: null };
}

/** What a line asks of the service. */
export function askOf(line: Line, script: Script, model: string): Ask {
  const role = script.roles.find((each) => each.name === line.role) ?? newRole("");
  const emotion = line.emotion || role.emotion;
  return {
    text: line.text.trim(),
    ...(emotion === "auto" ? { emotion, intensity: role.intensity } : askedFor(emotion === "neutral" ? {} : { [emotion]: role.intensity })),
    ...followed(role, versionCalled(model)),
    speed: role.speed,
    format: "wav",
    ...(role.voice ? { voice: role.voice } : {}),
    ...(model ? { model } : {}),
  };
}

/** Whether there is a take of a line as it stands now. */
export function isTaken(line: Line, script: Script, model: string): boolean {
  return line.take !== null && line.take.ask === JSON.stringify(askOf(line, script, model));
}

/** Lines of a text. Who stands before a colon is a role, if the script knows it, or it speaks twice at least. */
export function read(text: string, known: readonly Role[]): { roles: string[]; lines: Line[] } {
  const written = text.split("\n").filter((line) => line.trim() !== "");
  const spoken = written.map((line) => SPEAKER.exec(line));
  const counts = new Map<string, number>();
  for (const found of spoken) if (found?.[1]) counts.set(found[1], (counts.get(found[1]) ?? 0) + 1);
  const isRole = (name: string): boolean => known.some((role) => role.name === name) || (counts.get(name) ?? 0) > 1;
  const lines = written.map((line, at) => {
    const [, name = "", words = ""] = spoken[at] ?? [];
    return isRole(name) ? newLine(name, words.trim()) : newLine("", line.trim());
  });
  return { roles: [...new Set(lines.map((line) => line.role))].filter((name) => name !== ""), lines };
}

export function keepScript(script: Script): void {
  localStorage.setItem(KEPT, JSON.stringify(script));
}

export function keptScript(): Script {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Script> | null;
    const roles = Array.isArray(found?.roles) ? found.roles.map((role) => ({ ...newRole(""), ...role })) : [];
    const lines = Array.isArray(found?.lines) ? found.lines.map((line) => ({ ...newLine(), ...line })) : [];
    return { roles, lines: lines.length > 0 ? lines : [newLine()] };
  } catch {
    return { roles: [], lines: [newLine()] };
  }
}
