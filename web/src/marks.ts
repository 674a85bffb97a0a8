// The marks of a script in a text: what each does, and a button that puts it where the cursor is.

import { element, made } from "./dom";
import { say, type Word } from "./words";

const list = element("marks", HTMLElement);

const MARKS: [string, Word][] = [
  ["[happy 0.8]", "markEmotion"],
  ["<break 500ms>", "markBreak"],
  ["<行|XING2>", "markReading"],
  ["<em>…</em>", "markEmphasis"],
  ["小明: …", "markRole"],
];

/** List the marks; `changed` is called after one was put into the text. */
export function showMarks(text: HTMLTextAreaElement, changed: () => void): void {
  list.replaceChildren(
    ...MARKS.flatMap(([mark, meaning]) => {
      const code = made("dt");
      const button = made("button", "small", mark);
      button.type = "button";
      button.addEventListener("click", () => {
        insert(text, mark);
        changed();
      });
      code.append(button);
      return [code, made("dd", "", say(meaning))];
    }),
  );
}

/** Put a mark where the cursor is; one that goes around something takes in what is selected. */
function insert(text: HTMLTextAreaElement, mark: string): void {
  const [before = "", after] = mark.split("…");
  const chosen = text.value.slice(text.selectionStart, text.selectionEnd);
  text.focus();
  text.setRangeText(after === undefined ? before : before + chosen + after, text.selectionStart, text.selectionEnd, "end");
}
