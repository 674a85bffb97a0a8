// A take that can be seen and heard: its waveform with what is spoken where; play, seek, loop, download.

import WaveSurfer from "wavesurfer.js/dist/wavesurfer.js";

import { colour, copied, dress, made, rem, within } from "./dom";
import { clock } from "./facts";
import { segmentAt } from "./position";
import { captions, type Segment, type Task } from "./service";
import { onTheme } from "./theme";
import { takeTurn } from "./turns";
import style from "./style/wave.css?inline";
import { say, translate } from "./words";

// Decoding an hour of speech takes a browser seconds and a gigabyte; what is longer than this plays without a picture.
const LONGEST_DRAWN_SECONDS = 1800;
const HEIGHT_REM = 4.5;
const STEP_SECONDS = 1;
const SMALL_STEP_SECONDS = 0.1;

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

export class Player {
  readonly element = copied("player");
  readonly task: Task;
  readonly #audio = within(this.element, "audio", HTMLAudioElement);
  readonly #place = within(this.element, ".wave", HTMLElement);
  readonly #button = within(this.element, ".play", HTMLButtonElement);
  readonly #loop = within(this.element, ".loop", HTMLButtonElement);
  readonly #time = within(this.element, ".time", HTMLElement);
  readonly #wrong = within(this.element, ".wrong", HTMLElement);
  readonly #end = new AbortController();
  readonly #wave: WaveSurfer;
  #marks: HTMLElement[] = [];
  #names: HTMLButtonElement[] = [];
  /** What is looped: this segment, or all of the take. */
  #chosen: Segment | null = null;
  #spoken = -1;

