// Emotions and how strong they are, as weights; and where a mixture stands on a wheel of them. Pure.

import { EMOTIONS } from "./answers";

/** Weights from 0 to 1 by emotion; none is neutral. */
export type Weights = Readonly<Record<string, number>>;

export interface Point {
  x: number;
  y: number;
}

/** Nearer to an emotion's own direction than this share of the way to the next, it is that emotion alone. */
const ALONE = 0.18;
/** Nearer to the middle than this share of the radius, it is neutral. */
const NEUTRAL = 0.14;

/** Weights of what is known and above nothing, in the house's order, each to a hundredth. */
export function tidy(weights: Weights): Weights {
  const known = EMOTIONS.map((label) => [label, Math.round(100 * Math.min(1, weights[label] ?? 0)) / 100] as const);
  return Object.fromEntries(known.filter(([, weight]) => weight > 0));
}

/** How strong the strongest is. */
export function strength(weights: Weights): number {
  return Math.max(0, ...Object.values(weights));
}

/** The same mixture with the strongest at `most`. */
export function scaled(weights: Weights, most: number): Weights {
  const now = strength(weights);
  return now === 0 ? {} : tidy(Object.fromEntries(Object.entries(weights).map(([label, weight]) => [label, (weight / now) * most])));
}

/** Weights of the service, in its order. */
export function fromVector(vector: readonly number[]): Weights {
  return tidy(Object.fromEntries(EMOTIONS.map((label, at) => [label, vector[at] ?? 0])));
}

/** Where an emotion stands on the wheel of those on offer: the first at the top, the others with the clock; radius 1. */
export function direction(at: number, count: number): Point {
  const angle = (2 * Math.PI * at) / count;
  return { x: Math.sin(angle), y: -Math.cos(angle) };
}

/** The mixture at a point of the wheel: the two emotions on both sides of its direction, as strong as it is far from the middle. */
export function mixtureAt(point: Point, offered: readonly string[]): Weights {
  const far = Math.min(1, Math.hypot(point.x, point.y));
  if (far < NEUTRAL || offered.length === 0) return {};
  const turns = Math.atan2(point.x, -point.y) / (2 * Math.PI);
  const place = ((turns + 1) % 1) * offered.length;
  const before = Math.floor(place) % offered.length;
  const after = (before + 1) % offered.length;
  const share = place - Math.floor(place);
  const one = offered[before] ?? "";
  const other = offered[after] ?? "";
  if (before === after || share < ALONE) return tidy({ [one]: far });
  if (share > 1 - ALONE) return tidy({ [other]: far });
  const nearest = Math.max(share, 1 - share);
  return tidy({ [one]: (far * (1 - share)) / nearest, [other]: (far * share) / nearest });
}

/** Where a mixture is drawn on the wheel; several that lie opposite pull it to the middle. */
export function pointOf(weights: Weights, offered: readonly string[]): Point {
  let x = 0;
  let y = 0;
  for (const [at, label] of offered.entries()) {
    const towards = direction(at, offered.length);
    x += towards.x * (weights[label] ?? 0);
    y += towards.y * (weights[label] ?? 0);
  }
  const far = Math.hypot(x, y);
  const most = Math.min(far, strength(weights));
  return far === 0 ? { x: 0, y: 0 } : { x: (x / far) * most, y: (y / far) * most };
}
