// Connects the parts of the page: events to the model, the model to the views, user actions to the broker. Read this
// file first.
import type { LookupExplanation } from "../../inspection/lookup-explanation.js";
import { ask, askSession, listen, logOut, produce } from "./api.js";
import { ConnectionsView } from "./connections/connections-view.js";
import { Detail } from "./log/detail.js";
import { button, byId, element, setText } from "./parts/dom.js";
import { Forms, type LookupOrder } from "./forms.js";
import { countOf, formatBytes, formatCount } from "./parts/format.js";
import { GroupsView } from "./groups/groups-view.js";
import type { LogShape } from "./log/log-shape.js";
import { lookupStory } from "./log/lookup-steps.js";
import { Model } from "./model.js";
import { PlayerView } from "./log/player-view.js";
import { produceStory } from "./produce/produce-steps.js";
import { onThemeChange } from "./parts/theme.js";
import { TopicsView } from "./log/log-view.js";
import { Traffic } from "./traffic.js";
import type { ProduceOrder, SessionState, Tick } from "./wire.js";

/** How long to wait for an event about a new record, in milliseconds. */
const NEWS_MS_MAX = 3000;

/** Time until the broker is asked again that has not answered, in milliseconds. */
const RETRY_MS = 2000;

class Page {
  readonly #model = new Model();
  readonly #traffic = new Traffic(byId("traffic", HTMLElement));
  readonly #topics = new TopicsView(
    this.#model,
    byId("topics", HTMLElement),
    (topic, partition, segment, near) =>
      void this.#detail.open({ topic, partition, segment }, { near }),
  );
  readonly #groups = new GroupsView(byId("groups", HTMLDetailsElement), (state) => {
    this.#model.setGroups(state);
    this.#topics.updateGroups();
  });
  readonly #detail = new Detail((place) =>
    this.#topics.mark(place?.topic ?? "", place?.partition ?? 0, place?.segment),
  );
  readonly #player = new PlayerView({
    point: (place) => this.#topics.point(place),
    open: ({ topic, partition, segment, position }) =>
      void this.#detail.open({ topic, partition, segment }, { at: position }, position),
  });
  readonly #forms = new Forms(
    (order) => this.#lookUp(order),
    (order) => this.#produce(order),
  );
  #onNews: (() => void) | undefined;
  #session: SessionState | undefined;

  async start(): Promise<void> {
    for (;;) {
      this.#session = await askSession().catch(() => undefined);
      if (this.#session !== undefined) break;
      this.#showStatus(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    this.#welcome(this.#session);
    onThemeChange(() => {
      this.#topics.repaint();
      this.#traffic.show(this.#model.rates);
    });
    listen({
      overview: (overview) => {
        this.#model.reset(overview);
        setText(
          byId("about", HTMLElement),
          `${overview.version} at ${overview.address}, flush ${overview.flush}`,
        );
        this.#forms.offer(overview.topics);
        this.#topics.reset();
        this.#showTotals();
        this.#onNews?.();
      },
      tick: (tick) => this.#tick(tick),
      connected: (isConnected) => this.#showStatus(isConnected),
    });
  }

  /** Shows what this visitor can use. */
  #welcome({ user, mayRead, mayProduce, seesCluster }: SessionState): void {
    byId("lookup", HTMLElement).hidden = !mayRead;
    byId("produce", HTMLElement).hidden = !mayProduce;
    this.#topics.mayProduce = mayProduce;
    byId("traffic", HTMLElement).hidden = !seesCluster;
    if (seesCluster) new ConnectionsView(byId("connections", HTMLDetailsElement)).start();
    if (user === null) return;
    const root = byId("user", HTMLElement);
    root.append(
      element("span", {}, user),
      button("Log out", () => void logOut()),
    );
    root.hidden = false;
  }

  #showStatus(isConnected: boolean): void {
    const status = byId("status", HTMLElement);
    setText(status, isConnected ? "live" : "the broker does not respond; retrying");
    status.classList.toggle("lost", !isConnected);
  }

  #tick(tick: Tick): void {
    this.#model.update(tick);
    this.#topics.update(tick);
    // Of no use to those who have no such topic.
    for (const item of document.querySelectorAll<HTMLElement>(".legend .clean, .legend .dirty")) {
      item.hidden = !this.#model.isCompacting;
    }
    if (tick.groups !== undefined) this.#groups.update(tick.groups);
    this.#showTotals();
    this.#onNews?.();
  }

  #showTotals(): void {
    const { topics, bytes, totals, overview } = this.#model;
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
    const cells = [
      ["topics", formatCount(overview?.topicCount ?? 0)],
      ["partitions", formatCount(partitions)],
      ["on disk", formatBytes(bytes)],
      ...(this.#session?.seesCluster === true
        ? [["connections", formatCount(totals?.connections ?? 0)]]
        : []),
    ];
    const root = byId("totals", HTMLElement);
    if (root.childElementCount === 0) {
      root.append(
        ...cells.map(([name = ""]) => element("div", {}, element("dt", {}, name), element("dd"))),
      );
    }
    for (const [i, cell] of [...root.querySelectorAll("dd")].entries())
      setText(cell, cells[i]?.[1] ?? "");
    this.#traffic.show(this.#model.rates);
  }

  async #lookUp({ topic, partition, target }: LookupOrder): Promise<void> {
    const explanation = await ask<LookupExplanation>(topic, partition, "lookup", { ...target });
    const shape = await this.#shape(topic, partition, () => true);
    this.#player.play(lookupStory(explanation, shape));
  }

  async #produce(order: ProduceOrder): Promise<void> {
    const report = await produce(order);
    const { topic, partition, offset } = report;
    const shape = await this.#shape(topic, partition, ({ state }) => state.logEnd > offset);
    this.#player.play(produceStory(report, shape));
  }

  /** The shape of a partition, once it and its segments are known. */
  async #shape(
    topic: string,
    partition: number,
    isThere: (shape: LogShape) => boolean,
  ): Promise<LogShape> {
    const deadlineMs = performance.now() + NEWS_MS_MAX;
    for (;;) {
      const shape = this.#model.shape(topic, partition);
      if (shape !== undefined && isThere(shape)) {
        await this.#topics.complete(topic, partition);
        return shape;
      }
      if (performance.now() > deadlineMs) {
        throw new Error(
          `no news of ${topic} ${partition} from the broker for ${countOf(NEWS_MS_MAX / 1000, "second")}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, NEWS_MS_MAX);
        this.#onNews = () => {
          clearTimeout(timer);
          this.#onNews = undefined;
          resolve();
        };
      });
    }
  }
}

// A page of another origin could show this one in a frame and trick a person into clicking on it.
if (window.top === window) void new Page().start();
else setText(byId("status", HTMLElement), "This page does not work inside a frame.");
