// The log view: a drawing of every partition, the batches and bytes of a segment beside it, and steps played on it.
// Leaves to others: the rows (topic-rows.ts, row.ts), the panel (detail.ts), playing (player-view.ts), what the steps say
// (lookup-steps.ts, ../produce/produce-steps.ts).
import type { LookupExplanation } from "../../../inspection/lookup-explanation.js";
import { ask } from "../api.js";
import { element } from "../parts/dom.js";
import { countOf } from "../parts/format.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import type { Tick } from "../wire.js";
import { Detail } from "./detail.js";
import { Legend } from "./legend.js";
import type { LogShape } from "./log-shape.js";
import { LookupForm, type LookupOrder } from "./lookup-form.js";
import { lookupStory } from "./lookup-steps.js";
import type { Story } from "./player.js";
import { PlayerView } from "./player-view.js";
import { parseTarget } from "./target.js";
import { askSample, choosePlace } from "../tour/tour.js";
import { emptyTour, tourStory } from "../tour/tour-steps.js";
import { TopicRows } from "./topic-rows.js";

/** How long to wait for an event about a new record, in milliseconds. */
const NEWS_MS_MAX = 3000;

export class LogView implements View {
  readonly root = element("div", { class: "log-view" });
  readonly #context: PageContext;
  readonly #form: LookupForm;
  readonly #legend = new Legend();
  readonly #rows: TopicRows;
  readonly #detail: Detail;
  readonly #player: PlayerView;
  #onNews: (() => void) | undefined;

  constructor(context: PageContext) {
    this.#context = context;
    const { model, session } = context;
    const topics = element("div", { id: "topics", role: "region", "aria-label": "Topics" });
    this.#rows = new TopicRows(
      model,
      topics,
      (topic, partition, segment, near) =>
        void this.#detail.open({ topic, partition, segment }, { near }),
    );
    this.#rows.mayProduce = session.mayProduce;
    this.#detail = new Detail((place) =>
      this.#rows.mark(place?.topic ?? "", place?.partition ?? 0, place?.segment),
    );
    this.#player = new PlayerView({
      point: (place) => this.#rows.point(place),
      open: ({ topic, partition, segment, position }) =>
        void this.#detail.open({ topic, partition, segment }, { at: position }, position),
      stepped: (number) => {
        if (!context.router.current.query.has("tour")) return;
        context.router.note(hrefOf("log", [], { tour: number + 1 }));
      },
    });
    this.#form = new LookupForm((order) => this.#lookUp(order));
    this.#form.root.hidden = !session.mayRead;
    this.root.append(
      this.#form.root,
      this.#legend.root,
      element("div", { class: "body" }, topics, this.#detail.root),
    );
  }

  show({ path: [topic, partition], query }: Route): string {
    const stop = query.get("tour");
    if (stop !== null) void this.#tour(Number(stop) - 1);
    if (topic === undefined) return "Log";
    const index = Number(partition ?? 0);
    const target = query.get("lookup");
    if (target === null) void this.#bring(topic, index);
    else void this.#playLinked(topic, index, target);
    return partition === undefined ? topic : `${topic} ${partition}`;
  }

  hide(): void {
    this.#player.close();
  }

  overview(): void {
    const { topics } = this.#context.model;
    this.#form.offer(topics);
    this.#rows.reset();
    this.#onNews?.();
  }

  tick(tick: Tick): void {
    this.#rows.update(tick);
    if (tick.groups !== undefined) this.#rows.updateGroups();
    this.#legend.isCompacting = this.#context.model.isCompacting;
    this.#onNews?.();
  }

  repaint(): void {
    this.#rows.repaint();
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
    const { model, session } = this.#context;
    const deadlineMs = performance.now() + NEWS_MS_MAX;
    // A page that was just opened hears of its partitions and groups one after another.
    const isKnown = (): boolean =>
      model.overview?.topicCount === 0 ||
      (model.groupsState !== undefined && choosePlace(model) !== undefined);
    while (!isKnown() && performance.now() < deadlineMs) await this.#news();
    const place = choosePlace(model);
    if (place === undefined) {
      this.#player.play(emptyTour(session.mayProduce), 0);
      return;
    }
    const { topic, partition } = place;
    const shape = await this.#shape(topic.name, partition, () => true);
    const sample = await askSample(place, shape.baseOf(0), session);
    const flush = model.overview?.flush ?? "";
    this.#player.play(tourStory({ ...place, shape, flush, sample }), stop);
  }

  /** Plays a lookup that a person has asked for, and notes it in the address. */
  async #lookUp(order: LookupOrder): Promise<void> {
    const { topic, partition, text } = order;
    await this.#play(order);
    this.#context.router.note(hrefOf("log", [topic, partition], { lookup: text }));
  }

  /** Plays the lookup of an address. */
  async #playLinked(topic: string, partition: number, text: string): Promise<void> {
    try {
      await this.#play({ topic, partition, text, target: parseTarget(text) });
    } catch (error) {
      this.#context.notices.fail(error);
    }
  }

  async #play({ topic, partition, target }: LookupOrder): Promise<void> {
    const explanation = await ask<LookupExplanation>(topic, partition, "lookup", { ...target });
    const story = (shape: LogShape): Story => lookupStory(explanation, shape);
    await this.play(topic, partition, () => true, story);
  }

  /** Brings a partition into view. */
  async #bring(topic: string, partition: number): Promise<void> {
    const isThere = await this.#shape(topic, partition, () => true).catch(() => undefined);
    if (isThere === undefined) {
      this.#context.notices.fail(new Error(`there is no partition ${partition} of ${topic}`));
    } else this.#rows.bring(topic, partition);
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
