// The view of the versions: what is here and what there is; fetching, checking and keeping them, with what each mirror gives.

import { amount, rate } from "./amounts";
import { copied, element, made, within } from "./dom";
import { type Act, type Model, type Models, manage, models } from "./service";
import { worded } from "./problems";
import { sentence } from "./trouble";
import { address, type View } from "./views";
import { language, say, translate } from "./words";

const wrong = element("models-wrong", HTMLElement);
const list = element("models", HTMLElement);
const gc = element("gc", HTMLButtonElement);

// While something is under way it is looked at so often; else not at all.
const LOOK_MS = 700;

let watching = 0;
let latest = 0;
// What the reader has ticked, by digest: the list is drawn anew while something goes on.
const accepted = new Set<string>();

export const modelsView: View = {
  title: "models",
  enter: () => void look(),
  leave() {
    clearTimeout(watching);
    latest += 1;
  },
  show() {
    if (!element("view-models", HTMLElement).hidden) void look();
  },
};

async function look(): Promise<void> {
  clearTimeout(watching);
  const mine = ++latest;
  try {
    const found = await models();
    if (mine !== latest) return;
    wrong.textContent = "";
    draw(found);
    if (found.models.some((model) => model.act?.state === "running")) watching = setTimeout(() => void look(), LOOK_MS);
  } catch (error) {
    if (mine === latest) wrong.textContent = sentence(error);
  }
}

function draw(found: Models): void {
  const { used, free, garbage } = found.disk;
  element("disk", HTMLElement).textContent = say("disk", amount(used), amount(free), amount(garbage));
  gc.hidden = !found.may_change || garbage === 0;
  // A card that somebody is at is not taken away under their hands.
  const held = document.activeElement?.closest<HTMLElement>(".model");
  const typed = held?.querySelector<HTMLInputElement>(".alias input")?.value ?? "";
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["at"] : undefined;
  list.replaceChildren(...found.models.map((model) => card(model, found.may_change)));
  if (held === null || held === undefined) return;
  const again = [...list.children].find((each) => (each as HTMLElement).dataset["digest"] === held.dataset["digest"]);
  const input = again?.querySelector<HTMLInputElement>(".alias input");
  if (input) input.value = typed;
  again?.querySelector<HTMLElement>(`[data-at="${focused}"]`)?.focus();
}

function card(model: Model, mayChange: boolean): HTMLElement {
  const copy = copied("version");
  copy.dataset["digest"] = model.digest;
  within(copy, ".name", HTMLElement).textContent = model.version;
  const state = within(copy, ".state", HTMLElement);
  state.textContent = model.pinned ? `${say(model.state)}, ${say("pinned")}` : say(model.state);
  state.classList.toggle("bad", model.state === "degraded");
  within(copy, ".title", HTMLElement).textContent = model.title ?? "";
  const terms = model.license;
  within(copy, ".facts", HTMLElement).replaceChildren(
    ...fact(say("sizeOf"), amount(model.size)),
    ...fact(say("engine"), model.engine),
    ...fact(say("digest"), model.digest.slice(0, 12)),
    ...fact(say("licence"), terms.commercial === false ? `${terms.name} (${say("notCommercial")})` : terms.name),
    ...(model.aliases.length > 0 ? fact(say("aliases"), model.aliases.join(", ")) : []),
  );
  within(copy, ".revoked", HTMLElement).textContent = model.revoked === null ? "" : say("revokedFor", model.revoked);
  showAct(copy, model.act);
  within(copy, ".report", HTMLAnchorElement).href = address("report", { of: `${model.version}@sha256:${model.digest}` });
  if (mayChange && model.current) offer(copy, model);
  translate(copy);
  return copy;
}

function fact(name: string, value: string): HTMLElement[] {
  return [made("dt", "", name), made("dd", "number", value)];
}

function showAct(copy: HTMLElement, act: Act | null): void {
  const trouble = within(copy, ".trouble", HTMLElement);
  const under = within(copy, ".under-way", HTMLElement);
  if (act === null) return;
  if (act.state === "failed") showFailure(copy, act);
  if (act.bad.length > 0) trouble.textContent = say("badFiles", act.bad.join(", "));
  under.hidden = act.state === "failed" || act.bad.length > 0;
  const bar = within(under, "progress", HTMLProgressElement);
  bar.value = act.total === 0 || act.state === "done" ? 1 : Math.min(1, act.bytes / act.total);
  bar.setAttribute("aria-label", say(act.kind === "pull" ? "pullModel" : "verifyModel"));
  within(under, ".how", HTMLElement).textContent = how(act);
}

/** What went wrong in the page's language; and as the service said it, with every mirror's reason, for who looks closer. */
function showFailure(copy: HTMLElement, act: Act): void {
  const said = [act.error, act.remedy].filter(Boolean).join(": ");
  within(copy, ".trouble", HTMLElement).textContent = worded(act.code, act.error ?? "", act.remedy ?? "");
  within(copy, ".told", HTMLElement).hidden = language === "en";
  within(copy, ".told p", HTMLElement).textContent = [act.code, said].filter(Boolean).join(": ");
}

