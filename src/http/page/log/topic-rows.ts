// The topics: a section each, at most a page of them until a person asks for more. Those that would make the page long stay
// closed until they are opened.
// Leaves to others: a section (topic-section.ts), a row (row.ts), the numbers (model.ts).
import { button, element, setText } from "../parts/dom.js";
import { emptyState } from "../parts/empty.js";
import { countOf } from "../parts/format.js";
import type { Model } from "../model.js";
import type { StepPlace } from "./player.js";
import { type Pin, Row } from "./row.js";
import { TicksPace } from "./row-ticks.js";
import { ROWS_SHOWN_MAX, TopicSection } from "./topic-section.js";
import type { Tick, TopicState } from "../wire.js";

/** A row has settled when it has not moved for this many frames. */
const CALM_FRAMES = 30;

/** Sections are opened until they have this many rows together. */
const OPENED_ROWS_MAX = 24;

/** A topic with more partitions than these opens with only a few of them, so that others are seen beside it. */
const WHOLE_ROWS_MAX = 8;
const FEW_ROWS = 4;

/** Topics that are listed at first, and that are added at a time. */
const LISTED_TOPICS = 100;

/** A person opens a segment near a position. */
type OpenSegment = (place: SegmentPlace, near: number) => void;

interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
}

export interface SegmentPlace extends PartitionPlace {
  readonly segment: number;
}

export class TopicRows {
  readonly #model: Model;
  readonly #ticksPace = new TicksPace();
  readonly #root: HTMLElement;
  readonly #open: OpenSegment;
  /** By topic. A topic has a section from when it is first listed until it is deleted. */
  readonly #sections = new Map<string, TopicSection>();
  #note: HTMLElement | undefined;
  #filter = "";
  #listedMax = LISTED_TOPICS;
  /** Topics that are listed although there are too many before them. */
  readonly #revealed = new Set<string>();
  readonly #more = button("", () => this.#listMore(), { class: "more" });
  /** Whether the visitor can create a topic. */
  /** What is said while there are no topics. */
  none: () => HTMLElement = () => emptyState("No topics to show.");
  #pointed: StepPlace | undefined;
  #opened: SegmentPlace | undefined;
  #pinned: (PartitionPlace & Pin) | undefined;
  readonly #onSeen = new WeakMap<Element, (isVisible: boolean) => void>();
  readonly #seen: IntersectionObserver;
  readonly #sized: ResizeObserver;

