// The list of records: a row each, and rows for what is between them. Arrow keys move from record to record, Enter opens one.
// Leaves to others: loading (record-load.ts), and one record in full (record-panel.ts).
import { SEARCHED_JSON_BYTES_MAX } from "../../../limits.js";
import type { FieldValue } from "../../../services/records/record-fields.js";
import type {
  BatchSummary,
  RecordItem,
  RecordSummary,
} from "../../../services/records/record-item.js";
import type { DescribedBytes } from "../../../record/described-bytes.js";
import { printable } from "../../../printable.js";
import { element, setText } from "../parts/dom.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { type KeyView, shownKey } from "./record-keys.js";
import { firstOf, keyOf } from "./record-order.js";
import { preview, timeText, timeTitle } from "./record-text.js";

/** Rows that are added in one frame. */
const FRAME_ROWS_MAX = 20;

/** Between the time, whose head has the zone, and the value or its fields; and after these. */
const PLACE_COLUMNS = ["partition", "offset", "key"] as const;
const OTHER_COLUMNS = ["headers", "size"] as const;

interface RecordListEvents {
  /** A record is to be opened. */
  opened(partition: number, offset: number): void;
  /** The focus is on another record. */
  moved(partition: number, offset: number): void;
}

/** Records that were not shown, because more came than a person can read. */
interface Skipped {
  readonly kind: "skipped";
  readonly partition: number;
  readonly offset: number;
  readonly count: number;
}

export type ListItem = RecordItem | Skipped;

export class RecordList {
  readonly root: HTMLElement;
  readonly #events: RecordListEvents;
  readonly #body = element("tbody");
  readonly #table: HTMLElement;
  readonly #head = element("tr");
  readonly #timeHead = element("th", { scope: "col", class: "col-time" });
  readonly #times: { readonly cell: HTMLElement; readonly ms: number }[] = [];
  readonly #keys: { readonly cell: HTMLElement; readonly key: DescribedBytes | null }[] = [];
  #keyView: KeyView = { as: "", types: new Set() };
  /** Of the items that were added last. */
  #batches = new Map<string, BatchSummary>();
  #lastBatch = "";
  /** Rows that are added in the next frames. */
  readonly #waiting: HTMLElement[] = [];
  #rowsMax = 0;
  #frame: number | undefined;
  #isUtc = false;
  #paths: readonly string[] = [];
  #open = "";

