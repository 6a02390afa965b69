// The panel of one segment: its batches, and the bytes of the one that is open.
// Leaves to others: the list (batch-list.ts), the content of a batch (batch-view.ts), and the address (log-view.ts).
import { button, element, setText } from "../parts/dom.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import type { BatchRows } from "./log-wire.js";
import { BatchList } from "./batch-list.js";
import { BatchView } from "./batch-view.js";
import type { SegmentPlace } from "./topic-rows.js";
import { askPartition } from "./log-api.js";

/** What is open in a segment: a batch, or the part of the list near a position. */
interface Opened {
  readonly batch: number | undefined;
  readonly near: number | undefined;
}

interface DetailHost {
  /** A person opens a batch. */
  openBatch(place: SegmentPlace, position: number): void;
  /** A person closes the panel. */
  close(): void;
  /** Where a record is shown in full. */
  recordHref(place: SegmentPlace, offset: number): string;
}

export class Detail {
  readonly #host: DetailHost;
  readonly #title = element("h2");
  readonly #about = element("p");
  readonly #listed = element("p", { role: "status" });
  readonly #content = element("div");
  readonly root = element(
    "aside",
    { id: "detail", class: "detail", tabindex: -1, "aria-label": "Segment", hidden: true },
    element(
      "div",
      { class: "head" },
      this.#title,
      button("Close", () => this.#host.close(), { class: "close" }),
      this.#about,
      this.#listed,
    ),
    this.#content,
  );
  #place: SegmentPlace | undefined;
  #list: BatchList | undefined;
  #inside = element("div", { class: "inside" });
  #batch: number | undefined;
  #near: number | undefined;
  #returnTo: Element | null = null;

  constructor(host: DetailHost) {
    this.#host = host;
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      host.close();
    });
  }

  /** Shows a segment, and what is open in it. Does nothing about what is shown already. */
  async show(place: SegmentPlace, { batch, near }: Opened): Promise<void> {
    const isSame = this.#place !== undefined && keyOf(this.#place) === keyOf(place);
    const isNear = near === undefined || near === this.#near;
    if (isSame && batch === this.#batch && isNear) return;
    const isListed = isSame && (batch === undefined ? isNear : this.#list?.has(batch) === true);
    if (this.root.hidden) this.#returnTo = document.activeElement;
    this.#place = place;
    this.#batch = batch;
    // Back from a batch, the list is as it was.
    if (near !== undefined || !isSame) this.#near = near;
    this.root.hidden = false;
    if (!isListed) {
      this.#begin(place);
      const start = batch === undefined ? { near: near ?? 0 } : { at: batch };
      await this.#list?.load(start);
      if (this.#place !== place) return;
      this.root.focus({ preventScroll: true });
      if (matchMedia("(max-width: 1099px)").matches) this.root.scrollIntoView({ block: "start" });
    }
    this.#list?.mark(batch);
    if (batch === undefined) this.#inside.replaceChildren();
    else await this.#open(place, batch);
  }

  hide(): void {
    if (this.#place === undefined) return;
    this.#place = undefined;
    this.#batch = undefined;
    this.root.hidden = true;
    if (this.#returnTo instanceof HTMLElement) this.#returnTo.focus({ preventScroll: true });
  }

  #begin(place: SegmentPlace): void {
    const { topic, partition, segment } = place;
    this.#title.title = topic;
    setText(this.#title, `${shortText(topic)} ${partition}, segment ${formatCount(segment)}`);
    setText(this.#about, "");
    setText(this.#listed, "");
    this.#inside = element("div", { class: "inside" });
    this.#list = new BatchList({
      ask: (start) => askPartition<BatchRows>(topic, partition, "batches", { segment, ...start }),
      show: ({ file, bytes, indexEntries }) => {
        const entries = countOf(indexEntries, "index entry", "index entries");
        setText(this.#about, `${file} · ${formatBytes(bytes)} · ${entries}`);
      },
      say: (text) => setText(this.#listed, text),
      open: (position) => this.#host.openBatch(place, position),
    });
    this.#content.replaceChildren(this.#list.root, this.#inside);
  }

  async #open(place: SegmentPlace, position: number): Promise<void> {
    const { topic, partition, segment } = place;
    const inside = this.#inside;
    const view = new BatchView({
      ask: (from) => askPartition(topic, partition, "batch", { segment, position, from }),
      recordHref: (offset) => this.#host.recordHref(place, offset),
    });
    inside.replaceChildren(view.root);
    await view.load();
    if (this.#batch === position) inside.scrollIntoView({ block: "nearest" });
  }
}

function keyOf({ topic, partition, segment }: SegmentPlace): string {
  return `${topic} ${partition} ${segment}`;
}
