// One line of a script, as a row: who says it, what, its take, and what can be done with it.

import { writeEmotions } from "./cast";
import type { Clip } from "./clip";
import { copied, dress, within } from "./dom";
import type { Line, Role } from "./scenes";
import { say, translate, type Word } from "./words";

/** What is to be done when a line's row is used. */
export interface Acts {
  changed(): void;
  play(): void;
  take(): void;
  move(by: number, button: string): void;
  remove(): void;
  next(): void;
}

/** How a line stands: `does` is what is being done with it; `fresh`: its take is of what it says now. */
export interface Standing {
  does: string;
  fresh: boolean;
}

/** The row of a line; `able` are the emotions that the version can speak. */
export function rowOf(line: Line, number: number, roles: readonly Role[], able: readonly string[], acts: Acts): HTMLElement {
  const row = copied("line");
  translate(row);
  const as = within(row, ".as", HTMLSelectElement);
  const emotion = within(row, ".emotion", HTMLSelectElement);
  const words = within(row, ".words", HTMLTextAreaElement);
  as.replaceChildren(new Option(say("noRole"), ""), ...roles.map((role) => new Option(role.name, role.name)));
  as.value = line.role;
  as.hidden = roles.length === 0;
  writeEmotions(emotion, able, [["", say("asRole")]], line.emotion);
  words.value = line.text;
  const named = (control: HTMLElement, word: Word): void => {
    control.setAttribute("aria-label", `${say(word)}: ${say("lineNumber", number)}`);
    if (control instanceof HTMLButtonElement || control instanceof HTMLAnchorElement) control.title = say(word);
  };
  named(as, "role");
  named(emotion, "emotion");
  named(words, "lineText");
  named(within(row, ".download", HTMLAnchorElement), "download");
  row.addEventListener("input", () => {
    line.role = as.value;
    line.emotion = emotion.value;
    line.text = words.value;
    acts.changed();
  });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    acts.next();
  });
  const press = (name: string, word: Word, does: () => void): void => {
    const button = within(row, `.${name}`, HTMLButtonElement);
    named(button, word);
    button.addEventListener("click", does);
  };
  press("play", "play", acts.play);
  press("redo", "takeLine", acts.take);
  press("up", "moveUp", () => acts.move(-1, "up"));
  press("down", "moveDown", () => acts.move(1, "down"));
  press("remove", "removeLine", acts.remove);
  return row;
}

/** Show how a line stands in its row. */
export function showLine(row: HTMLElement, line: Line, number: number, { does, fresh }: Standing): void {
  const { take } = line;
  const idle = take === null ? "" : fresh ? say("seconds", take.duration.toFixed(1)) : say("lineChanged");
  const state = within(row, ".state", HTMLElement);
  if (does !== "" || fresh) within(row, ".wrong", HTMLElement).textContent = "";
  state.textContent = does || idle;
  state.classList.toggle("old", does === "" && take !== null && !fresh);
  within(row, ".play", HTMLButtonElement).disabled = take === null;
  within(row, ".mark", HTMLElement).hidden = take === null;
  within(row, ".redo", HTMLButtonElement).disabled = line.text.trim() === "";
  const download = within(row, ".download", HTMLAnchorElement);
  download.hidden = take === null;
  if (take !== null) download.href = `/api/tasks/${take.id}/audio`;
  download.download = `${String(number).padStart(3, "0")}.wav`;
  row.classList.toggle("speaking", does !== "");
}

/** Show how the clip stands in the row of the line whose take it plays. */
export function showLineClip(row: HTMLElement, line: Line, number: number, clip: Clip): void {
  const mine = line.take !== null && clip.task?.id === line.take.id;
  const button = within(row, ".play", HTMLButtonElement);
  const place = within(row, "progress", HTMLProgressElement);
  const does = mine && clip.playing ? "pause" : "play";
  if (button.dataset["does"] !== does) {
    dress(button, does, `${say(does)}: ${say("lineNumber", number)}`);
    button.dataset["does"] = does;
  }
  place.hidden = !mine;
  if (mine && line.take) place.value = clip.time / Math.max(line.take.duration, 0.1);
  if (mine && clip.wrong) within(row, ".wrong", HTMLElement).textContent = say("unheard");
}
