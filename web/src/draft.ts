// What is being written and chosen under Speak: it outlives a reload, and a browser that is closed.

import type { Weights } from "./mixture";

export interface Draft {
  text: string;
  mood: Weights;
  speed: number;
  format: string;
  model: string;
  voice: string;
}

const KEPT = "draft";
const EMPTY: Draft = { text: "", mood: {}, speed: 1, format: "wav", model: "", voice: "" };

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
