// The view of mirrors: how each of the catalogue's did, a test of it now, and what others were given here.

import { amount, rate } from "./amounts";
import { copied, element, made, within } from "./dom";
import { when } from "./facts";
import { type Download, downloads, type Mirror, mirrors, tryMirror } from "./service";
import { worded } from "./problems";
import { sentence } from "./trouble";
import type { View } from "./views";
import { language, say, translate } from "./words";

const wrong = element("mirrors-wrong", HTMLElement);
const list = element("mirrors", HTMLElement);
const given = element("given", HTMLTableElement);

const DAYS = 30;
// Bars of a chart, and the space between them, in its own units.
const BAR = 10;
const GAP = 3;
const HEIGHT = 40;

export const mirrorsView: View = {
  title: "mirrors",
  enter: () => void open(),
  leave: () => {},
  show() {
    if (!element("view-mirrors", HTMLElement).hidden) void open();
  },
};

async function open(): Promise<void> {
  const since = new Date(Date.now() - (DAYS - 1) * 86_400_000).toISOString().slice(0, 10);
  try {
    const [known, gave] = await Promise.all([mirrors(), downloads(since)]);
    wrong.textContent = "";
    list.replaceChildren(...known.map(card));
    showGiven(gave);
  } catch (error) {
    wrong.textContent = sentence(error);
  }
}

function card(mirror: Mirror): HTMLElement {
  const copy = copied("mirror");
  within(copy, ".name", HTMLElement).textContent = mirror.name;
  within(copy, ".kind", HTMLElement).textContent = mirror.kind;
  const state = within(copy, ".health", HTMLElement);
  state.textContent = stateOf(mirror);
  state.classList.toggle("bad", mirror.failures > 0 || isClosed(mirror));
  within(copy, ".facts", HTMLElement).replaceChildren(
    ...fact(say("firstByte"), mirror.latency_seconds === null ? "–" : `${Math.round(mirror.latency_seconds * 1000)} ms`),
    ...fact(say("rate"), mirror.bytes_per_second === null ? "–" : rate(mirror.bytes_per_second)),
    ...fact(say("chunks"), String(mirror.successes)),
  );
  const errors = mirror.pulls.flatMap((pull) => pull.errors).slice(-2);
  const said = [...(mirror.lies > 0 ? [say("mirrorLied", mirror.lies)] : []), ...(errors.length > 0 ? [say("lastErrors", errors.map((error) => (language === "en" ? error : worded(null, error))).join("; "))] : [])];
  within(copy, ".last", HTMLElement).textContent = said.join(". ");
  draw(copy, mirror);
  const button = within(copy, ".try", HTMLButtonElement);
  button.addEventListener("click", () => void test(mirror.name, button, within(copy, ".tried", HTMLElement)));
  translate(copy);
  // Read out alone, "Test now" would not say of what.
  button.setAttribute("aria-label", `${say("tryNow")}: ${mirror.name}`);
  return copy;
}

function isClosed(mirror: Mirror): boolean {
  return mirror.closed_until !== null && Date.parse(mirror.closed_until) > Date.now();
}

function stateOf(mirror: Mirror): string {
  if (mirror.closed_until !== null && isClosed(mirror)) return say("mirrorClosed", when(mirror.closed_until));
  if (mirror.failures > 0) return say("mirrorFailing", mirror.failures);
  return say(mirror.successes > 0 ? "mirrorWell" : "mirrorNever");
}

function fact(name: string, value: string): HTMLElement[] {
  return [made("dt", "", name), made("dd", "number", value)];
}

/** One bar a pull, the latest last; the fastest is as high as the chart. */
function draw(copy: HTMLElement, mirror: Mirror): void {
  const figure = within(copy, ".speeds", HTMLElement);
  const most = Math.max(0, ...mirror.pulls.map((pull) => pull.bytes_per_second));
  figure.hidden = most === 0;
  if (most === 0) return;
  const chart = figure.querySelector("svg");
  if (chart === null) throw new Error("the page has no chart");
  const said = say("speeds", mirror.pulls.length, rate(most));
  chart.setAttribute("viewBox", `0 0 ${20 * (BAR + GAP)} ${HEIGHT}`);
  chart.setAttribute("aria-label", said);
  mirror.pulls.forEach((pull, at) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = Math.max(1, (pull.bytes_per_second / most) * HEIGHT);
    for (const [name, value] of Object.entries({ x: at * (BAR + GAP), y: HEIGHT - height, width: BAR, height })) {
      bar.setAttribute(name, String(value));
    }
    if (pull.errors.length > 0) bar.setAttribute("class", "bad");
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `${when(pull.at)} · ${pull.version} · ${rate(pull.bytes_per_second)}`;
    bar.append(title);
    chart.append(bar);
  });
  within(figure, "figcaption", HTMLElement).textContent = said;
}

async function test(name: string, button: HTMLButtonElement, tried: HTMLElement): Promise<void> {
  button.disabled = true;
  tried.textContent = say("trying");
  try {
    const trial = await tryMirror(name);
    const well = trial.ok && trial.bytes_per_second !== null && trial.latency_seconds !== null;
    tried.textContent = well
      ? say("tried", rate(trial.bytes_per_second ?? 0), Math.round((trial.latency_seconds ?? 0) * 1000))
      : worded(trial.code, trial.error ?? "");
  } catch (error) {
    tried.textContent = sentence(error);
  }
  button.disabled = false;
}

function showGiven(rows: Download[]): void {
  given.hidden = rows.length === 0;
  element("given-none", HTMLElement).hidden = rows.length > 0;
  const sum = rows.reduce((all, row) => all + row.bytes, 0);
  element("given-sum", HTMLElement).textContent = rows.length === 0 ? "" : say("givenSum", amount(sum));
  within(given, "tbody", HTMLElement).replaceChildren(
    ...rows.map((row) => {
      const line = made("tr");
      line.append(made("td", "number", row.day), made("td", "", row.version), made("td", "", row.client));
      line.append(made("td", "amount number", String(row.files)), made("td", "amount number", amount(row.bytes)));
      return line;
    }),
  );
}
