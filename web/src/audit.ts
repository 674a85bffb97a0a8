// The view of the audit log: what was done here, the latest first, searched by act, thing, person and day.

import { element, made } from "./dom";
import { type Deed, events } from "./service";
import { sentence } from "./trouble";
import { address, restate, type View } from "./views";
import { language, say } from "./words";

const form = element("audit-filters", HTMLFormElement);
const list = element("audit-list", HTMLElement);
const deeds = element("deeds", HTMLElement);
const none = element("audit-none", HTMLElement);
const more = element("audit-more", HTMLButtonElement);
const wrong = element("audit-wrong", HTMLElement);

const FIELDS = ["act", "subject", "actor", "since", "until"] as const;
const PAGE = 100;
const MOST = 1000;
// A search begins when the reader stops typing for so long.
const PAUSE_MS = 250;

let shown = PAGE;
let searching = 0;
let latest = 0;

export const auditView: View = {
  title: "audit",
  enter(asked) {
    for (const name of FIELDS) field(name).value = asked.get(name) ?? "";
    shown = PAGE;
    void search();
  },
  leave: () => clearTimeout(searching),
  show() {
    if (!element("view-audit", HTMLElement).hidden) void search();
  },
};

function field(name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

async function search(): Promise<void> {
  const asked = Object.fromEntries(FIELDS.map((name) => [name, field(name).value.trim()]));
  const wanted = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ""));
  // A day ends when the next one begins.
  if (asked["until"]) wanted.set("until", `${asked["until"]}T23:59:59`);
  wanted.set("limit", String(shown));
  const mine = ++latest;
  try {
    const found = await events(wanted);
    if (mine !== latest) return;
    wrong.textContent = "";
    restate("audit", asked);
    deeds.replaceChildren(...found.map(row));
    list.hidden = found.length === 0;
    none.hidden = found.length > 0;
    more.hidden = found.length < shown || shown >= MOST;
  } catch (error) {
    if (mine === latest) wrong.textContent = sentence(error);
  }
}

function row(deed: Deed): HTMLElement {
  const line = made("tr");
  const moment = new Date(deed.at).toLocaleString(language === "zh" ? "zh-CN" : "en", { dateStyle: "short", timeStyle: "medium" });
  const subject = made("td", "subject");
  subject.append(subjectOf(deed.subject));
  if (Object.keys(deed.details).length > 0) {
    const more = made("details");
    more.append(made("summary", "", say("details")), made("pre", "", JSON.stringify(deed.details, null, 1)));
    subject.append(more);
  }
  const outcome = made("td", deed.outcome === "done" ? "" : "bad", deed.outcome);
  line.append(made("td", "amount number", String(deed.seq)), made("td", "number", moment), made("td", "", deed.act));
  line.append(subject, made("td", "", deed.actor), outcome);
  return line;
}

/** What was acted on; a version leads to what is known of it. */
function subjectOf(subject: string): HTMLElement | string {
  if (!/^[\w.-]+@sha256:[0-9a-f]{64}$/.test(subject)) return subject;
  // Twelve digits tell it from all others; the whole of it is one press away.
  const link = made("a", "", `${subject.slice(0, subject.indexOf(":") + 13)}…`);
  link.href = address("report", { of: subject });
  link.title = subject;
  return link;
}

form.addEventListener("input", () => {
  clearTimeout(searching);
  shown = PAGE;
  searching = setTimeout(() => void search(), PAUSE_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(searching);
  void search();
});
more.addEventListener("click", () => {
  shown = Math.min(MOST, shown + PAGE);
  void search();
});