  /** `begins`: it plays as soon as it can; a browser may refuse that, and then the reader presses play. */
  constructor(task: Task, begins = false) {
    this.task = task;
    this.#writeSegments();
    const drawn = (task.duration ?? 0) <= LONGEST_DRAWN_SECONDS;
    this.#wave = WaveSurfer.create({
      container: within(this.element, ".picture", HTMLElement),
      media: this.#audio,
      url: task.audio_url ?? "",
      ...(drawn ? {} : { peaks: [[0, 0]], duration: task.duration ?? 0 }),
      height: rem(HEIGHT_REM),
      barWidth: 2,
      barGap: 2,
      barRadius: 2,
      barMinHeight: 2,
      cursorWidth: 2,
      normalize: true,
      dragToSeek: { debounceTime: 0 },
    });
    const shadow = this.#wave.getWrapper().getRootNode() as ShadowRoot;
    shadow.adoptedStyleSheets = [sheet];
    this.#listen(begins);
    this.show();
  }

  get playing(): boolean {
    return !this.#audio.paused;
  }

  /** In seconds. */
  get time(): number {
    return this.#audio.currentTime;
  }

  play(): void {
    void this.#audio.play().catch(() => this.#button.focus());
  }

  pause(): void {
    this.#audio.pause();
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds: number): void {
    this.#wave.setTime(Math.min(Math.max(0, seconds), this.task.duration ?? 0));
    this.#follow();
  }

  /** Say and paint everything again: the language or the theme has changed. */
  show(): void {
    translate(this.element);
    this.#place.setAttribute("aria-label", say("place"));
    this.#wave.setOptions({ waveColor: colour("--wave"), progressColor: colour("--accent"), cursorColor: colour("--accent") });
    const download = within(this.element, ".download", HTMLAnchorElement);
    download.href = this.task.audio_url ?? "";
    download.download = `${fileName(this.task)}.${this.task.settings.format}`;
    const srt = within(this.element, ".captions", HTMLAnchorElement);
    srt.href = captions(this.task.id);
    srt.download = `${fileName(this.task)}.srt`;
    for (const [control, word] of [[this.#loop, "loop"], [download, "download"], [srt, "captions"]] as const) {
      dress(control, word, say(word));
    }
    this.#showPlaying();
    this.#follow();
  }

  /** Fall silent for good, and give back what the browser holds of it. */
  end(): void {
    this.pause();
    this.#end.abort();
    this.#wave.destroy();
    this.element.remove();
  }

  #writeSegments(): void {
    const whole = this.task.duration ?? 0;
    // One segment is the whole text, which stands above the player already.
    const segments = this.task.segments.length > 1 && whole > 0 ? this.task.segments : [];
    this.#marks = segments.map((segment) => {
      const mark = made("span", "", segment.text);
      mark.style.left = `${(segment.start / whole) * 100}%`;
      mark.style.width = `${((segment.end - segment.start) / whole) * 100}%`;
      return mark;
    });
    within(this.element, ".marks", HTMLElement).append(...this.#marks);
    this.#names = segments.map((segment) => {
      const button = made("button", "", segment.text);
      button.type = "button";
      button.title = clock(segment.start);
      button.addEventListener("click", () => {
        this.#chosen = segment;
        this.seek(segment.start);
      });
      return button;
    });
    const list = within(this.element, ".segments", HTMLElement);
    list.append(
      ...this.#names.map((button) => {
        const line = made("li");
        line.append(button);
        return line;
      }),
    );
    list.hidden = segments.length === 0;
  }

  #listen(begins: boolean): void {
    const wave = this.#wave;
    wave.on("ready", () => {
      this.element.dataset["state"] = "ready";
      this.#follow();
      if (begins) this.play();
    });
    wave.on("error", () => (this.#wrong.textContent = say("unheard")));
    wave.on("play", () => {
      takeTurn(this);
      this.#wrong.textContent = "";
      this.#showPlaying();
    });
    wave.on("pause", () => this.#showPlaying());
    wave.on("timeupdate", () => this.#follow());
    wave.on("finish", () => this.#begins(this.#looped().start));
    wave.on("interaction", () => (this.#chosen = null));
    this.#button.addEventListener("click", () => this.toggle());
    this.#loop.addEventListener("click", () => {
      this.#loop.setAttribute("aria-pressed", String(!this.#loops()));
      this.#follow();
    });
    this.#place.addEventListener("keydown", (event) => this.#steer(event));
    onTheme(() => this.show(), this.#end.signal);
  }

  #steer(event: KeyboardEvent): void {
    const end = this.task.duration ?? 0;
    const step = event.shiftKey ? SMALL_STEP_SECONDS : STEP_SECONDS;
    const to: Record<string, number> = {
      ArrowLeft: this.time - step,
      ArrowDown: this.time - step,
      ArrowRight: this.time + step,
      ArrowUp: this.time + step,
      Home: 0,
      End: end,
    };
    const seconds = to[event.key];
    if (seconds === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#chosen = null;
    this.seek(seconds);
  }

  #loops(): boolean {
    return this.#loop.getAttribute("aria-pressed") === "true";
  }

  #looped(): { start: number; end: number } {
    return this.#chosen ?? { start: 0, end: this.task.duration ?? 0 };
  }

  #begins(seconds: number): void {
    if (!this.#loops()) return;
    this.#wave.setTime(seconds);
    this.play();
  }

  #follow(): void {
    if (this.#chosen !== null && this.#loops() && this.playing && this.time >= this.#chosen.end) {
      this.#wave.setTime(this.#chosen.start);
    }
    const whole = this.task.duration ?? 0;
    this.#time.textContent = `${clock(this.time)} / ${clock(whole)}`;
    this.#place.setAttribute("aria-valuemax", whole.toFixed(1));
    this.#place.setAttribute("aria-valuenow", Math.min(this.time, whole).toFixed(1));
    this.#place.setAttribute("aria-valuetext", this.#time.textContent);
    const spoken = segmentAt(this.time, this.task.segments);
    for (const [at, mark] of this.#marks.entries()) {
      mark.classList.toggle("looped", this.#loops() && this.task.segments[at] === this.#chosen);
      mark.classList.toggle("spoken", at === spoken);
    }
    if (spoken === this.#spoken) return;
    this.#spoken = spoken;
    for (const [at, name] of this.#names.entries()) {
      if (at === spoken) name.setAttribute("aria-current", "true");
      else name.removeAttribute("aria-current");
    }
  }

  #showPlaying(): void {
    dress(this.#button, this.playing ? "pause" : "play", say(this.playing ? "pause" : "play"));
  }
}

/** The name under which what a task made is kept, before the full stop. */
export function fileName(task: Task): string {
  const named = task.name?.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "");
  return named || `speech-${task.id.slice(0, 8)}`;
}
