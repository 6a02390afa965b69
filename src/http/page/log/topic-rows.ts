// The topics: a section each, with a row per partition that is created when it comes into view.
// Leaves to others: a row (row.ts), the numbers (model.ts).
import { element, setText } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { hrefOf } from "../router.js";
import { countOf, formatBytes } from "../parts/format.js";
import type { Model } from "../model.js";
import type { StepPlace } from "./player.js";
import { Row } from "./row.js";
import type { Tick, TopicState } from "../wire.js";

/** A row has settled when it has not moved for this many frames. */
const CALM_FRAMES = 30;

type OpenSegment = (topic: string, partition: number, segment: number, position: number) => void;

interface Section {
  readonly topic: TopicState;
  readonly root: HTMLDetailsElement;
  readonly sum: HTMLElement;
  readonly places: readonly HTMLElement[];
}

export class TopicRows {
  readonly #model: Model;
  readonly #root: HTMLElement;
  readonly #open: OpenSegment;
  readonly #rows = new Map<string, Row>();
  #sections: Section[] = [];
  #noted: HTMLElement | undefined;
  /** Whether the visitor can create a topic. */
  mayProduce = true;
  #pointed: Row | undefined;
  #opened: Row | undefined;
  readonly #seen: IntersectionObserver;
  readonly #sized: ResizeObserver;

