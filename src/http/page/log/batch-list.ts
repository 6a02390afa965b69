// The batches of a segment: a part of them, which grows in both directions by scrolling or by button, and says how much
// of the segment it is. Leaves to others: the answers (api/log.ts), and the content of a batch (batch-view.ts).
import { button, element, setText } from "../parts/dom.js";
import { countOf, formatCount, formatTime } from "../parts/format.js";
import type { BatchRows } from "./log-wire.js";
import { listedWords } from "./batch-words.js";

/** Where a list of batches starts: at a position, near one by the index, or with those before one. */
export type BatchStart =
  { readonly at: number } | { readonly near: number } | { readonly before: number };

/** Lines kept: beyond it, the list lets go of its other end. */
const LISTED_BATCHES_MAX = 500;

/** A list that is shorter gets what is before it, too. */
const FEW_BATCHES = 10;

/** How near to an end of the list more is asked for, in pixels. */
const NEAR_PIXELS = 80;

const COLUMNS = ["position", "offsets", "records", "bytes", "codec", "newest"];

type Batch = BatchRows["batches"][number];

interface Line {
  readonly batch: Batch;
  readonly root: HTMLElement;
}

interface BatchListHost {
  ask(start: BatchStart): Promise<BatchRows>;
  /** Takes what is new about the segment. */
  show(rows: BatchRows): void;
  /** Says how much of the segment is listed. */
  say(text: string): void;
  /** A person opens a batch. */
  open(position: number): void;
}

export class BatchList {
  readonly root: HTMLElement;
  readonly #host: BatchListHost;
  readonly #box: HTMLElement;
  readonly #body = element("tbody");
  readonly #damage = element("p", { class: "failure", hidden: true });
  readonly #earlier = button("Show earlier batches", () => void this.#showEarlier());
  readonly #later = button("Show more batches", () => void this.#showLater());
  readonly #start = button("Start", () => void this.#toStart());
  readonly #end = button("End", () => void this.#toEnd());
  /** Why a part was not listed. Its place is reserved. */
  readonly #note = element("p", { class: "note", role: "status" });
  #lines: Line[] = [];
  #segmentBytes = 0;
  #isActive = false;
  /** Where the list continues; null at the end of the segment. */
  #next: number | null = null;
  /** Why it ends before `#next`, and why nothing before its first line is listed. */
  #endDamage: string | null = null;
  #startDamage: string | null = null;
  #isAsking = false;
  #scrolledTo = 0;
  /** Position of the batch that is open. */
  #opened: number | undefined;

