// A piece of speech on the page: its text, a player, what it is, and the notice that it is generated.

import { copied, within } from "./dom";
import { type Task, captions } from "./service";
import { say, translate } from "./words";

/** The card of a task that is done. */
export function card(task: Task): HTMLLIElement {
  const copy = copied("take");
  const item = within(copy, "li", HTMLLIElement);
  const audio = within(copy, "audio", HTMLAudioElement);
  within(copy, ".said", HTMLElement).textContent = task.text;
  audio.src = task.audio_url;
  audio.setAttribute("aria-label", `${say("mark")}: ${task.text.slice(0, 40)}`);
  const facts = within(copy, ".facts", HTMLElement);
  facts.dataset["duration"] = task.duration.toFixed(1);
  facts.dataset["rest"] = ` · ${task.model} · ${task.settings.format.toUpperCase()} · ${task.sample_rate / 1000} kHz`;
  facts.title = `sha256:${task.model_digest}`;
  const download = within(copy, ".download", HTMLAnchorElement);
  download.href = task.audio_url;
  download.download = `${fileName(task)}.${task.settings.format}`;
  const srt = within(copy, ".captions", HTMLAnchorElement);
  srt.href = captions(task.id);
  srt.download = `${fileName(task)}.srt`;
  within(copy, ".warnings", HTMLElement).append(
    ...task.warnings.map((warning) => Object.assign(document.createElement("li"), { textContent: warning })),
  );
  translate(copy);
  showFacts(copy);
  return item;
}

/** Say again, in the language of now, how long each piece is. */
export function showFacts(root: ParentNode): void {
  for (const facts of root.querySelectorAll<HTMLElement>(".facts[data-duration]")) {
    facts.textContent = say("seconds", facts.dataset["duration"] ?? "") + (facts.dataset["rest"] ?? "");
  }
}

function fileName(task: Task): string {
  return `speech-${task.id.slice(0, 8)}`;
}