  constructor(model: Model, root: HTMLElement, open: OpenSegment) {
    this.#model = model;
    this.#root = root;
    this.#open = open;
    this.#seen = new IntersectionObserver((entries) => this.#scrolled(entries), {
      rootMargin: "200px",
    });
    let width = 0;
    this.#sized = new ResizeObserver(() => {
      if (width === root.clientWidth) return;
      width = root.clientWidth;
      this.repaint();
    });
    this.#sized.observe(root);
  }

  /** Redraws all rows in the current colours. */
  repaint(): void {
    for (const row of this.#rows.values()) row.resized();
  }

  /** Shows the model after topics were created or deleted. */
  reset(): void {
    this.#build();
    for (const row of this.#rows.values()) row.changed();
    this.#sum();
  }

  update(tick: Tick): void {
    const topics = new Set(tick.partitions.map(({ topic }) => topic));
    // All rows of a topic share one scale, so growth of one may change the others.
    for (const { topic } of this.#sections) {
      if (!topics.has(topic.name)) continue;
      for (let i = 0; i < topic.partitions; i++) this.#rows.get(keyOf(topic.id, i))?.changed();
    }
    if (topics.size > 0) this.#sum();
  }

  /** Shows the model's current groups. */
  updateGroups(): void {
    for (const row of this.#rows.values()) row.changed();
  }

  /** Highlights a place on the drawing, or removes the highlight. */
  point(place: StepPlace | undefined): void {
    const row = place === undefined ? undefined : this.#row(place.topic, place.partition);
    if (this.#pointed !== row) this.#pointed?.show(undefined, []);
    this.#pointed = row;
    if (row === undefined || place === undefined) return;
    this.#reveal(place.topic);
    row.show(place.span, place.highlights);
    this.#bringIntoView(row);
  }

  /** Opens the section of a topic, and scrolls to one of its rows. */
  bring(topic: string, partition: number): void {
    const row = this.#row(topic, partition);
    this.#reveal(topic);
    row?.root.scrollIntoView({ block: "center" });
  }

  /** Scrolls to a row. Rows that become visible with it are created in later frames and push it away as they grow. */
  #bringIntoView(row: Row): void {
    let calm = 0;
    const bring = (): void => {
      if (this.#pointed !== row) return;
      const { top } = row.root.getBoundingClientRect();
      row.root.scrollIntoView({ block: "nearest" });
      calm = row.root.getBoundingClientRect().top === top ? calm + 1 : 0;
      if (calm < CALM_FRAMES) requestAnimationFrame(bring);
    };
    bring();
  }

  /** Resolves when all segments of a partition are known. */
  async complete(topic: string, partition: number): Promise<void> {
    await this.#row(topic, partition)?.complete();
  }

  mark(topic: string, partition: number, segment: number | undefined): void {
    this.#opened?.mark(undefined);
    this.#opened = segment === undefined ? undefined : this.#row(topic, partition);
    this.#opened?.mark(segment);
  }

  /** Creates sections of new topics and removes those of deleted ones; the others stay as they are. */
  #build(): void {
    const before = new Map(this.#sections.map((section) => [section.topic.id, section]));
    const many = this.#model.topics.length > 20;
    const sections = this.#model.topics.map((topic) => {
      const known = before.get(topic.id);
      if (known !== undefined) before.delete(topic.id);
      return known ?? this.#section(topic, !topic.internal && !(many && topic.partitions > 1));
    });
    this.#sections = sections;
    for (const section of before.values()) this.#remove(section);
    const note = this.#note();
    this.#noted?.remove();
    this.#noted = note;
    const children = [...sections.map(({ root }) => root), ...(note === undefined ? [] : [note])];
    // Don't move a section that is already in place: that would take the focus away from it.
    for (const [i, child] of children.entries()) {
      if (this.#root.children[i] !== child) {
        this.#root.insertBefore(child, this.#root.children[i] ?? null);
      }
    }
  }

  #remove({ topic, root, places }: Section): void {
    root.remove();
    for (const [i, place] of places.entries()) {
      this.#seen.unobserve(place);
      const row = this.#rows.get(keyOf(topic.id, i));
      this.#rows.delete(keyOf(topic.id, i));
      if (row !== undefined && this.#pointed === row) this.#pointed = undefined;
      if (row !== undefined && this.#opened === row) this.#opened = undefined;
    }
  }

  /** What to say below the topics. */
  #note(): HTMLElement | undefined {
    const { topics, overview } = this.#model;
    const hidden = (overview?.topicCount ?? 0) - topics.length;
    if (hidden > 0)
      return element("p", { class: "empty" }, `and ${countOf(hidden, "more topic")}, not shown`);
    if (topics.length > 0) return undefined;
    return this.mayProduce
      ? emptyState(
          "No topics yet. A record creates one.",
          link("Produce a record", hrefOf("produce")),
        )
      : emptyState("No topics to show.");
  }

  #section(topic: TopicState, isOpen: boolean): Section {
    const sum = element("span", { class: "sum" });
    const places = Array.from({ length: topic.partitions }, (_, i) =>
      element("div", { class: "place", "data-topic": topic.name, "data-partition": i }),
    );
    for (const { partition, reason } of topic.offline) {
      const text = `partition ${partition} is offline: ${reason}`;
      places[partition]?.append(element("p", { class: "failure" }, text));
    }
    const root = element(
      "details",
      { class: "topic", open: isOpen },
      element("summary", {}, element("h2", {}, topic.name), sum),
      ...places,
    );
    for (const place of places) this.#seen.observe(place);
    return { topic, root, sum, places };
  }

  #sum(): void {
    for (const { topic, sum } of this.#sections) {
      const bytes = this.#model.bytesOf(topic.name);
      const kind = topic.internal ? "internal, " : "";
      setText(sum, `${kind}${countOf(topic.partitions, "partition")}, ${formatBytes(bytes)}`);
    }
  }

  #scrolled(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!(target instanceof HTMLElement)) continue;
      const { topic = "", partition } = target.dataset;
      const index = Number(partition);
      const row = this.#row(topic, index, isIntersecting);
      row?.setVisible(isIntersecting);
    }
  }

  #reveal(topic: string): void {
    const section = this.#sections.find((each) => each.topic.name === topic);
    if (section !== undefined) section.root.open = true;
  }

  /** The row of a partition, created if missing and `mayMake`; undefined if there is no such partition. */
  #row(topic: string, partition: number, mayMake = true): Row | undefined {
    const section = this.#sections.find((each) => each.topic.name === topic);
    const place = section?.places[partition];
    if (section === undefined || place === undefined) return undefined;
    const key = keyOf(section.topic.id, partition);
    const known = this.#rows.get(key);
    const isOffline = section.topic.offline.some((each) => each.partition === partition);
    if (known !== undefined || !mayMake || isOffline) return known;
    const row = new Row({
      topic,
      partition,
      shape: () => this.#model.shape(topic, partition),
      groups: () => this.#model.groups(topic, partition),
      longest: () => this.#model.longest(topic),
      open: (segment, position) => this.#open(topic, partition, segment, position),
    });
    this.#rows.set(key, row);
    place.replaceChildren(row.root);
    return row;
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId} ${partition}`;
}
