// The emotions as a picture: a wheel on which one is chosen, or dragged towards one or between two; sliders mix any of them.

import { type Ask, EMOTIONS, type Task } from "./answers";
import { element, made } from "./dom";
import { mixed } from "./facts";
import { direction, fromVector, mixtureAt, pointOf, scaled, strength, tidy, type Weights } from "./mixture";
import { say, type Word } from "./words";

const pad = element("pad", HTMLElement);
const wheel = checkedWheel();
const faces = element("emotions", HTMLElement);
const said = element("mood-said", HTMLElement);
const intensity = element("intensity", HTMLInputElement);
const intensityShown = element("intensity-shown", HTMLElement);
const mix = element("mix", HTMLElement);

const SVG = "http://www.w3.org/2000/svg";
// Of the wheel in its own units, and of the faces around it in percent of the pad.
const RADIUS = 100;
const AROUND = 40;
// A finger that moves less than this has pressed a face, not dragged.
const PRESSED_PX = 6;
const USUAL = 0.5;

let offered: string[] = [...EMOTIONS];
let weights: Weights = {};
let changed = (): void => {};

export function startMoods(told: () => void): void {
  changed = told;
  intensity.addEventListener("input", () => set(scaled(weights, intensity.valueAsNumber)));
  faces.addEventListener("change", (event) => {
    const label = (event.target as HTMLInputElement).value;
    if (intensity.valueAsNumber === 0) intensity.valueAsNumber = USUAL;
    set(label === "neutral" ? {} : { [label]: intensity.valueAsNumber });
  });
  mix.addEventListener("input", () => {
    const sliders = [...mix.querySelectorAll("input")];
    set(Object.fromEntries(sliders.map((slider) => [slider.name.replace("mix-", ""), slider.valueAsNumber])));
  });
  listenForDrags();
}

/** Offer what a version can speak with; none is known yet where that is empty. */
export function offerMoods(able: readonly string[]): void {
  offered = EMOTIONS.filter((label) => able.length === 0 || able.includes(label));
  weights = Object.fromEntries(Object.entries(weights).filter(([label]) => offered.includes(label)));
  writeFaces();
  writeSliders();
  show();
}

export function canSpeak(wanted: Weights): boolean {
  return Object.keys(wanted).every((label) => offered.includes(label));
}

export function mood(): Weights {
  return weights;
}

export function setMood(wanted: Weights): void {
  const able = Object.entries(wanted).filter(([label]) => offered.includes(label));
  set(tidy(Object.fromEntries(able)));
}

/** The emotions of a task, be they asked for by one label or as a mixture. */
export function moodOf(task: Task): Weights {
  if (task.emotion === "auto") return {};
  if (task.emotion === null) return fromVector(task.settings.emotion);
  return task.emotion === "neutral" ? {} : { [task.emotion]: task.settings.intensity };
}

/** What a request says of it. The intensity counts for marks in the text as well. */
export function moodAsked(): Pick<Ask, "emotion" | "emotion_vector" | "intensity"> {
  const [label = "neutral", ...more] = Object.keys(weights);
  return { ...(more.length > 0 ? { emotion_vector: weights } : { emotion: label }), intensity: intensity.valueAsNumber };
}

/** The same, of any mixture. */
export function askedFor(wanted: Weights): Pick<Ask, "emotion" | "emotion_vector" | "intensity"> {
  const [label = "neutral", ...more] = Object.keys(wanted);
  const most = strength(wanted) || USUAL;
  return { ...(more.length > 0 ? { emotion_vector: wanted } : { emotion: label }), intensity: most };
}

function set(wanted: Weights): void {
  weights = tidy(wanted);
  if (strength(weights) > 0) intensity.valueAsNumber = strength(weights);
  show();
  changed();
}

function writeFaces(): void {
  const labels: [Word, string, string][] = offered.map((label, at) => {
    const { x, y } = direction(at, offered.length);
    return [label as Word, `${50 + AROUND * x}%`, `${50 + AROUND * y}%`];
  });
  faces.replaceChildren(
    ...([["neutral", "50%", "50%"], ...labels] as [Word, string, string][]).map(([label, left, top]) => {
      const face = made("label", `face mood-${label}`);
      const input = made("input");
      input.type = "radio";
      input.name = "emotion";
      input.value = label;
      face.style.left = left;
      face.style.top = top;
      face.append(input, picture(label), made("span", "", say(label)));
      return face;
    }),
  );
}

