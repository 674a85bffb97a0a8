// A version's report: what is known of it from the log and the database, as an auditor prints it.

import { amount } from "./amounts";
import type { Deed, Report } from "./answers";
import { element, made } from "./dom";
import { models, report } from "./service";
import { sentence } from "./trouble";
import { here, restate, type View } from "./views";
import { language, say, type Word } from "./words";

const choice = element("report-of", HTMLSelectElement);
const place = element("report", HTMLElement);
const wrong = element("report-wrong", HTMLElement);

// What is printed of a list that grows for ever; the whole of it is in `audit report --json`.
const MOST_SPOKEN = 50;

let shown: Report | null = null;
let latest = 0;

export const reportView: View = {
  title: "report",
  enter(asked) {
    void open(asked.get("of") ?? "");
  },
  leave: () => void (latest += 1),
  show() {
    if (shown !== null) draw(shown);
  },
};

export function startReport(): void {
  choice.addEventListener("change", () => void open(choice.value));
  element("print", HTMLButtonElement).addEventListener("click", () => print());
}

async function open(reference: string): Promise<void> {
  const mine = ++latest;
  place.hidden = true;
  wrong.textContent = "";
  try {
    const known = (await models()).models.map((model) => `${model.version}@sha256:${model.digest}`);
    const wanted = reference || known[0] || "";
    if (mine !== latest) return;
    choice.replaceChildren(...known.map((each) => new Option(each.slice(0, each.indexOf(":") + 13), each)));
    if (wanted !== "" && !known.includes(wanted)) choice.append(new Option(wanted, wanted));
    choice.value = wanted;
    if (wanted === "") throw new Error("the catalogue is empty");
    const found = await report(wanted);
    if (mine !== latest || here().view !== "report") return;
    restate("report", { of: wanted });
    shown = found;
    draw(found);
  } catch (error) {
    if (mine === latest) wrong.textContent = sentence(error);
  }
}

function draw(found: Report): void {
  const terms = found.license.commercial === false ? `${found.license.name} (${say("notCommercial")})` : found.license.name;
  place.hidden = false;
  place.replaceChildren(
    made("h2", "", found.version),
    pairs([
      ["digest", `sha256:${found.digest}`],
      ["engine", found.engine],
      ["sizeOf", amount(found.size)],
      ["licence", terms],
      ["logHead", `${found.log.events} · ${found.log.head.slice(0, 16)}…`],
    ]),
    ...part("accepted", ["when", "actor", "licence"], found.accepted.map((each) => [moment(each.at), each.by, each.license])),
    ...part("filesOf", ["name", "sizeOf", "digest", "origin", "scan"], found.files.map((file) => [
      file.path,
      amount(file.size),
      file.sha256.slice(0, 16),
      file.from.map((each) => `${each.mirror} ${amount(each.bytes)}`).join(", ") || say(file.state === "present" ? "unknownOrigin" : "absent"),
      file.scan === null ? "–" : file.scan.outcome,
    ])),
    ...part("signatures", ["when", "act", "actor"], found.signatures.map((each) => [moment(each.at), each.act, JSON.stringify(each.signers ?? each.catalogue)])),
    ...deeds("events", found.events),
    ...deeds("servedAs", found.served),
    ...deeds("lineage", found.lineage),
    ...part("speech", ["when", "actor", "digest"], found.speech.slice(-MOST_SPOKEN).map((each) => [moment(each.at), each.asker, each.audio_sha256?.slice(0, 16) ?? "–"])),
    made("p", "hint", found.speech.length > MOST_SPOKEN ? say("moreSpeech", found.speech.length) : ""),
  );
}

function deeds(title: Word, all: Deed[]): HTMLElement[] {
  return part(title, ["number", "when", "act", "actor", "outcome"], all.map((deed) => [String(deed.seq), moment(deed.at), deed.act, deed.actor, deed.outcome]));
}

function part(title: Word, heads: Word[], rows: string[][]): HTMLElement[] {
  if (rows.length === 0) return [made("h3", "", say(title)), made("p", "hint", say("nothingKnown"))];
  const table = made("table", "plain");
  const head = table.createTHead().insertRow();
  for (const each of heads) {
    const cell = made("th", "", say(each));
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const text of row) line.insertCell().textContent = text;
  }
  const wide = made("div", "wide");
  wide.tabIndex = 0;
  wide.setAttribute("role", "group");
  wide.setAttribute("aria-label", say(title));
  wide.append(table);
  return [made("h3", "", say(title)), wide];
}

function pairs(rows: [Word, string][]): HTMLElement {
  const list = made("dl", "facts");
  for (const [word, text] of rows) list.append(made("dt", "", say(word)), made("dd", "number", text));
  return list;
}

function moment(at: string): string {
  return new Date(at).toLocaleString(language === "zh" ? "zh-CN" : "en", { dateStyle: "short", timeStyle: "medium" });
}
