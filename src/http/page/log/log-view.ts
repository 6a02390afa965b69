// The log view: a drawing of every partition, the batches and bytes of a segment beside it, and steps played on it.
// Leaves to others: the rows (topic-rows.ts, row.ts), the panel (detail.ts), playing (player-view.ts), what the steps say
// (lookup-steps.ts, ../produce/produce-steps.ts).
import type { LookupExplanation } from "../../../inspection/lookup-explanation.js";
import { element } from "../parts/dom.js";
import { missingPartition, missingTopic, noTopics } from "../missing.js";
import { emptyState, link } from "../parts/empty.js";
import { filterInput } from "../parts/fields.js";
import { countOf, formatCount } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import { hrefOf, type Route } from "../router.js";
import { recordPlace } from "./pin.js";
import { hrefOfPlace, type LogPlace, placeOf } from "./place.js";
import type { PageContext, View } from "../view.js";
import type { Tick, TopicState } from "../wire.js";
import { Detail } from "./detail.js";
import { legend } from "./legend.js";
import type { LogShape } from "./log-shape.js";
import { LookupForm, type LookupOrder } from "./lookup-form.js";
import { lookupStory } from "./lookup-steps.js";
import type { Story } from "./player.js";
import { PlayerView } from "./player-view.js";
import { parseTarget } from "./target.js";
import { Invitation } from "../tour/invitation.js";
import { choosePlace, readTour, topicsOf } from "../tour/tour.js";
import { emptyTour, tourStory } from "../tour/tour-steps.js";
import { TopicRows } from "./topic-rows.js";
import { askPartition } from "./log-api.js";

const NOWHERE = placeOf({ view: "log", path: [], query: new URLSearchParams() });

/** With fewer topics there is nothing to filter. */
const FILTERED_TOPICS_MIN = 20;

/** How long to wait for an event about a new record, in milliseconds. */
const NEWS_MS_MAX = 3000;

export class LogView implements View {
  readonly root = element("div", { class: "log-view" });
  readonly #context: PageContext;
  readonly #form: LookupForm;
  readonly #rows: TopicRows;
  readonly #detail: Detail;
  readonly #player: PlayerView;
  readonly #invitation = new Invitation();
  readonly #filter = filterInput("Filter topics", (filter) => this.#filterBy(filter));
  /** What is shown of what an address can name. */
  #place: LogPlace = NOWHERE;
  /** Id of the topic of the place when its row was shown: "" if there was none, undefined if that was not known. */
  #shownId: string | undefined;
  readonly #missing = element("div");
  #onNews: (() => void) | undefined;
  /** Ids of the topics that the tour points to. */
  #toured: readonly (string | undefined)[] = [];