  constructor(model: Model, root: HTMLElement, open: OpenSegment) {
    this.#model = model;
    this.#root = root;
    this.#open = open;
    this.#seen = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries)
          this.#onSeen.get(target)?.(isIntersecting);
      },
      { rootMargin: "200px" },
    );
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
    for (const section of this.#sections.values()) {
      for (const row of section.rows()) row.resized();
    }
  }

  /** Shows the model after topics were created or deleted. */
  reset(): void {
    const topics = new Map(this.#model.topics.map((topic) => [topic.name, topic]));
    for (const [name, section] of this.#sections) {
      const topic = topics.get(name);
      if (topic?.id === section.topic.id) section.alter(topic);
      else {
        section.remove();
        this.#sections.delete(name);
      }
    }
    this.#list(true);
  }

  update(tick: Tick): void {
    for (const topic of new Set(tick.partitions.map(({ topic }) => topic))) this.#changed(topic);
  }

  /** Shows the model's current groups. */
  updateGroups(): void {
    for (const section of this.#sections.values()) {
      for (const row of section.rows()) row.changed();
    }
  }

  /** Lists only topics whose name contains this. */
  set filter(text: string) {
    const filter = text.toLowerCase();
    if (filter === this.#filter) return;
    this.#filter = filter;
    this.#listedMax = LISTED_TOPICS;
    this.#revealed.clear();
    this.#list(false);
  }

  /** Highlights a place on the drawing, or removes the highlight. */
  point(place: StepPlace | undefined): void {
    const before = this.#pointed;
    const isSame = before?.topic === place?.topic && before?.partition === place?.partition;
    this.#pointed = place;
    if (before !== undefined && !isSame) this.#row(before)?.show(undefined, []);
    if (place === undefined) return;
    const row = this.#reveal(place.topic)?.reveal(place.partition);
    row?.show(place.span, place.highlights);
    if (row !== undefined) this.#bringIntoView(row, () => this.#pointed === place);
  }

  /** Moves the highlights of what is pointed to; elsewhere it does nothing. */
  follow({ topic, partition, highlights }: StepPlace): void {
    const pointed = this.#pointed;
    if (pointed?.topic !== topic || pointed.partition !== partition) return;
    this.#row(pointed)?.highlight(highlights);
  }

  /** Opens the section of a topic, and scrolls to it or to one of its rows. */
  bring(topic: string, partition: number | undefined): void {
    const section = this.#reveal(topic);
    if (section === undefined) return;
    if (partition !== undefined) section.bring(partition);
    else {
      section.reveal(0);
      section.root.scrollIntoView({ block: "start" });
    }
  }

  /** Resolves when all segments of a partition are known. */
  async complete(topic: string, partition: number): Promise<void> {
    await this.#reveal(topic)?.reveal(partition)?.complete();
  }

  mark(place: SegmentPlace | undefined): void {
    const before = this.#opened;
    this.#opened = place;
    if (before !== undefined) this.#row(before)?.mark(undefined);
    if (place !== undefined) this.#row(place)?.mark(place.segment);
  }

  /** Shows where a record is, or removes what was shown. */
  pin(place: (PartitionPlace & Pin) | undefined): void {
    const before = this.#pinned;
    this.#pinned = place;
    if (before !== undefined) this.#row(before)?.pin(undefined);
    if (place !== undefined) this.#row(place)?.pin(place);
  }

  /** Scrolls to a row. Rows that become visible with it are created in later frames and push it away as they grow. */
  #bringIntoView(row: Row, isStillWanted: () => boolean): void {
    let calm = 0;
    const bring = (): void => {
      if (!isStillWanted()) return;
      const { top } = row.root.getBoundingClientRect();
      row.root.scrollIntoView({ block: "nearest" });
      calm = row.root.getBoundingClientRect().top === top ? calm + 1 : 0;
      if (calm < CALM_FRAMES) requestAnimationFrame(bring);
    };
    bring();
  }

  #changed(topic: string): void {
    const section = this.#sections.get(topic);
    if (section?.root.hidden === false) section.changed(this.#model.bytesOf(topic));
  }

  /** The section of a topic, which is listed from now on; undefined if the topic is not known. */
  #reveal(topic: string): TopicSection | undefined {
    if (this.#sections.get(topic)?.root.hidden !== false) {
      this.#revealed.add(topic);
      this.#list(false);
    }
    return this.#sections.get(topic);
  }

  /** The focus goes to the first topic that was added. */
  #listMore(): void {
    const added = this.#matching()[this.#listedMax];
    this.#listedMax += LISTED_TOPICS;
    this.#list(false);
    this.#sections
      .get(added?.name ?? "")
      ?.root.querySelector("summary")
      ?.focus();
  }

  #matching(): TopicState[] {
    return this.#model.topics.filter(({ name }) => name.toLowerCase().includes(this.#filter));
  }

  /** Creates sections of topics that are listed for the first time, and hides those that are not listed now. */
  #list(opens: boolean): void {
    const matching = this.#matching();
    const listed = new Set(matching.slice(0, this.#listedMax));
    for (const topic of this.#model.topics) if (this.#revealed.has(topic.name)) listed.add(topic);
    const isOnly = this.#model.topics.filter(({ internal }) => !internal).length === 1;
    let rowsLeft = OPENED_ROWS_MAX;
    for (const { rowsShown } of this.#sections.values()) rowsLeft -= rowsShown;
    const children: HTMLElement[] = [];
    for (const topic of this.#model.topics) {
      const isListed = listed.has(topic);
      let section = this.#sections.get(topic.name);
      if (section === undefined && isListed) {
        const rows = !opens || topic.internal ? 0 : isOnly ? ROWS_SHOWN_MAX : rowsOf(topic);
        section = new TopicSection(topic, rows <= rowsLeft ? rows : 0, this.#host);
        rowsLeft -= section.rowsShown;
        this.#sections.set(topic.name, section);
      }
      if (section === undefined) continue;
      section.root.hidden = !isListed;
      if (isListed) section.changed(this.#model.bytesOf(topic.name));
      children.push(section.root);
    }
    const left = matching.length - this.#listedMax;
    setText(
      this.#more,
      `Show ${Math.min(left, LISTED_TOPICS)} more of ${countOf(matching.length, "topic")}`,
    );
    if (left > 0) children.push(this.#more);
    else this.#more.remove();
    this.#note?.remove();
    this.#note = this.#noteNow();
    if (this.#note !== undefined) children.push(this.#note);
    // Don't move a section that is already in place: that would take the focus away from it.
    let at = this.#root.firstElementChild;
    for (const child of children) {
      if (at === child) at = at.nextElementSibling;
      else this.#root.insertBefore(child, at);
    }
  }

  readonly #host = {
    observe: (place: HTMLElement, onSeen: (isVisible: boolean) => void): void => {
      this.#onSeen.set(place, onSeen);
      this.#seen.observe(place);
    },
    unobserve: (place: HTMLElement): void => this.#seen.unobserve(place),
    makeRow: (topic: string, partition: number): Row => this.#makeRow(topic, partition),
  };

  #makeRow(topic: string, partition: number): Row {
    const row = new Row({
      topic,
      partition,
      ticksPace: this.#ticksPace,
      shape: () => this.#model.shape(topic, partition),
      groups: () => this.#model.groups(topic, partition),
      longest: () => this.#model.longest(topic),
      open: (segment, near) => this.#open({ topic, partition, segment }, near),
    });
    const isHere = (place: PartitionPlace | undefined): boolean =>
      place?.topic === topic && place.partition === partition;
    if (isHere(this.#pointed)) row.show(this.#pointed?.span, this.#pointed?.highlights ?? []);
    if (isHere(this.#opened)) row.mark(this.#opened?.segment);
    if (isHere(this.#pinned)) row.pin(this.#pinned);
    return row;
  }

  /** The row of a partition, if it is there. */
  #row({ topic, partition }: PartitionPlace): Row | undefined {
    return this.#sections.get(topic)?.row(partition);
  }

  #noteNow(): HTMLElement | undefined {
    const { topics, overview } = this.#model;
    const hidden = (overview?.topicCount ?? 0) - topics.length;
    if (hidden > 0) {
      return element("p", { class: "empty" }, `and ${countOf(hidden, "more topic")}, not shown`);
    }
    if (topics.length > 0) return undefined;
    return this.none();
  }
}

/** Rows with which the section of a topic opens by itself. */
function rowsOf({ partitions }: TopicState): number {
  return partitions <= WHOLE_ROWS_MAX ? partitions : FEW_ROWS;
}
