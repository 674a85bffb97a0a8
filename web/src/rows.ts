// A list of any length: only the rows that are to be seen are in the page, and only their pages are asked for.

import { made, rem } from "./dom";

/** Rows of a page, and how many there are on all of them. */
export interface RowPage<Row> {
  rows: Row[];
  total: number;
}

export interface Source<Row> {
  /** One page, from 1; each has `PAGE` rows. */
  load(page: number, signal: AbortSignal): Promise<RowPage<Row>>;
  /** Write a row into its element; what is not loaded yet is null. */
  draw(into: HTMLElement, row: Row | null): void;
  /** The first page has arrived, or a later one that says another total. */
  counted(total: number): void;
  /** A page did not arrive; it is asked for again when the list is touched next. */
  failed(error: unknown): void;
}

export const PAGE = 50;

// Rows beyond the edges of the window, so that the keyboard always finds a next one and slow scrolling no gap.
const BEYOND = 6;
// Fast scrolling flies over pages; two at a time keep up with the eye and leave the service to others.
const MOST_ASKED = 2;
// 2,000 rows: enough to go back and forth, a few megabytes at most.
const MOST_KEPT = 40;

interface Drawn<Row> {
  line: HTMLElement;
  row: Row | null;
}

export class Rows<Row> {
  readonly #list: HTMLElement;
  readonly #source: Source<Row>;
  readonly #drawn = new Map<number, Drawn<Row>>();
  #pages = new Map<number, Row[]>();
  #fresh = new Set<number>();
  #asked = new Map<number, AbortController>();
  #total: number | null = null;
  #due = 0;

  constructor(list: HTMLElement, source: Source<Row>) {
    this.#list = list;
    this.#source = source;
    const look = (): void => this.look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look, { passive: true });
    list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Forget everything: something else is looked for. */
  reset(): void {
    this.#pages.clear();
    this.#total = null;
    for (const { line } of this.#drawn.values()) line.remove();
    this.#drawn.clear();
    this.refresh();
  }

  /** Ask again for what is to be seen; it stays until the answer is there. */
  refresh(): void {
    for (const asked of this.#asked.values()) asked.abort();
    this.#asked.clear();
    this.#fresh.clear();
    this.look();
  }

  /** Draw what is to be seen now, soon. */
  look(): void {
    if (this.#due === 0) this.#due = requestAnimationFrame(() => this.#look());
  }

  /** Draw every row anew: the language has changed, or what a row says of itself. */
  redraw(): void {
    for (const drawn of this.#drawn.values()) this.#source.draw(drawn.line, drawn.row);
  }

  /** The rows that are in the page now. */
  shown(): Row[] {
    return [...this.#drawn.values()].flatMap(({ row }) => (row === null ? [] : [row]));
  }

  #look(): void {
    this.#due = 0;
    // An empty list may itself be hidden, and fill again; a view that is not shown waits.
    if (this.#list.parentElement?.closest("[hidden]")) return;
    const tall = this.#tall();
    const above = -this.#list.getBoundingClientRect().top;
    const count = this.#total ?? Math.ceil(innerHeight / tall);
    const first = Math.max(0, Math.floor(above / tall) - BEYOND);
    const end = Math.min(count, Math.max(first, Math.ceil((above + innerHeight) / tall) + BEYOND));
    this.#list.style.height = `${count * tall}px`;
    this.#list.setAttribute("aria-busy", String(this.#total === null));
    let lost = "";
    for (const [at, { line }] of this.#drawn) {
      const focused = line.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
      if ((at >= first && at < end) || (at < count && focused !== null)) continue;
      if (focused !== null) lost = focused.dataset["act"] ?? "";
      line.remove();
      this.#drawn.delete(at);
    }
    for (let at = first; at < end; at += 1) this.#draw(at, tall);
    // The last row is gone under the reader's hands: the one before it is the last one now.
    if (lost !== "") this.#focus(this.#drawn.get(count - 1)?.line, lost);
    this.#ask(Math.floor(first / PAGE) + 1, Math.floor(Math.max(first, end - 1) / PAGE) + 1);
  }

  #draw(at: number, tall: number): void {
    const row = this.#pages.get(Math.floor(at / PAGE) + 1)?.[at % PAGE] ?? null;
    let drawn = this.#drawn.get(at);
    if (drawn === undefined) {
      drawn = { line: made("li"), row };
      this.#drawn.set(at, drawn);
      this.#source.draw(drawn.line, row);
      this.#insert(at, drawn.line);
    } else if (drawn.row !== row && row !== null) {
      drawn.row = row;
      this.#source.draw(drawn.line, row);
    }
    drawn.line.style.top = `${at * tall}px`;
    drawn.line.setAttribute("aria-posinset", String(at + 1));
    drawn.line.setAttribute("aria-setsize", String(this.#total ?? -1));
  }

  /** In their order, which is the one that the keyboard and screen readers follow. */
  #insert(at: number, line: HTMLElement): void {
    line.dataset["at"] = String(at);
    const next = [...this.#list.children].find((other) => Number((other as HTMLElement).dataset["at"]) > at);
    this.#list.insertBefore(line, next ?? null);
  }

  #ask(first: number, last: number): void {
    for (const [page, asked] of this.#asked) {
      if (page >= first && page <= last) continue;
      asked.abort();
      this.#asked.delete(page);
    }
    for (let page = first; page <= last; page += 1) {
      if (this.#asked.size >= MOST_ASKED) return;
      if (!this.#fresh.has(page) && !this.#asked.has(page)) void this.#load(page);
    }
  }

  async #load(page: number): Promise<void> {
    const asked = new AbortController();
    this.#asked.set(page, asked);
    try {
      const { rows, total } = await this.#source.load(page, asked.signal);
      if (asked.signal.aborted) return;
      this.#asked.delete(page);
      this.#take(page, rows, total);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.#asked.delete(page);
      this.#source.failed(error);
    }
  }

  #take(page: number, rows: Row[], total: number): void {
    // Tasks came or went meanwhile: every other page may have moved.
    if (total !== this.#total) this.#fresh.clear();
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    this.#fresh.add(page);
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= MOST_KEPT) break;
      this.#pages.delete(old);
      this.#fresh.delete(old);
    }
    this.#total = total;
    this.#source.counted(total);
    this.look();
  }

  /** Up and down go to the same control of the next row. */
  #walk(event: KeyboardEvent): void {
    const control = event.target as HTMLElement;
    const line = control.closest("li");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (line === null || step === undefined || control.matches("input[type=range]")) return;
    const next = this.#drawn.get(Number(line.dataset["at"]) + step)?.line;
    if (next === undefined) return;
    event.preventDefault();
    this.#focus(next, control.dataset["act"] ?? "");
  }

  /** Go to a control of a row by what it does, or to the row's first one. */
  #focus(line: HTMLElement | undefined, act: string): void {
    const can = ":not([hidden]):not(:disabled)";
    const same = line?.querySelector<HTMLElement>(`[data-act="${act}"]${can}`);
    (same ?? line?.querySelector<HTMLElement>(`[data-act]${can}`))?.focus();
  }

  #tall(): number {
    return rem(parseFloat(getComputedStyle(this.#list).getPropertyValue("--row")));
  }
}
