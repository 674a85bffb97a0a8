// What sounds in a list: one task at a time, played where it stands.

import type { Task } from "./answers";
import { takeTurn } from "./turns";

/** What of a task is needed to hear it. */
export type Audible = Pick<Task, "id" | "audio_url">;

export class Clip {
  readonly #audio: HTMLAudioElement;
  /** What is played, or was played last. */
  task: Audible | null = null;
  wrong = false;

  /** `changed`: it plays, pauses or is somewhere else now. */
  constructor(audio: HTMLAudioElement, changed: () => void) {
    this.#audio = audio;
    for (const event of ["play", "pause", "timeupdate", "ended"]) audio.addEventListener(event, changed);
    audio.addEventListener("error", () => {
      this.wrong = this.task !== null;
      changed();
    });
  }

  get playing(): boolean {
    return !this.#audio.paused;
  }

  get time(): number {
    return this.#audio.currentTime;
  }

  /** Play a task from its beginning, or pause it, or go on with it. */
  turn(task: Audible): void {
    if (this.task?.id === task.id && !this.wrong) {
      this.toggle();
      return;
    }
    this.task = task;
    this.wrong = false;
    this.#audio.src = task.audio_url ?? "";
    this.toggle();
  }

  toggle(): void {
    takeTurn(this);
    if (this.playing) this.#audio.pause();
    // What can't be loaded is told by `error`; one that was paused meanwhile is no trouble.
    else void this.#audio.play().catch(() => {});
  }

  pause(): void {
    this.#audio.pause();
  }

  seek(seconds: number): void {
    this.#audio.currentTime = seconds;
  }
}
