// The panel of one segment: its batches, page by page, and the selected batch.
// Leaves to others: the content of a batch (batch-view.ts).
import { ask } from "../api.js";
import { BatchView } from "./batch-view.js";
import { button, element, failure } from "../parts/dom.js";
import { countOf, formatBytes, formatCount, formatTime } from "../parts/format.js";
import type { BatchRows } from "../wire.js";

interface SegmentPlace {
  readonly topic: string;
  readonly partition: number;
  readonly segment: number;
}

/** Where a list of batches starts: at a position, near a position by the index, or at an offset. */
type BatchStart = { readonly at: number } | { readonly near: number } | { readonly offset: number };

export class Detail {
  readonly root = element("aside", {
    id: "detail",
    class: "detail",
    tabindex: -1,
    "aria-label": "Segment",
    hidden: true,
  });
  readonly #onMark: (place: SegmentPlace | undefined) => void;
  #place: SegmentPlace | undefined;
  /** Starts of the earlier pages. */
  #earlier: number[] = [];
  #returnTo: Element | null = null;

  /** `onMark` is called with the open segment. */
  constructor(onMark: (place: SegmentPlace | undefined) => void) {
    this.#onMark = onMark;
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  /** Opens a segment and, with `position`, the batch there. */
  async open(place: SegmentPlace, start: BatchStart, position?: number): Promise<void> {
    if (this.root.hidden) this.#returnTo = document.activeElement;
    this.#place = place;
    this.#earlier = [];
    this.root.hidden = false;
    this.#onMark(place);
    await this.#load(start, position);
    this.root.focus({ preventScroll: true });
    if (matchMedia("(max-width: 1099px)").matches) this.root.scrollIntoView({ block: "start" });
  }

  close(): void {
    this.#place = undefined;
    this.root.hidden = true;
    this.#onMark(undefined);
    if (this.#returnTo instanceof HTMLElement) this.#returnTo.focus({ preventScroll: true });
  }

  async #load(start: BatchStart, position?: number): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    const { topic, partition, segment } = place;
    try {
      const rows = await ask<BatchRows>(topic, partition, "batches", { segment, ...start });
      if (place !== this.#place) return;
      this.#show(place, rows, position);
    } catch (error) {
      if (place === this.#place) this.root.replaceChildren(this.#head(place, ""), failure(error));
    }
  }

  #show(place: SegmentPlace, rows: BatchRows, position: number | undefined): void {
    const { file, bytes, indexEntries, batches, next, damage } = rows;
    const about = `${formatBytes(bytes)} · ${countOf(indexEntries, "index entry", "index entries")}`;
    const body = element("tbody");
    const inside = element("div", { class: "inside" });
    const list = element(
      "table",
      {},
      element("caption", {}, `Batches of ${file}`),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...["position", "offsets", "records", "bytes", "codec", "newest"].map((name) =>
            element("th", { scope: "col" }, name),
          ),
        ),
      ),
      body,
    );
    for (const batch of batches) {
      const first = batch.baseOffset ?? 0;
      const last = batch.lastOffset ?? 0;
      const opener = button(
        formatCount(batch.position),
        () => {
          for (const other of body.children) other.removeAttribute("aria-current");
          line.setAttribute("aria-current", "true");
          void this.#openBatch(place, batch.position, inside);
        },
        { "aria-label": `Batch at position ${batch.position}` },
      );
      const line = element(
        "tr",
        {},
        element("td", {}, opener),
        element(
          "td",
          {},
          first === last ? formatCount(first) : `${formatCount(first)} – ${formatCount(last)}`,
        ),
        element("td", {}, formatCount(batch.count)),
        element("td", {}, formatCount(batch.bytes)),
        element("td", {}, batch.codec ?? "unknown"),
        element("td", {}, formatTime(batch.maxTimestamp)),
      );
      line.addEventListener("click", ({ target }) => {
        if (target !== opener) opener.click();
      });
      body.append(line);
      if (batch.position === position) queueMicrotask(() => opener.click());
    }
    const first = batches[0]?.position ?? 0;
    const pager = element(
      "div",
      { class: "pager" },
      button("First", () => this.#page([], { at: 0 }), { disabled: first === 0 }),
      button(
        "Previous",
        () => {
          const at = this.#earlier.pop();
          this.#page(
            this.#earlier,
            at === undefined ? { near: Math.max(0, first - 4096) } : { at },
          );
        },
        { disabled: first === 0 },
      ),
      button("Next", () => this.#page([...this.#earlier, first], { at: next ?? 0 }), {
        disabled: next === null || damage !== null,
      }),
    );
    const ends = damage === null ? [] : [element("p", { class: "failure" }, damage)];
    const none =
      batches.length === 0 && damage === null
        ? [
            element(
              "p",
              { class: "empty" },
              bytes === 0 ? "Nothing has been written yet." : "No batch starts here.",
            ),
          ]
        : [];
    this.root.replaceChildren(
      this.#head(place, about),
      element(
        "div",
        { class: "batches", tabindex: 0, role: "region", "aria-label": "Batches" },
        list,
      ),
      ...ends,
      ...none,
      pager,
      inside,
    );
  }

  #page(earlier: number[], start: BatchStart): void {
    this.#earlier = earlier;
    void this.#load(start);
  }

  #head(place: SegmentPlace, about: string): HTMLElement {
    return element(
      "div",
      { class: "head" },
      element("h2", {}, `${place.topic} ${place.partition}, segment ${formatCount(place.segment)}`),
      element("p", {}, about),
      button("Close", () => this.close(), { class: "close" }),
    );
  }

  async #openBatch(place: SegmentPlace, position: number, inside: HTMLElement): Promise<void> {
    const { topic, partition, segment } = place;
    const view = new BatchView((from) =>
      ask(topic, partition, "batch", { segment, position, from }),
    );
    inside.replaceChildren(view.root);
    await view.load();
    inside.scrollIntoView({ block: "nearest" });
  }
}