function how(act: Act): string {
  if (act.state === "stopped") return say("paused");
  if (act.state === "done") return say("allRight");
  const done = amount(act.bytes);
  if (act.kind !== "pull" && Object.keys(act.mirrors).length === 0) return say("hashing", done, amount(act.total), rate(act.bytes_per_second));
  const from = Object.entries(act.mirrors)
    .sort((one, other) => other[1] - one[1])
    .map(([name, bytes]) => `${name} ${amount(bytes)}`);
  const by = from.length > 0 ? say("fromMirrors", from.join(", ")) : "";
  return say("pulling", done, amount(act.total), rate(act.bytes_per_second), by);
}

/** What may be done with a version now. */
function offer(copy: HTMLElement, model: Model): void {
  const buttons = within(copy, ".buttons", HTMLElement);
  const name = encodeURIComponent(model.version);
  const reference = encodeURIComponent(`${model.version}@sha256:${model.digest}`);
  if (model.act?.state === "running") {
    buttons.append(button("stopAct", model, () => manage(`models/${name}/stop`)));
    return;
  }
  if (model.state === "absent" || model.state === "partial") {
    if (model.revoked !== null) return;
    const fetch = button(model.act?.state === "stopped" ? "pullOn" : "pullModel", model, () =>
      manage(`models/${name}/pull`, { accept_license: accepted.has(model.digest) }),
    );
    askForLicence(copy, model, fetch);
    buttons.append(fetch);
    return;
  }
  buttons.append(button("verifyModel", model, () => manage(`models/${name}/verify`, { repair: false })));
  if (model.state === "degraded" || (model.act?.bad.length ?? 0) > 0) {
    buttons.append(button("repairModel", model, () => manage(`models/${name}/verify`, { repair: true })));
  }
  const pin = model.pinned ? "unpinModel" : "pinModel";
  buttons.append(button(pin, model, () => manage(`models/${reference}/pin`, { pinned: !model.pinned })));
  for (const alias of model.aliases) {
    buttons.append(button("rollBack", model, () => manage(`aliases/${encodeURIComponent(alias)}/rollback`), alias));
  }
  const form = within(copy, ".alias", HTMLFormElement);
  const input = within(form, "input", HTMLInputElement);
  input.dataset["at"] = "alias";
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const alias = encodeURIComponent(input.value.trim());
    input.value = "";
    void changed(copy, () => manage(`aliases/${alias}`, { reference: decodeURIComponent(reference) }));
  });
}

/** The licence stands before the button, which waits for it. */
function askForLicence(copy: HTMLElement, model: Model, fetch: HTMLButtonElement): void {
  const terms = model.license;
  const note = within(copy, ".note", HTMLElement);
  note.hidden = terms.note === null && terms.url === null;
  note.textContent = terms.note === null ? "" : `${terms.note} `;
  if (terms.url !== null) note.append(readAt(terms.url));
  if (!terms.accept || terms.accepted) return;
  const accept = within(copy, ".accept", HTMLElement);
  const tick = within(accept, "input", HTMLInputElement);
  accept.hidden = false;
  within(accept, "span", HTMLElement).textContent = say("acceptLicence", terms.name);
  tick.dataset["at"] = "accept";
  tick.checked = accepted.has(model.digest);
  fetch.disabled = !tick.checked;
  tick.addEventListener("change", () => {
    fetch.disabled = !tick.checked;
    if (tick.checked) accepted.add(model.digest);
    else accepted.delete(model.digest);
  });
}

/** Where the licence's own text is; it is another site, which hears of nobody who does not go there. */
function readAt(url: string): HTMLElement {
  if (!/^https?:/.test(url)) return made("span", "", url);
  const link = made("a", "", say("licenceText"));
  link.href = url;
  link.title = url;
  link.target = "_blank";
  link.rel = "noreferrer noopener";
  return link;
}

type Doing = "stopAct" | "pullOn" | "pullModel" | "verifyModel" | "repairModel" | "pinModel" | "unpinModel";

function button(word: Doing | "rollBack", model: Model, act: () => Promise<void>, alias = ""): HTMLButtonElement {
  const label = word === "rollBack" ? say(word, alias) : say(word);
  const made_ = made("button", "small", label);
  made_.type = "button";
  made_.dataset["at"] = word + alias;
  // Read out alone, "Fetch" would not say what.
  made_.setAttribute("aria-label", `${label}: ${model.version}`);
  made_.addEventListener("click", () => {
    made_.disabled = true;
    const copy = made_.closest<HTMLElement>(".model");
    if (copy !== null) void changed(copy, act);
  });
  return made_;
}

async function changed(copy: HTMLElement, act: () => Promise<void>): Promise<void> {
  try {
    await act();
    await look();
  } catch (error) {
    within(copy, ".trouble", HTMLElement).textContent = sentence(error);
    for (const each of copy.querySelectorAll("button")) each.disabled = false;
  }
}

gc.addEventListener("click", () => {
  gc.disabled = true;
  manage("gc")
    .then(look)
    .catch((error: unknown) => {
      wrong.textContent = sentence(error);
    })
    .finally(() => {
      gc.disabled = false;
    });
});