  constructor(events: RecordListEvents) {
    this.#events = events;
    this.#table = element(
      "table",
      {},
      element("caption", {}, "Records"),
      element("thead", {}, this.#head),
      this.#body,
    );
    this.#showHead();
    this.isUtc = false;
    const label = { role: "region", "aria-label": "Records", tabindex: 0 };
    this.root = element("div", { class: "table record-list", ...label }, this.#table);
    this.#body.addEventListener("click", (event) => this.#clicked(event));
    this.root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  set isUtc(isUtc: boolean) {
    this.#isUtc = isUtc;
    setText(this.#timeHead, `time (${isUtc ? "UTC" : LOCAL_ZONE})`);
    for (const { cell, ms } of this.#times) this.#writeTime(cell, ms);
  }

  /** Paths of JSON whose values are shown instead of the values of records; none for these. */
  set paths(paths: readonly string[]) {
    if (paths.join("\n") === this.#paths.join("\n")) return;
    this.#paths = paths;
    this.#table.classList.toggle("has-fields", paths.length > 0);
    this.#showHead();
    this.show([], [], true);
  }

  set keyView({ as, types }: KeyView) {
    const before = this.#keyView;
    if (as === before.as && types.size === before.types.size && types.isSubsetOf(before.types))
      return;
    this.#keyView = { as, types: new Set(types) };
    for (const { cell, key } of this.#keys) this.#writeKey(cell, key);
  }

  /** Shows these items. `isOfOne`: all are of one partition, so its batches can be told apart. */
  show(items: readonly ListItem[], batches: readonly BatchSummary[], isOfOne: boolean): void {
    const focused = this.#focusedKey();
    this.#waiting.length = 0;
    this.#times.length = 0;
    this.#keys.length = 0;
    this.#lastBatch = "";
    this.#batches = batchesByPlace(batches);
    this.#table.classList.toggle("of-one", isOfOne);
    this.#table.classList.toggle("no-headers", !items.some(hasHeaders));
    this.#body.replaceChildren(...items.flatMap((item) => this.#rowsOf(item, isOfOne)));
    this.#mark();
    if (focused !== undefined) this.#buttonOf(focused)?.focus({ preventScroll: true });
  }

  /**
   * Adds items at the end, some in each frame, keeps the last `rowsMax` rows, and stays at the end if it was there. To lay out a
   * hundred rows takes longer than a frame.
   */
  append(
    items: readonly ListItem[],
    batches: readonly BatchSummary[],
    isOfOne: boolean,
    rowsMax: number,
  ): void {
    // Not those of earlier items, too: a tail would collect the batches of hours.
    this.#batches = batchesByPlace(batches);
    if (items.some(hasHeaders)) this.#table.classList.remove("no-headers");
    this.#waiting.push(...items.flatMap((item) => this.#rowsOf(item, isOfOne)));
    this.#waiting.splice(0, this.#waiting.length - rowsMax);
    this.#rowsMax = rowsMax;
    this.#frame ??= requestAnimationFrame(() => this.#addWaiting());
  }

  #addWaiting(): void {
    this.#frame = undefined;
    const { root } = this;
    const isAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < END_PIXELS;
    this.#body.append(...this.#waiting.splice(0, FRAME_ROWS_MAX));
    while (this.#body.children.length > this.#rowsMax) this.#body.firstElementChild?.remove();
    const kept = this.#rowsMax + this.#waiting.length;
    this.#times.splice(0, Math.max(0, this.#times.length - kept));
    this.#keys.splice(0, Math.max(0, this.#keys.length - kept));
    this.#mark();
    if (isAtEnd) this.scrollToEnd();
    if (this.#waiting.length > 0) this.#frame = requestAnimationFrame(() => this.#addWaiting());
  }

  scrollToEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
  }

  /** Marks the record that is open; undefined for none. */
  markOpen(record: { readonly partition: number; readonly offset: number } | undefined): void {
    this.#open = record === undefined ? "" : `record ${record.partition} ${record.offset}`;
    this.#mark();
  }

  /** Puts the focus on the record that is open, or on the list. */
  focus(): void {
    (this.#buttonOf(this.#open) ?? this.root).focus();
  }

  /** Moves from the open record to the next one in a direction. */
  step(by: 1 | -1): void {
    const buttons = this.#buttons();
    const at = buttons.findIndex((each) => each.dataset.key === this.#open);
    const next = buttons[at < 0 ? 0 : at + by];
    if (next === undefined) return;
    next.scrollIntoView({ block: "nearest" });
    const { partition = "", offset = "" } = next.dataset;
    this.#events.opened(Number(partition), Number(offset));
  }

  #showHead(): void {
    const head = (name: string): HTMLElement =>
      element("th", { scope: "col", class: `col-${name}` }, name);
    const fields = this.#paths.map((path) =>
      element("th", { scope: "col", class: "col-field", title: path }, path.replace(/^\$\.?/, "")),
    );
    this.#head.replaceChildren(
      this.#timeHead,
      ...PLACE_COLUMNS.map(head),
      ...(fields.length === 0 ? [head("value")] : fields),
      ...OTHER_COLUMNS.map(head),
    );
  }

  /** Columns of a value: its own, or those of its fields. */
  get #valueColumns(): number {
    return Math.max(1, this.#paths.length);
  }

  /** All columns. */
  get #width(): number {
    return 1 + PLACE_COLUMNS.length + this.#valueColumns + OTHER_COLUMNS.length;
  }

  /** A value, or what was asked for of it, if it is JSON. */
  #valueCells({ value, decoded, fields = [] }: RecordSummary): HTMLElement[] {
    if (fields.some(({ kind }) => kind !== "none" && kind !== "large")) {
      return fields.map((each, i) => fieldCell(each, this.#paths[i] ?? ""));
    }
    const isLarge = fields.some(({ kind }) => kind === "large");
    return [
      element(
        "td",
        {
          ...{ class: "col-value", colspan: this.#valueColumns },
          title: isLarge
            ? `over ${formatBytes(SEARCHED_JSON_BYTES_MAX)}: not read as JSON`
            : undefined,
        },
        ...(decoded === undefined ? [] : [element("span", {}, printable(decoded))]),
        ...(decoded === undefined || value === null ? [bytesText(value, "tombstone")] : []),
      ),
    ];
  }

  #rowsOf(item: ListItem, isOfOne: boolean): HTMLElement[] {
    if (item.kind !== "record" && item.kind !== "marker") return [noteRow(item, this.#width)];
    const key = `${item.partition} ${item.batch}`;
    const batch = this.#batches.get(key);
    const isNew = isOfOne && key !== this.#lastBatch && batch !== undefined;
    this.#lastBatch = key;
    const rows = isNew ? [batchRow(batch, this.#width)] : [];
    const opener = element(
      "button",
      {
        ...{ type: "button", class: "quiet", tabindex: -1, "data-key": keyOf(item) },
        ...{ "data-partition": item.partition, "data-offset": item.offset },
      },
      formatCount(item.offset),
    );
    const time = element("td", { class: "col-time" });
    this.#times.push({ cell: time, ms: item.timestamp });
    this.#writeTime(time, item.timestamp);
    const place = [
      time,
      element("td", { class: "col-partition number" }, String(item.partition)),
      element("td", { class: "col-offset number" }, opener),
    ];
    if (item.kind === "marker") {
      const colspan = this.#valueColumns + 1 + OTHER_COLUMNS.length;
      const text = element("td", { colspan, class: "note" }, `transaction marker: ${item.text}`);
      return [...rows, element("tr", { class: "item" }, ...place, text)];
    }
    const { key: recordKey, headers, headerCount, bytes } = item;
    const keyCell = element("td", { class: "col-key" });
    this.#keys.push({ cell: keyCell, key: recordKey });
    this.#writeKey(keyCell, recordKey);
    rows.push(
      element(
        "tr",
        { class: "item" },
        ...place,
        keyCell,
        ...this.#valueCells(item),
        element("td", { class: "col-headers" }, headersText(headers, headerCount)),
        element("td", { class: "col-size number" }, formatBytes(bytes)),
      ),
    );
    return rows;
  }

  #writeTime(cell: HTMLElement, ms: number): void {
    const text = timeText(ms, this.#isUtc);
    const [day = "", clock = ""] = text.split(" ");
    // The day is left out where there is no room for it.
    if (day.includes("-", 1))
      cell.replaceChildren(element("span", { class: "day" }, `${day} `), clock);
    else cell.textContent = text;
    cell.title = timeTitle(ms, this.#isUtc);
  }

  #writeKey(cell: HTMLElement, key: DescribedBytes | null): void {
    if (key === null || key.bytes === 0) {
      cell.replaceChildren(bytesText(key, "null"));
      return;
    }
    const { text, title, isBinary } = shownKey(key, this.#keyView);
    const attributes = { class: isBinary ? "binary" : undefined, title: title || undefined };
    cell.replaceChildren(element("span", attributes, text));
  }

  #buttons(): HTMLButtonElement[] {
    return [...this.#body.querySelectorAll<HTMLButtonElement>("button[data-key]")];
  }

  #buttonOf(key: string): HTMLButtonElement | undefined {
    return this.#buttons().find((each) => each.dataset.key === key);
  }

  #focusedKey(): string | undefined {
    const { activeElement } = document;
    const isHere = activeElement instanceof HTMLElement && this.#body.contains(activeElement);
    return isHere ? activeElement.dataset.key : undefined;
  }

  /** Marks the open record, and lets Tab reach one record. */
  #mark(): void {
    let reached: HTMLButtonElement | undefined;
    for (const opener of this.#buttons()) {
      const isOpen = opener.dataset.key === this.#open;
      const row = opener.closest("tr");
      if (isOpen) row?.setAttribute("aria-current", "true");
      else row?.removeAttribute("aria-current");
      opener.tabIndex = -1;
      if (isOpen || reached === undefined) reached = opener;
    }
    if (reached !== undefined) reached.tabIndex = 0;
  }

  #clicked(event: MouseEvent): void {
    const { target } = event;
    if (!(target instanceof Element) || getSelection()?.isCollapsed === false) return;
    const opener = target.closest("tr")?.querySelector<HTMLButtonElement>("button[data-key]");
    if (opener === null || opener === undefined) return;
    opener.focus({ preventScroll: true });
    const { partition = "", offset = "" } = opener.dataset;
    this.#events.opened(Number(partition), Number(offset));
  }

  #pressed(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined && event.key !== "Home" && event.key !== "End") return;
    const buttons = this.#buttons();
    const at = buttons.findIndex((each) => each.matches(":focus"));
    const last = buttons.length - 1;
    const to = by === undefined ? (event.key === "Home" ? 0 : last) : at < 0 ? 0 : at + by;
    const next = buttons[to];
    if (next === undefined) return;
    event.preventDefault();
    for (const each of buttons) each.tabIndex = each === next ? 0 : -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    const { partition = "", offset = "" } = next.dataset;
    this.#events.moved(Number(partition), Number(offset));
  }
}

/** By its name: its difference from UTC depends on the time of the record. */
const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Batches by their partitions and first offsets. */
function batchesByPlace(batches: readonly BatchSummary[]): Map<string, BatchSummary> {
  return new Map(batches.map((batch) => [`${batch.partition} ${batch.base}`, batch]));
}

function hasHeaders(item: ListItem): boolean {
  return item.kind === "record" && item.headerCount > 0;
}

/** A list that is closer to its end than this stays there when rows are added. */
const END_PIXELS = 40;

function bytesText(bytes: DescribedBytes | null, ifNull: string): HTMLElement {
  if (bytes === null) return element("span", { class: "badge" }, ifNull);
  if (bytes.bytes === 0) return element("span", { class: "badge" }, "empty");
  const { text, isText } = preview(bytes);
  return element(
    "span",
    isText ? {} : { class: "binary", title: "not text: in hexadecimal" },
    text,
  );
}

/** What is at a path. Null, an empty text and nothing at all look different. */
function fieldCell(field: FieldValue, path: string): HTMLElement {
  // On a narrow screen the head is not seen.
  const name = element("span", { class: "field-name" }, `${path.replace(/^\$\.?/, "")} `);
  const cell = element("td", { class: "col-field" }, name);
  if (!("text" in field)) {
    const why = {
      missing: "no such field",
      none: "not JSON",
      large: "too large to be read as JSON",
    };
    cell.append(element("span", { class: "binary" }, "–"));
    cell.title = why[field.kind];
    return cell;
  }
  const { kind, text, isCut } = field;
  if (kind === "null" || text === "") {
    cell.append(element("span", { class: "badge" }, kind === "null" ? "null" : "empty"));
  } else {
    cell.append(printable(text) + (isCut === true ? "…" : ""));
    cell.title = printable(text);
  }
  return cell;
}

function headersText(
  headers: readonly { readonly name: DescribedBytes; readonly value: DescribedBytes | null }[],
  count: number,
): string {
  const texts = headers.map(
    ({ name, value }) => `${preview(name).text}=${value === null ? "null" : preview(value).text}`,
  );
  if (count > headers.length) texts.push(`and ${count - headers.length} more`);
  return texts.join(", ");
}

function batchRow(
  { base, last, count, bytes, codec, timestampType, producerId, isTransactional }: BatchSummary,
  colspan: number,
) {
  const offsets = last - base + 1;
  const parts = [
    `batch ${formatCount(base)} – ${formatCount(last)}`,
    count === offsets
      ? countOf(count, "record")
      : `${formatCount(count)} of ${countOf(offsets, "record")} left`,
    `${formatBytes(bytes)}${codec === "none" ? "" : ` ${codec}`}`,
    ...(timestampType === "LogAppendTime" ? ["times of the broker"] : []),
    ...(producerId < 0 ? [] : [`producer ${producerId}`]),
    ...(isTransactional ? ["transactional"] : []),
  ];
  return element("tr", { class: "batch-line" }, element("td", { colspan }, parts.join(" · ")));
}

type Note = Exclude<ListItem, { kind: "record" | "marker" }>;

function noteRow(item: Note, colspan: number): HTMLElement {
  const isBad = item.kind === "damage" || item.kind === "closed";
  return element(
    "tr",
    { class: isBad ? "note-line failure" : "note-line" },
    element("td", { colspan }, noteText(item)),
  );
}

/** What an item says that is no record. */
function noteText(item: Note): string {
  if (item.kind === "skipped") {
    return `${countOf(item.count, "record")} not shown: more came than fits`;
  }
  const first = firstOf(item);
  const last = item.to - 1;
  const isOne = first === last;
  const place = `partition ${item.partition}, ${isOne ? `offset ${formatCount(first)}` : `offsets ${formatCount(first)} to ${formatCount(last)}`}`;
  const was = isOne ? "was" : "were";
  if (item.kind === "gap") {
    const why = {
      compacted: `${was} removed by compaction`,
      deleted: `${was} deleted, by retention or on request`,
      missing: `${isOne ? "has" : "have"} no record`,
    }[item.why];
    return `${place} ${why}`;
  }
  const skipped = item.bytes === undefined ? "" : `; ${formatBytes(item.bytes)} skipped`;
  const what = item.kind === "damage" ? "can't be read: the log is damaged" : "not shown";
  return `${place} ${what}: ${printable(item.reason)}${skipped}`;
}
