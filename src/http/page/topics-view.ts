// The topics: a section each, a row for each partition, made when it comes into view.
// Leaves to others: a row (row.ts), the numbers (model.ts).
import { element, setText } from "./dom.ts";
import { countOf, formatBytes } from "./format.ts";
import type { Model } from "./model.ts";
import type { StepPlace } from "./player.ts";
import { Row } from "./row.ts";
import type { Tick, TopicState } from "./wire.ts";

/** A row has come to rest when it has stood still for so many frames. */
const CALM_FRAMES = 30;

/** Opens a segment at a byte of it. */
export type OpenSegment = (
  topic: string,
  partition: number,
  segment: number,
  position: number,
) => void;

interface Section {
  readonly topic: TopicState;
  readonly root: HTMLDetailsElement;
  readonly sum: HTMLElement;
  readonly places: readonly HTMLElement[];
}

/** All topics. */
export class TopicsView {
  readonly #model: Model;
  readonly #root: HTMLElement;
  readonly #open: OpenSegment;
  readonly #rows = new Map<string, Row>();
  #sections: Section[] = [];
  #names = "";
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

  /** Draws all rows anew, in other colours. */
  repaint(): void {
    for (const row of this.#rows.values()) row.resized();
  }

  /** Shows what the model knows, after everything was told anew. */
  reset(): void {
    const names = this.#model.topics.map((topic) => `${topic.name} ${topic.partitions}`).join();
    if (names !== this.#names || this.#sections.length === 0) this.#build(names);
    for (const row of this.#rows.values()) row.changed();
    this.#sum();
  }

  /** Shows what changed. */
  update(tick: Tick): void {
    const topics = new Set(tick.partitions.map(({ topic }) => topic));
    const areGroupsNew = tick.groups !== undefined;
    // All rows of a topic have one scale: what one grows by may move the others.
    for (const { topic } of this.#sections) {
      if (!areGroupsNew && !topics.has(topic.name)) continue;
      for (let i = 0; i < topic.partitions; i++) this.#rows.get(keyOf(topic.name, i))?.changed();
    }
    if (topics.size > 0) this.#sum();
  }

  /** Shows a place on the drawing, or all as it was. */
  point(place: StepPlace | undefined): void {
    const row = place === undefined ? undefined : this.#row(place.topic, place.partition);
    if (this.#pointed !== row) this.#pointed?.show(undefined, []);
    this.#pointed = row;
    if (row === undefined || place === undefined) return;
    this.#reveal(place.topic);
    row.show(place.span, place.highlights);
    this.#bringIntoView(row);
  }

  /** Scrolls to a row. Rows that come onto the screen with it are made in later frames, and push it away by what they grow. */
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

  /** Marks the segment that is open. */
  mark(topic: string, partition: number, segment: number | undefined): void {
    this.#opened?.mark(undefined);
    this.#opened = segment === undefined ? undefined : this.#row(topic, partition);
    this.#opened?.mark(segment);
  }

  #build(names: string): void {
    const closed = new Set(
      this.#sections.filter(({ root }) => !root.open).map(({ topic }) => topic.name),
    );
    this.#names = names;
    this.#seen.disconnect();
    this.#rows.clear();
    this.#pointed = undefined;
    this.#opened = undefined;
    const many = this.#model.topics.length > 20;
    this.#sections = this.#model.topics.map((topic) => {
      const isOpen = !closed.has(topic.name) && !topic.internal && !(many && topic.partitions > 1);
      return this.#section(topic, isOpen);
    });
    const none = element(
      "p",
      { class: "empty" },
      "There is no topic yet: produce a record, and there is one.",
    );
    this.#root.replaceChildren(
      ...(this.#sections.length === 0 ? [none] : this.#sections.map(({ root }) => root)),
    );
    for (const { places } of this.#sections) for (const place of places) this.#seen.observe(place);
  }

  #section(topic: TopicState, isOpen: boolean): Section {
    const sum = element("span", { class: "sum" });
    const places = Array.from({ length: topic.partitions }, (_, i) =>
      element("div", { class: "place", "data-topic": topic.name, "data-partition": i }),
    );
    const root = element(
      "details",
      { class: "topic", open: isOpen },
      element("summary", {}, element("h2", {}, topic.name), sum),
      ...places,
    );
    return { topic, root, sum, places };
  }

  #sum(): void {
    for (const { topic, sum } of this.#sections) {
      let bytes = 0;
      for (let i = 0; i < topic.partitions; i++) {
        const state = this.#model.shape(topic.name, i)?.state;
        if (state !== undefined) bytes += state.sealedBytes + state.activeBytes;
      }
      const kind = topic.internal ? "the broker’s own, " : "";
      setText(sum, `${kind}${countOf(topic.partitions, "partition")}, ${formatBytes(bytes)}`);
    }
  }

  #scrolled(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!(target instanceof HTMLElement)) continue;
      const { topic = "", partition } = target.dataset;
      const index = Number(partition);
      const row = isIntersecting ? this.#row(topic, index) : this.#rows.get(keyOf(topic, index));
      row?.setVisible(isIntersecting);
    }
  }

  #reveal(topic: string): void {
    const section = this.#sections.find((each) => each.topic.name === topic);
    if (section !== undefined) section.root.open = true;
  }

  /** The row of a partition, made if there is none yet; undefined for no partition. */
  #row(topic: string, partition: number): Row | undefined {
    const known = this.#rows.get(keyOf(topic, partition));
    const section = this.#sections.find((each) => each.topic.name === topic);
    const place = section?.places[partition];
    if (known !== undefined || section === undefined || place === undefined) return known;
    const row = new Row({
      topic,
      partition,
      shape: () => this.#model.shape(topic, partition),
      groups: () => this.#model.groups(topic, partition),
      longest: () => this.#model.longest(section.topic),
      open: (segment, position) => this.#open(topic, partition, segment, position),
    });
    this.#rows.set(keyOf(topic, partition), row);
    place.replaceChildren(row.root);
    return row;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}
