// What is being written and chosen under Speak: it outlives a reload, and a browser that is closed.

import type { Finer } from "./finer";
import type { Weights } from "./mixture";

export interface Draft {
  text: string;
  mood: Weights;
  speed: number;
  pitch: number;
  volume: number;
  finer: Finer;
  emotion: string | null;
  emotion_text: string | null;
  emotion_voice: string | null;
  format: string;
  model: string;
  voice: string;
  language: string;
}

const KEPT = "draft";
const EMPTY: Draft = { text: "", mood: {}, speed: 1, pitch: 0, volume: 0, finer: {}, emotion: null, emotion_text: null, emotion_voice: null, format: "wav", model: "", voice: "", language: "" };

export function keepDraft(draft: Draft): void {
  localStorage.setItem(KEPT, JSON.stringify(draft));
}

export function keptDraft(): Draft {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return { ...EMPTY, ...(typeof found === "object" ? found : {}) };
  } catch {
    return EMPTY;
  }
}
