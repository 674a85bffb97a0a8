// The same place in two takes of one text.

import type { Segment, Task } from "./service";

/** The moment of `to`, in seconds, at which is spoken what `from` speaks at `time`: takes differ in speed, and so in length. */
export function samePlace(time: number, from: Task, to: Task): number {
  const at = segmentAt(time, from.segments);
  const here = from.segments[at];
  const there = to.segments[at];
  if (here && there && from.segments.length === to.segments.length) {
    return there.start + share(time - here.start, here.end - here.start) * (there.end - there.start);
  }
  return share(time, from.duration ?? 0) * (to.duration ?? 0);
}

/** Which segment is spoken at `time`; one lasts until the next begins. -1 before the first. */
export function segmentAt(time: number, segments: Segment[]): number {
  return segments.findLastIndex((segment) => segment.start <= time);
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
