// A small window in which something gets a name.

import { element } from "./dom";

const window_ = element("naming", HTMLDialogElement);
const title = element("naming-title", HTMLElement);
const field = element("naming-name", HTMLInputElement);

/** Ask for a name; null if the reader does not want to give one. What had the focus has it again afterwards. */
export function askName(why: string, now = ""): Promise<string | null> {
  title.textContent = why;
  field.value = now;
  window_.returnValue = "";
  window_.showModal();
  field.select();
  return new Promise((resolve) => {
    window_.addEventListener("close", () => resolve(window_.returnValue === "keep" ? field.value.trim() : null), { once: true });
  });
}
