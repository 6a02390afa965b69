// The line below the head: whether the broker answers, whether the page is read-only, how much the broker
// holds, and its traffic.
// Leaves to others: whether everything is all right (problems/).
import { byId, element, setText } from "./parts/dom.js";
import { formatAge, formatBytes, formatCount } from "./parts/format.js";
import type { ProblemList } from "./problems/problem-wire.js";
import { Traffic } from "./traffic.js";
import type { PageContext } from "./view.js";

export class Strip {
  readonly #context: PageContext;
  readonly #traffic: Traffic;
  readonly #status = byId("status", HTMLElement);
  readonly #totals = new Map<string, HTMLElement>();
  readonly #terms = new Map<string, HTMLElement>();
  readonly #ofDisk = element("span", { class: "extra" });

  constructor(context: PageContext) {
    this.#context = context;
    const { seesCluster, isReadOnly } = context.session;
    if (isReadOnly) {
      const title = "The broker was started with --ui-read-only";
      const more = element("span", { class: "extra" }, ": nothing can be changed on this page");
      this.#status.after(element("p", { class: "read-only", title }, "read-only", more));
    }
    const traffic = byId("traffic", HTMLElement);
    traffic.hidden = !seesCluster;
    this.#traffic = new Traffic(traffic);
    const ofCluster = ["free", "connections", "up"];
    for (const name of ["topics", "partitions", "on disk", ...(seesCluster ? ofCluster : [])]) {
      const value = element("dd");
      this.#totals.set(name, value);
      const more = name === "free" ? [this.#ofDisk] : [];
      const term = element("dt", {}, name, ...more);
      this.#terms.set(name, term);
      // All others are read as `3 topics`.
      const order = name === "up" ? "term-first" : undefined;
      byId("totals", HTMLElement).append(element("div", { class: order }, term, value));
    }
  }

  /** Shows what was asked for besides the events; undefined while the broker does not respond. */
  showState(state: ProblemList | undefined): void {
    const { disk = null, startedMs = null, nowMs = 0 } = state ?? {};
    this.#show("free", disk === null ? "–" : formatBytes(disk.usableBytes));
    setText(this.#ofDisk, disk === null ? "" : ` of ${formatBytes(disk.totalBytes)}`);
    this.#show("up", startedMs === null ? "–" : formatAge(nowMs - startedMs));
  }

  showConnected(isConnected: boolean): void {
    setText(this.#status, isConnected ? "live" : "the broker does not respond; retrying");
    this.#status.classList.toggle("lost", !isConnected);
  }

  update(): void {
    const { topics, bytes, totals, overview, rates } = this.#context.model;
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
    this.#count("topics", overview?.topicCount ?? 0);
    this.#count("partitions", partitions);
    this.#show("on disk", formatBytes(bytes));
    if (totals === undefined) this.#show("connections", "–");
    else this.#count("connections", totals.connections);
    this.#traffic.show(rates);
  }

  /** Shows `3 topics`, or `1 topic`. */
  #count(name: string, count: number): void {
    this.#show(name, formatCount(count));
    const term = this.#terms.get(name);
    if (term !== undefined) setText(term, count === 1 ? name.slice(0, -1) : name);
  }

  #show(name: string, text: string): void {
    const value = this.#totals.get(name);
    if (value !== undefined) setText(value, text);
  }
}
