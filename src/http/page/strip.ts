// The line below the head: whether the broker answers, whether the page is read-only, how much the broker
// holds, and its traffic.
import { byId, element, setText } from "./parts/dom.js";
import { formatBytes, formatCount } from "./parts/format.js";
import { Traffic } from "./traffic.js";
import type { PageContext } from "./view.js";

export class Strip {
  readonly #context: PageContext;
  readonly #traffic: Traffic;
  readonly #status = byId("status", HTMLElement);
  readonly #totals = new Map<string, HTMLElement>();

  constructor(context: PageContext) {
    this.#context = context;
    const { seesCluster, isReadOnly } = context.session;
    if (isReadOnly) {
      const title = "The broker was started with --ui-read-only";
      const text = "read-only: nothing can be changed on this page";
      this.#status.after(element("p", { class: "read-only", title }, text));
    }
    const traffic = byId("traffic", HTMLElement);
    traffic.hidden = !seesCluster;
    this.#traffic = new Traffic(traffic);
    const names = ["topics", "partitions", "on disk", ...(seesCluster ? ["connections"] : [])];
    for (const name of names) {
      const value = element("dd");
      this.#totals.set(name, value);
      byId("totals", HTMLElement).append(element("div", {}, element("dt", {}, name), value));
    }
  }

  showConnected(isConnected: boolean): void {
    setText(this.#status, isConnected ? "live" : "the broker does not respond; retrying");
    this.#status.classList.toggle("lost", !isConnected);
  }

  update(): void {
    const { topics, bytes, totals, overview, rates } = this.#context.model;
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
    this.#show("topics", formatCount(overview?.topicCount ?? 0));
    this.#show("partitions", formatCount(partitions));
    this.#show("on disk", formatBytes(bytes));
    this.#show("connections", formatCount(totals?.connections ?? 0));
    this.#traffic.show(rates);
  }

  #show(name: string, text: string): void {
    const value = this.#totals.get(name);
    if (value !== undefined) setText(value, text);
  }
}