  constructor(host: BatchListHost) {
    this.#host = host;
    const heads = COLUMNS.map((name) => element("th", { scope: "col" }, name));
    const head = element("thead", {}, element("tr", {}, ...heads));
    const caption = element("caption", {}, "Batches");
    this.#box = element(
      "div",
      { class: "batches", tabindex: 0, role: "region", "aria-label": "Batches" },
      this.#earlier,
      element("table", {}, caption, head, this.#body),
      this.#damage,
      this.#later,
    );
    this.#box.addEventListener("scroll", () => this.#scrolled());
    this.root = element(
      "div",
      { class: "batch-list" },
      this.#box,
      element("div", { class: "pager" }, this.#start, this.#end, this.#note),
    );
  }

  /** Shows a part of the segment instead of what is shown now. */
  async load(start: BatchStart): Promise<void> {
    const rows = await this.#ask(start);
    if (rows === undefined) return;
    this.#lines = [];
    this.#body.replaceChildren();
    this.#startDamage = null;
    const isEnd = "before" in start;
    if (isEnd) this.#addBefore(rows);
    this.#append(rows, isEnd);
    this.#box.scrollTop = isEnd ? this.#box.scrollHeight : 0;
    // Near the end of a segment there are few.
    if (!isEnd && this.#lines.length < FEW_BATCHES && !this.#earlier.hidden) {
      await this.#showEarlier();
    }
    this.#scrolledTo = this.#box.scrollTop;
  }

  /** Whether a batch is listed. */
  has(position: number): boolean {
    return this.#lines.some(({ batch }) => batch.position === position);
  }

  /** Marks the open batch. */
  mark(position: number | undefined): void {
    this.#opened = position;
    for (const { batch, root } of this.#lines) mark(root, batch.position === position);
  }

  async #toStart(): Promise<void> {
    if ((this.#lines[0]?.batch.position ?? 0) > 0) await this.load({ at: 0 });
    this.#box.scrollTop = 0;
  }

  async #toEnd(): Promise<void> {
    if (!this.#isAtEnd) await this.load({ before: Number.MAX_SAFE_INTEGER });
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  async #showLater(): Promise<void> {
    const rows = await this.#ask({ at: this.#next ?? this.#listEnd });
    if (rows !== undefined) this.#append(rows, false);
  }

  async #showEarlier(): Promise<void> {
    const rows = await this.#ask({ before: this.#lines[0]?.batch.position ?? 0 });
    if (rows === undefined) return;
    const height = this.#box.scrollHeight;
    this.#addBefore(rows);
    // What is being read stays where it is.
    this.#box.scrollTop += this.#box.scrollHeight - height;
    this.#letGoOfEnd();
    this.#say();
  }

  async #ask(start: BatchStart): Promise<BatchRows | undefined> {
    if (this.#isAsking) return undefined;
    this.#isAsking = true;
    setText(this.#note, "");
    try {
      return await this.#host.ask(start);
    } catch (error) {
      setText(this.#note, error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      this.#isAsking = false;
    }
  }

  #append(rows: BatchRows, areListed: boolean): void {
    const end = this.#listEnd;
    const start = rows.batches[0]?.position ?? end;
    this.#segmentBytes = rows.bytes;
    this.#isActive = rows.isActive;
    if (areListed) {
      this.#next = end < rows.bytes ? end : null;
      this.#endDamage = null;
    } else {
      if (this.#lines.length > 0 && start > end) this.#body.append(gapLine(end, start));
      const added = rows.batches.map((batch) => this.#line(batch));
      this.#lines.push(...added);
      this.#body.append(...added.map(({ root }) => root));
      this.#next = rows.next;
      this.#endDamage = rows.damage;
      this.#letGoOfStart();
    }
    this.#host.show(rows);
    this.#say();
  }

  #addBefore(rows: BatchRows): void {
    const added = rows.batches.map((batch) => this.#line(batch));
    this.#lines.unshift(...added);
    this.#body.prepend(...added.map(({ root }) => root));
    this.#startDamage = rows.damage;
  }

  #letGoOfStart(): void {
    if (this.#lines.length <= LISTED_BATCHES_MAX) return;
    this.#lines = this.#lines.slice(-LISTED_BATCHES_MAX);
    this.#startDamage = null;
    const height = this.#box.scrollHeight;
    const first = this.#lines[0]?.root;
    while (this.#body.firstElementChild !== first) this.#body.firstElementChild?.remove();
    this.#box.scrollTop -= height - this.#box.scrollHeight;
  }

  #letGoOfEnd(): void {
    if (this.#lines.length <= LISTED_BATCHES_MAX) return;
    this.#lines.length = LISTED_BATCHES_MAX;
    const last = this.#lines.at(-1)?.root;
    while (this.#body.lastElementChild !== last) this.#body.lastElementChild?.remove();
    this.#next = this.#listEnd;
    this.#endDamage = null;
  }

  get #isAtEnd(): boolean {
    return this.#next === null && this.#endDamage === null;
  }

  /** Position after the last line. */
  get #listEnd(): number {
    const last = this.#lines.at(-1)?.batch;
    return last === undefined ? 0 : last.position + last.bytes;
  }

  /** Says what the list shows, and what there is beyond it. */
  #say(): void {
    const first = this.#lines[0]?.batch.position ?? 0;
    const isAtEnd = this.#isAtEnd;
    const bytes = this.#lines.reduce((sum, { batch }) => sum + batch.bytes, 0);
    const listed = { count: this.#lines.length, bytes, first, segmentBytes: this.#segmentBytes };
    this.#host.say(listedWords({ ...listed, isAtEnd }));
    this.#earlier.hidden = first === 0 || this.#startDamage !== null;
    this.#later.hidden = this.#next === null && !this.#isActive;
    const behind = this.#next === null ? "" : formatCount(this.#next);
    setText(
      this.#later,
      this.#next === null
        ? "Look for newer batches"
        : this.#endDamage === null
          ? "Show more batches"
          : `Continue behind the damage, at position ${behind}`,
    );
    const damage = [this.#startDamage, this.#endDamage].filter((each) => each !== null);
    this.#damage.hidden = damage.length === 0;
    setText(this.#damage, damage.join("; "));
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const isDown = scrollTop > this.#scrolledTo;
    this.#scrolledTo = scrollTop;
    if (this.#isAsking || scrollHeight <= clientHeight) return;
    const below = scrollHeight - clientHeight - scrollTop;
    if (isDown && below < NEAR_PIXELS && this.#next !== null && this.#endDamage === null) {
      void this.#showLater();
    } else if (!isDown && scrollTop < NEAR_PIXELS && !this.#earlier.hidden) {
      void this.#showEarlier();
    }
  }

  #line(batch: Batch): Line {
    const { position, count, bytes, codec, maxTimestamp } = batch;
    const [first, last] = [batch.baseOffset ?? 0, batch.lastOffset ?? 0];
    const opener = button(formatCount(position), () => this.#host.open(position), {
      "aria-label": `Batch at position ${formatCount(position)}`,
    });
    const cells = [
      first === last ? formatCount(first) : `${formatCount(first)} – ${formatCount(last)}`,
      formatCount(count),
      formatCount(bytes),
      codec ?? "unknown",
      formatTime(maxTimestamp),
    ].map((text) => element("td", {}, text));
    const root = element("tr", {}, element("td", {}, opener), ...cells);
    root.addEventListener("click", ({ target }) => {
      if (target !== opener) opener.click();
    });
    mark(root, position === this.#opened);
    return { batch, root };
  }
}

/** Says that something between two batches is not one. */
function gapLine(from: number, to: number): HTMLElement {
  const text = `${countOf(to - from, "byte")} at position ${formatCount(from)} are not a batch`;
  return element("tr", { class: "gap" }, element("td", { colspan: COLUMNS.length }, text));
}

function mark(line: HTMLElement, isIt: boolean): void {
  if (isIt) line.setAttribute("aria-current", "true");
  else line.removeAttribute("aria-current");
}