function picture(label: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#face-${label}`);
  svg.append(use);
  return svg;
}

function writeSliders(): void {
  mix.replaceChildren(
    ...offered.map((label) => {
      const line = made("label", `mood-${label}`);
      const slider = made("input");
      slider.type = "range";
      slider.min = "0";
      slider.max = "1";
      slider.step = "0.05";
      slider.name = `mix-${label}`;
      line.append(made("span", "", say(label as Word)), slider, made("output", "number"));
      return line;
    }),
  );
}

function show(): void {
  const labels = Object.keys(weights);
  for (const input of faces.querySelectorAll("input")) {
    input.checked = labels.length === 0 ? input.value === "neutral" : labels.length === 1 && input.value === labels[0];
    input.closest("label")?.classList.toggle("in", labels.includes(input.value));
  }
  for (const slider of mix.querySelectorAll("input")) {
    const weight = weights[slider.name.replace("mix-", "")] ?? 0;
    slider.valueAsNumber = weight;
    const shown = slider.parentElement?.querySelector("output");
    if (shown) shown.textContent = `${Math.round(100 * weight)} %`;
  }
  said.textContent = labels.length > 1 ? mixed(EMOTIONS.map((label) => weights[label] ?? 0)) : "";
  intensityShown.textContent = `${Math.round(intensity.valueAsNumber * 100)} %`;
  paint();
}

/** A petal for each emotion, as long as it is strong, and the handle where the mixture stands. */
function paint(): void {
  const half = Math.PI / Math.max(3, offered.length);
  wheel.petals.replaceChildren(
    ...offered.flatMap((label, at) => {
      const long = (weights[label] ?? 0) * RADIUS;
      if (long === 0) return [];
      const middle = (2 * Math.PI * at) / offered.length;
      const [left, right] = [middle - half, middle + half].map((angle) => `${long * Math.sin(angle)} ${-long * Math.cos(angle)}`);
      const petal = document.createElementNS(SVG, "path");
      petal.setAttribute("class", `petal mood-${label}`);
      petal.setAttribute("d", `M0 0L${left}A${long} ${long} 0 0 1 ${right}Z`);
      return [petal];
    }),
  );
  const { x, y } = pointOf(weights, offered);
  wheel.handle.setAttribute("cx", String(x * RADIUS));
  wheel.handle.setAttribute("cy", String(y * RADIUS));
  wheel.handle.toggleAttribute("hidden", strength(weights) === 0);
}

function listenForDrags(): void {
  let from: { x: number; y: number } | null = null;
  let dragging = false;
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, y: event.clientY };
    dragging = false;
  });
  pad.addEventListener("pointermove", (event) => {
    if (from === null) return;
    if (!dragging) {
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) < PRESSED_PX) return;
      dragging = true;
      pad.setPointerCapture(event.pointerId);
    }
    follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (from = null));
  pad.addEventListener("click", (event) => {
    // What ends a drag is no press of the face below it.
    if (dragging) event.preventDefault();
    else if ((event.target as Element).closest("svg") === wheel.svg) follow(event);
    dragging = false;
  });
}

function follow(event: MouseEvent): void {
  const box = wheel.svg.getBoundingClientRect();
  const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const radius = (box.width / 2) * (RADIUS / wheel.svg.viewBox.baseVal.width) * 2;
  set(mixtureAt({ x: (event.clientX - middle.x) / radius, y: (event.clientY - middle.y) / radius }, offered));
}

function checkedWheel(): { svg: SVGSVGElement; petals: Element; handle: Element } {
  const svg = document.querySelector<SVGSVGElement>("#wheel");
  const petals = svg?.querySelector("#petals");
  const handle = svg?.querySelector("#handle");
  if (!svg || !petals || !handle) throw new Error("the page has no wheel");
  return { svg, petals, handle };
}
