// The roles of a script, as rows of a form.

import { EMOTIONS, type Voice } from "./answers";
import { copied, element, within } from "./dom";
import { KNOBS } from "./knobs";
import { MOST_ROLES, newRole, type Role, type Script } from "./scenes";
import { offerVoices, versionCalled } from "./served";
import { say, translate, type Word } from "./words";

const list = element("cast", HTMLElement);
const adds = element("add-role", HTMLButtonElement);

/** Write an emotion's choices; the first one is what an empty value means. */
export function writeEmotions(choice: HTMLSelectElement, able: readonly string[], first: [string, string][], now: string): void {
  const labels = ["neutral", ...EMOTIONS, "auto"].filter((label) => able.length === 0 || able.includes(label) || label === now || label === "auto");
  choice.replaceChildren(...[...first, ...labels.map((label) => [label, say(label as Word)])].map(([value, text]) => new Option(text, value)));
  choice.value = now;
}

/** Show the roles; `changed` is called when one is another one now, `renamed` when it is called otherwise, or is new. */
export class Cast {
  readonly #script: Script;
  readonly #changed: () => void;
  readonly #renamed: (before: string, after: string) => void;
  #voices: readonly Voice[] = [];
  #model = "";

  constructor(script: Script, changed: () => void, renamed: (before: string, after: string) => void) {
    this.#script = script;
    this.#changed = changed;
    this.#renamed = renamed;
    adds.addEventListener("click", () => {
      const role = newRole(this.#freeName());
      script.roles.push(role);
      this.draw(this.#voices, this.#model);
      renamed(role.name, role.name);
      list.lastElementChild?.querySelector<HTMLInputElement>(".name")?.select();
    });
  }

  draw(voices: readonly Voice[], model: string): void {
    this.#voices = voices;
    this.#model = model;
    list.replaceChildren(...this.#script.roles.map((role) => this.#row(role)));
    element("no-roles", HTMLElement).hidden = this.#script.roles.length > 0;
    adds.disabled = this.#script.roles.length >= MOST_ROLES;
  }

  #row(role: Role): HTMLElement {
    const row = copied("role");
    const version = versionCalled(this.#model);
    const name = within(row, ".name", HTMLInputElement);
    const voice = within(row, ".voice", HTMLSelectElement);
    const emotion = within(row, ".emotion", HTMLSelectElement);
    const intensity = within(row, ".intensity", HTMLInputElement);
    const speed = within(row, ".speed", HTMLInputElement);
    const knobs = KNOBS.map((name) => [name, within(row, `.${name}`, HTMLInputElement)] as const);
    const remove = within(row, ".remove", HTMLButtonElement);
    translate(row);
    name.value = role.name;
    offerVoices(voice, this.#voices, version);
    if (this.#voices.some((each) => each.id === role.voice)) voice.value = role.voice;
    voice.hidden = !version?.cloning;
    writeEmotions(emotion, version?.emotions ?? [], [], role.emotion);
    intensity.valueAsNumber = role.intensity;
    speed.valueAsNumber = role.speed;
    for (const [name, slider] of knobs) {
      slider.valueAsNumber = role[name];
      within(row, `.slide:has(.${name})`, HTMLElement).hidden = !version?.controls.includes(name);
    }
    const named = { voice, emotion, intensity, speed, ...Object.fromEntries(knobs), removeRole: remove };
    for (const [word, control] of Object.entries(named) as [Word, HTMLElement][]) {
      control.setAttribute("aria-label", `${say(word)}: ${role.name}`);
    }
    remove.title = say("removeRole");
    name.addEventListener("change", () => {
      const before = role.name;
      const taken = this.#script.roles.some((other) => other !== role && other.name === name.value.trim());
      role.name = taken || name.value.trim() === "" ? before : name.value.trim();
      this.#renamed(before, role.name);
      this.draw(this.#voices, this.#model);
    });
    row.addEventListener("input", () => {
      role.voice = voice.value;
      role.emotion = emotion.value;
      role.intensity = intensity.valueAsNumber;
      role.speed = speed.valueAsNumber;
      for (const [name, slider] of knobs) role[name] = slider.valueAsNumber;
      this.#changed();
    });
    remove.addEventListener("click", () => {
      this.#script.roles.splice(this.#script.roles.indexOf(role), 1);
      this.#renamed(role.name, "");
      this.draw(this.#voices, this.#model);
      adds.focus();
    });
    return row;
  }

  #freeName(): string {
    const names = new Set(this.#script.roles.map((role) => role.name));
    for (let number = 1; ; number += 1) if (!names.has(say("roleNumber", number))) return say("roleNumber", number);
  }
}
