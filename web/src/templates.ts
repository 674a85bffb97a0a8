// Templates: an emotion, its strength and a speed under one name. Some come with the page, others are the reader's own.

import { dress, element, made } from "./dom";
import { tidy, type Weights } from "./mixture";
import { canSpeak } from "./moods";
import { askName } from "./naming";
import { say, type Word } from "./words";

export interface Manner {
  mood: Weights;
  speed: number;
  pitch?: number;
  volume?: number;
}

interface Template extends Manner {
  name: string;
}

const place = element("templates", HTMLElement);

const GIVEN: (Manner & { word: Word })[] = [
  { word: "templateNews", mood: {}, speed: 1.05 },
  { word: "templateStory", mood: { happy: 0.25, calm: 0.35 }, speed: 0.95 },
  { word: "templateService", mood: { happy: 0.4 }, speed: 1 },
  { word: "templateAdvert", mood: { happy: 0.7, surprised: 0.3 }, speed: 1.15 },
  { word: "templateLesson", mood: { calm: 0.4 }, speed: 0.9 },
  { word: "templateBedtime", mood: { calm: 0.8 }, speed: 0.8 },
  { word: "templateSuspense", mood: { afraid: 0.5 }, speed: 0.9 },
  { word: "templateElegy", mood: { sad: 0.4, melancholic: 0.5 }, speed: 0.85 },
];
const KEPT = "templates";
const MOST_KEPT = 30;

let now = (): Manner => ({ mood: {}, speed: 1 });
let apply = (_manner: Manner): void => {};

/** `current`: what the form says now; `chosen`: put a template into it. */
export function startTemplates(current: () => Manner, chosen: (manner: Manner) => void): void {
  now = current;
  apply = chosen;
}

/** Offer the templates that the chosen version can speak; the one that the form says is marked. */
export function showTemplates(): void {
  const given = GIVEN.map(({ word, ...manner }) => ({ name: say(word), ...manner }));
  const own = kept();
  place.replaceChildren(
    ...[...given, ...own].filter((template) => canSpeak(template.mood)).map((template) => chip(template, own.includes(template))),
    keeper(),
  );
  markTemplate();
}

/** Mark the template that the form says now. */
export function markTemplate(): void {
  const said = written(now());
  for (const button of place.querySelectorAll<HTMLElement>("[data-manner]")) {
    button.setAttribute("aria-pressed", String(button.dataset["manner"] === said));
  }
}

function chip(template: Template, own: boolean): HTMLElement {
  const button = made("button", "chip", template.name);
  button.type = "button";
  button.dataset["manner"] = written(template);
  button.addEventListener("click", () => apply(template));
  if (!own) return button;
  const both = made("span", "own");
  const remove = made("button", "chip remove", "×");
  remove.type = "button";
  dress(remove, "", `${say("delete")}: ${template.name}`);
  remove.addEventListener("click", () => {
    keep(kept().filter((other) => other.name !== template.name));
    showTemplates();
    place.querySelector<HTMLElement>(".keeper")?.focus();
  });
  both.append(button, remove);
  return both;
}

function keeper(): HTMLElement {
  const button = made("button", "chip keeper", say("keepTemplate"));
  button.type = "button";
  button.addEventListener("click", () => void askAndKeep());
  return button;
}

async function askAndKeep(): Promise<void> {
  const name = await askName(say("keepTemplateTitle"));
  if (!name) return;
  keep([...kept().filter((other) => other.name !== name), { name, ...now() }].slice(-MOST_KEPT));
  showTemplates();
}

function written({ mood, speed, pitch = 0, volume = 0 }: Manner): string {
  return JSON.stringify([tidy(mood), Math.round(speed * 100), pitch, volume]);
}

function keep(templates: Template[]): void {
  localStorage.setItem(KEPT, JSON.stringify(templates));
}

/** What this browser keeps; what is not of this form, as another version of the page may have written it, is left alone. */
function kept(): Template[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter(isTemplate) : [];
  } catch {
    return [];
  }
}

function isTemplate(found: unknown): found is Template {
  const each = found as Partial<Template> | null;
  return typeof each?.name === "string" && typeof each.speed === "number" && typeof each.mood === "object" && each.mood !== null;
}