  constructor(context: PageContext) {
    this.#context = context;
    const { model, session } = context;
    const topics = element("div", { id: "topics", role: "region", "aria-label": "Topics" });
    this.#rows = new TopicRows(model, topics, (place, near) =>
      this.#go({ ...place, near, batch: undefined }),
    );
    this.#rows.none = () => noTopics(session);
    this.#detail = new Detail({
      openBatch: (place, batch) => this.#go({ ...place, near: undefined, batch }),
      close: () => this.#go({ segment: undefined, near: undefined, batch: undefined }),
      recordHref: ({ topic, partition }, from) => hrefOf("records", [topic], { partition, from }),
    });
    this.#player = new PlayerView({
      point: (place) => this.#rows.point(place),
      follow: (place) => this.#rows.follow(place),
      open: ({ topic, partition, segment, position }) =>
        this.#go({ topic, partition, segment, near: undefined, batch: position }),
      close: () => this.#go({ lookup: undefined }),
      stepped: (number) => {
        if (!context.router.current.query.has("tour")) return;
        context.router.note(hrefOf("log", [], { tour: number + 1 }));
      },
    });
    this.#form = new LookupForm((order) => this.#lookUp(order));
    this.#form.root.hidden = !session.mayRead;
    this.root.append(
      this.#form.root,
      this.#invitation.root,
      legend(),
      this.#missing,
      this.#filter,
      element("div", { class: "body" }, topics, this.#detail.root),
    );
  }

  show(route: Route): string {
    const before = this.#place;
    const place = placeOf(route);
    this.#place = place;
    const { topic, partition } = place;
    const stop = route.query.get("tour");
    if (stop !== null) void this.#tour(Number(stop) - 1);
    this.#showSegment(place);
    this.#filter.value = place.filter ?? "";
    this.#rows.filter = place.filter ?? "";
    const isSameRow = before.topic === topic && before.partition === partition;
    if (!isSameRow || before.offset !== place.offset) void this.#showRow(place);
    const isOtherLookup = !isSameRow || before.lookup !== place.lookup;
    // Steps of a produced record are not in the address.
    if (isOtherLookup && (before.lookup ?? place.lookup) !== undefined)
      void this.#showLookup(place);
    if (topic === undefined) return "Log";
    this.#form.fill(topic, partition, place.lookup);
    const name = shortText(topic);
    return `${partition === undefined ? name : `${name} ${partition}`} – Log`;
  }

  hide(): void {
    this.#player.hide();
    this.#detail.hide();
    this.#rows.mark(undefined);
    this.#rows.pin(undefined);
    this.#missing.replaceChildren();
    this.#place = NOWHERE;
  }

  overview(): void {
    const { topics } = this.#context.model;
    this.#offerTopic();
    this.#filter.hidden = topics.length < FILTERED_TOPICS_MIN;
    this.#rows.reset();
    const { query } = this.#context.router.current;
    const ids = new Set(topics.map(({ id }) => id));
    // A topic of the tour was deleted: the same stop, on other logs.
    if (query.has("tour") && this.#toured.some((id) => id !== undefined && !ids.has(id)))
      void this.#tour(Number(query.get("tour")) - 1);
    const { topic } = this.#place;
    // It was deleted, or there is one now.
    if (topic !== undefined && this.#idOf(topic) !== this.#shownId) void this.#showRow(this.#place);
    this.#onNews?.();
  }

  tick(tick: Tick): void {
    this.#offerTopic();
    this.#rows.update(tick);
    if (tick.groups !== undefined) this.#rows.updateGroups();
    this.#invite();
    if (this.#context.router.current.query.has("tour")) this.#player.follow();
    this.#onNews?.();
  }

  repaint(): void {
    this.#rows.repaint();
  }

  #offerTopic(): void {
    const { model } = this.#context;
    this.#form.offer(model.topics, (topic) => model.recordsOf(topic) > 0);
  }

  /** The tour needs records to tell about. */
  #invite(): void {
    const { model } = this.#context;
    const hasRecords = ({ name, internal }: TopicState): boolean =>
      !internal && model.recordsOf(name) > 0;
    if (model.topics.some(hasRecords)) this.#invitation.offer();
  }

  /** Puts the focus into the form of lookups, for this topic. */
  askForLookup(topic: string | undefined, partition: string | undefined): void {
    this.#form.ask(topic, partition);
  }

  /** Plays steps about a partition that `isThere` accepts. */
  async play(
    topic: string,
    partition: number,
    isThere: (shape: LogShape) => boolean,
    storyOf: (shape: LogShape) => Story,
  ): Promise<void> {
    const shape = await this.#shape(topic, partition, isThere);
    this.#player.play(storyOf(shape));
  }

  /** Starts the guided tour, once the topics are known. */
  async #tour(stop: number): Promise<void> {
    const { model, session, router } = this.#context;
    const deadlineMs = performance.now() + NEWS_MS_MAX;
    // A page that was just opened hears of its partitions and groups one after another.
    const isKnown = (): boolean =>
      model.overview?.topicCount === 0 ||
      (model.groupsState !== undefined && choosePlace(model) !== undefined);
    while (!isKnown() && performance.now() < deadlineMs) await this.#news();
    const shapeOf = (topic: string, partition: number): Promise<LogShape> =>
      this.#shape(topic, partition, () => true);
    let read: Awaited<ReturnType<typeof readTour>>;
    try {
      read = await readTour(model, session, shapeOf);
    } catch (error) {
      this.#context.notices.fail(error);
      return;
    }
    // The person may have gone elsewhere meanwhile.
    if (!router.current.query.has("tour")) return;
    const names = read === undefined ? [] : topicsOf(read());
    this.#toured = names.map((name) => model.topics.find((topic) => topic.name === name)?.id);
    if (read !== undefined) this.#invitation.answer();
    const story = read === undefined ? emptyTour(session.mayProduce) : tourStory(read);
    this.#player.play(story, stop);
  }

  /** Lists fewer topics. Each character is not a step that back leads to. */
  #filterBy(text: string): void {
    const filter = text === "" ? undefined : text;
    this.#context.router.replace(hrefOfPlace({ ...this.#place, filter }));
  }

  /** Leads to another place, with what stays of this one; back leads here again. */
  #go(change: Partial<LogPlace>): void {
    const { topic, partition } = this.#place;
    const isOther =
      (change.topic ?? topic) !== topic || (change.partition ?? partition) !== partition;
    const stays = isOther ? { topic, partition, filter: this.#place.filter } : this.#place;
    const href = hrefOfPlace({ ...stays, ...change });
    if (href !== location.hash) this.#context.router.go(href);
  }

  /** Opens the segment and the batch of a place, or closes what is open. */
  #showSegment({ topic, partition, segment, near, batch }: LogPlace): void {
    if (topic === undefined || partition === undefined || segment === undefined) {
      this.#detail.hide();
      this.#rows.mark(undefined);
      return;
    }
    this.#rows.mark({ topic, partition, segment });
    void this.#detail.show({ topic, partition, segment }, { batch, near });
  }

  /** Brings the partition of a place into view, and shows where its record is. */
  async #showRow(place: LogPlace): Promise<void> {
    const { topic, offset } = place;
    this.#rows.pin(undefined);
    this.#missing.replaceChildren();
    // Until the first events, nothing is known to be missing.
    const isKnown = this.#context.model.overview !== undefined;
    this.#shownId = topic === undefined || !isKnown ? undefined : this.#idOf(topic);
    if (topic === undefined || !isKnown) return;
    const partition = place.partition ?? 0;
    const missing = this.#missingOf(place);
    if (missing !== undefined) {
      this.#missing.replaceChildren(missing);
      this.#detail.hide();
      return;
    }
    // No event tells of an offline partition; its place says why it is offline.
    if (this.#isOffline(topic, partition)) {
      // A view that is shown anew is scrolled to its top first.
      await Promise.resolve();
      if (place === this.#place) this.#rows.bring(topic, place.partition);
      return;
    }
    const shape = await this.#shape(topic, partition, () => true).catch((error: unknown) => {
      if (place === this.#place) this.#context.notices.fail(error);
    });
    if (place !== this.#place || shape === undefined) return;
    // A person who has clicked on the row looks at it already.
    if (place.lookup === undefined && place.segment === undefined)
      this.#rows.bring(topic, place.partition);
    if (offset === undefined) return;
    try {
      const explanation = await askPartition<LookupExplanation>(topic, partition, "lookup", {
        offset,
      });
      if (place.offset !== this.#place.offset) return;
      const { words, highlights, batch } = recordPlace(explanation, shape);
      const here = { topic, partition, offset };
      const nearest = nearestTo(offset, shape);
      const content = [
        ...words.map((text) => element("span", {}, text)),
        ...(nearest === undefined
          ? []
          : [
              element(
                "a",
                { href: hrefOfPlace({ ...here, offset: nearest }) },
                `the nearest record, offset ${formatCount(nearest)}`,
              ),
            ]),
        element("a", { href: hrefOfPlace({ ...here, lookup: String(offset) }) }, "play the lookup"),
        ...(batch === undefined
          ? []
          : [
              element(
                "a",
                { href: hrefOfPlace({ ...here, segment: batch.segment, batch: batch.position }) },
                "open the batch",
              ),
              element(
                "a",
                { href: hrefOf("records", [topic], { partition, from: offset }) },
                "the record in full",
              ),
            ]),
      ];
      this.#rows.pin({ topic, partition, highlights, content });
    } catch (error) {
      this.#context.notices.fail(error);
    }
  }

  #idOf(topic: string): string {
    return this.#context.model.topics.find(({ name }) => name === topic)?.id ?? "";
  }

  #isOffline(topic: string, partition: number): boolean {
    const known = this.#context.model.topics.find(({ name }) => name === topic);
    return known?.offline.some((each) => each.partition === partition) === true;
  }

  /** What to say if the topic of a place, or its partition, does not exist. */
  #missingOf({ topic = "", partition }: LogPlace): HTMLElement | undefined {
    const { topics, overview } = this.#context.model;
    const known = topics.find(({ name }) => name === topic);
    const all = hrefOf("log", [topic]);
    if (known !== undefined) {
      // The address may have something that is no number.
      const wanted = partition ?? this.#context.router.current.path[1] ?? 0;
      if (typeof wanted === "number" && wanted < known.partitions) return undefined;
      const next = link(`All partitions of ${shortText(topic)}`, all);
      return missingPartition(topic, wanted, known.partitions, next);
    }
    if (topics.length >= (overview?.topicCount ?? 0))
      return missingTopic(this.#context, topic, "log");
    return emptyState(
      `Only the first ${countOf(topics.length, "topic")} are drawn here, without “${topic}”.`,
      link("Look for it in Topics", hrefOf("topics", [topic])),
    );
  }

  /** Plays the lookup of a place, or ends the one that is played. */
  async #showLookup({ topic, partition, lookup }: LogPlace): Promise<void> {
    if (topic === undefined || lookup === undefined) {
      this.#player.hide();
      return;
    }
    if (this.#missing.childElementCount > 0) return;
    try {
      const target = parseTarget(lookup);
      await this.#play({ topic, partition: partition ?? 0, text: lookup, target });
    } catch (error) {
      this.#context.notices.fail(error);
    }
  }

  /** Plays a lookup that a person has asked for, and notes it in the address. */
  async #lookUp(order: LookupOrder): Promise<void> {
    const { topic, partition, text } = order;
    await this.#play(order);
    const { topic: topicNow, partition: partitionNow } = this.#place;
    const isSameRow = topicNow === topic && partitionNow === partition;
    const stays = isSameRow ? this.#place : NOWHERE;
    // It is played already, so the new address changes nothing.
    this.#place = { ...stays, topic, partition, lookup: text };
    this.#go({});
  }

  async #play({ topic, partition, target }: LookupOrder): Promise<void> {
    const explanation = await askPartition<LookupExplanation>(topic, partition, "lookup", {
      ...target,
    });
    const story = (shape: LogShape): Story => lookupStory(explanation, shape);
    await this.play(topic, partition, () => true, story);
  }

  /** The shape of a partition, once it and its segments are known. */
  async #shape(
    topic: string,
    partition: number,
    isThere: (shape: LogShape) => boolean,
  ): Promise<LogShape> {
    const deadlineMs = performance.now() + NEWS_MS_MAX;
    for (;;) {
      const shape = this.#context.model.shape(topic, partition);
      if (shape !== undefined && isThere(shape)) {
        await this.#rows.complete(topic, partition);
        return shape;
      }
      if (performance.now() > deadlineMs) {
        throw new Error(
          `no news of ${topic} ${partition} from the broker for ${countOf(NEWS_MS_MAX / 1000, "second")}`,
        );
      }
      await this.#news();
    }
  }

  /** Waits for the next event, but not for ever. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, NEWS_MS_MAX);
      this.#onNews = () => {
        clearTimeout(timer);
        this.#onNews = undefined;
        resolve();
      };
    });
  }
}

/** The record nearest to an offset that is outside the log; undefined for one within, or if there are no records. */
function nearestTo(offset: number, { state }: LogShape): number | undefined {
  const { logStart, highWatermark } = state;
  if (highWatermark === logStart) return undefined;
  if (offset < logStart) return logStart;
  return offset >= highWatermark ? highWatermark - 1 : undefined;
}
