// Trimming a clip before it is sent: seen as a waveform, cut by its edges or by numbers, heard as it will be kept.

import WaveSurfer from "wavesurfer.js/dist/wavesurfer.js";
import Regions, { type Region } from "wavesurfer.js/dist/plugins/regions.js";

import { colour, dress, element, rem } from "./dom";
import sheetText from "./style/wave.css?inline";
import { onTheme } from "./theme";
import { takeTurn } from "./turns";
import { cut, decoded } from "./wave";
import { say } from "./words";

const place = element("trim", HTMLElement);
const picture = element("trim-wave", HTMLElement);
const button = element("trim-play", HTMLButtonElement);
const from = element("trim-from", HTMLInputElement);
const to = element("trim-to", HTMLInputElement);
const said = element("trim-said", HTMLElement);

/** What the service takes, in seconds. */
export const SHORTEST = 1;
export const LONGEST = 60;

const HEIGHT_REM = 4.5;

const sheet = new CSSStyleSheet();
sheet.replaceSync(sheetText);

interface Trimmed {
  source: Blob;
  sound: AudioBuffer;
  wave: WaveSurfer;
  region: Region;
  end: AbortController;
}

let now: Trimmed | null = null;
// Which clip was asked for last: a long one may be decoded after it is not wanted any more.
let latest = 0;

const sounding = {
  toggle(): void {
    if (now === null) return;
    if (now.wave.isPlaying()) now.wave.pause();
    else now.region.play(true);
  },
  pause: (): void => now?.wave.pause(),
};

/** Show a clip; false if this browser can't read it, and then it can only be sent as it is. */
export async function showTrim(source: Blob): Promise<boolean> {
  clearTrim();
  const mine = latest;
  let sound: AudioBuffer;
  try {
    sound = await decoded(source);
  } catch {
    return false;
  }
  if (mine !== latest) return true;
  place.hidden = false;
  const end = new AbortController();
  const wave = WaveSurfer.create({ container: picture, height: rem(HEIGHT_REM), barWidth: 2, barGap: 2, barRadius: 2, cursorWidth: 2, normalize: true });
  (wave.getWrapper().getRootNode() as ShadowRoot).adoptedStyleSheets = [sheet];
  const regions = wave.registerPlugin(Regions.create());
  const paint = (): void => wave.setOptions({ waveColor: colour("--wave"), progressColor: colour("--accent"), cursorColor: colour("--accent") });
  paint();
  onTheme(paint, end.signal);
  await wave.loadBlob(source, [sound.getChannelData(0)], sound.duration);
  if (mine !== latest) {
    end.abort();
    wave.destroy();
    return true;
  }
  const region = regions.addRegion({
    start: 0,
    end: Math.min(sound.duration, LONGEST),
    minLength: Math.min(SHORTEST, sound.duration),
    maxLength: LONGEST,
    color: "rgb(95 208 197 / 18%)",
  });
  now = { source, sound, wave, region, end };
  region.on("update", show);
  region.on("update-end", show);
  for (const event of ["play", "pause", "finish"] as const) wave.on(event, showPlaying);
  show();
  showPlaying();
  return true;
}

/** What is to be kept: all of the clip as it came, or the part that was chosen, as WAV. Null if none is shown. */
export function trimmed(): Blob | null {
  if (now === null) return null;
  const { source, sound, region } = now;
  const whole = region.start < 0.005 && region.end > sound.duration - 0.005;
  return whole && source instanceof File ? source : cut(sound, region.start, region.end);
}

export function clearTrim(): void {
  latest += 1;
  now?.end.abort();
  now?.wave.destroy();
  now = null;
  place.hidden = true;
}

/** Say everything again: the language has changed. */
export function sayTrim(): void {
  if (now !== null) {
    show();
    showPlaying();
  }
}

function show(): void {
  if (now === null) return;
  const { region, sound } = now;
  from.value = region.start.toFixed(1);
  to.value = region.end.toFixed(1);
  from.max = to.max = sound.duration.toFixed(1);
  said.textContent = say("trimmed", (region.end - region.start).toFixed(1), sound.duration.toFixed(1));
}

function showPlaying(): void {
  const plays = now?.wave.isPlaying() ?? false;
  dress(button, plays ? "pause" : "play", say(plays ? "pause" : "play"));
}

function set(): void {
  if (now === null) return;
  const { region, sound } = now;
  const shortest = Math.min(SHORTEST, sound.duration);
  const start = Math.min(Math.max(0, from.valueAsNumber || 0), sound.duration - shortest);
  const end = Math.min(Math.max(to.valueAsNumber || 0, start + shortest), start + LONGEST, sound.duration);
  region.setOptions({ start, end });
  show();
}

from.addEventListener("change", set);
to.addEventListener("change", set);
button.addEventListener("click", () => {
  takeTurn(sounding);
  sounding.toggle();
});
