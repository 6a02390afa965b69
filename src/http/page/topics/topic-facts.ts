// The sums of one topic: what it holds, what comes in, how long records are kept. Numbers from events replace those of the
// last answer while there are any.
// Leaves to others: asking for the topic (topic-page.ts), the dialog that changes a setting (topic-dialogs.ts).
import type { Model } from "../model.js";
import { button, element, setText } from "../parts/dom.js";
import { countOf, formatAgo, formatBytes, formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { ConnectionsState } from "../connections/connection-wire.js";
import { workFilter, writersText } from "../connections/connection-words.js";
import { recordsText } from "./consequences.js";
import { settingText } from "./setting-text.js";
import type { TopicDetail } from "./topic-wire.js";

const FACTS = [
  "partitions",
  "records",
  "size",
  "incoming",
  "newest record",
  "written by",
  "cleanup",
  "retention",
  "id",
] as const;

const WRITERS_TITLE =
  "Connections that wrote here in the last 5 minutes. Of several topics in one request, the first counts.";

/** The setting behind a fact, which can be changed beside it. */
const SETTING_OF: Readonly<Record<string, string>> = {
  cleanup: "cleanup.policy",
  retention: "retention.ms",
};

export class TopicFacts {
  readonly root = element("dl", { class: "facts" });
  readonly #model: Model;
  readonly #values = new Map<string, HTMLElement>();
  readonly #changes: HTMLButtonElement[] = [];
  readonly #writers = element("a", { title: WRITERS_TITLE });

  /** `edit` is called with the name of a setting. `seesClients` says whether the visitor may see connections. */
  constructor(model: Model, seesClients: boolean, edit: (setting: string) => void) {
    this.#model = model;
    for (const fact of FACTS) {
      if (fact === "written by" && !seesClients) continue;
      const value = element("span");
      this.#values.set(fact, value);
      const setting = SETTING_OF[fact];
      const row = element("dd", {}, fact === "written by" ? this.#writers : value);
      if (setting !== undefined) {
        const attributes = { class: "quiet", "aria-label": `Change ${setting}` };
        const change = button("change", () => edit(setting), attributes);
        this.#changes.push(change);
        row.append(change);
      }
      this.root.append(element("div", {}, element("dt", {}, fact), row));
    }
  }

  show(name: string, detail: TopicDetail): void {
    for (const change of this.#changes) change.hidden = !detail.may.includes("ALTER_CONFIGS");
    const model = this.#model;
    const isLive = model.topics.some(({ id }) => id === detail.id);
    const records = isLive ? model.recordsOf(name) : detail.records;
    const bytes = isLive ? model.bytesOf(name) : detail.bytes;
    const rate = isLive ? model.inRates.of(name) : undefined;
    const settingOf = (setting: string): string =>
      detail.settings.find((each) => each.name === setting)?.value ?? "";
    const offline = detail.offline === 0 ? "" : ` (${formatCount(detail.offline)} offline)`;
    this.#set("partitions", formatCount(detail.partitions) + offline);
    this.#set("records", recordsText(records, detail.dirtyBytes !== null));
    const segments = countOf(this.#segmentsOf(name, detail), "segment");
    this.#set("size", `${formatBytes(bytes)} in ${segments}`);
    this.#set(
      "incoming",
      rate === undefined
        ? "–"
        : `${formatCount(Math.round(rate.records))} records/s, ${formatBytes(Math.round(rate.bytes))}/s`,
    );
    this.#set("newest record", formatAgo(isLive ? model.newestMsOf(name) : null));
    const policy = settingOf("cleanup.policy");
    const limits = ["retention.ms", "retention.bytes"]
      .map((setting) => settingText(setting, settingOf(setting)))
      .filter((text) => policy.includes("delete") && text !== "no limit");
    this.#set("cleanup", detail.settings.length === 0 ? "–" : settingText("", policy));
    this.#set("retention", limits.length === 0 ? "no limit" : limits.join(", "));
    this.#set("id", detail.internal ? `${detail.id} (internal)` : detail.id);
  }

  /** Shows who writes to the topic; undefined if that is not known yet. */
  showWriters(name: string, clients: ConnectionsState | undefined): void {
    setText(this.#writers, clients === undefined ? "–" : writersText(clients));
    this.#writers.href = hrefOf("connections", [], { filter: workFilter("writes", name) });
  }

  /** Counted from events, which have most partitions, or else from the answer. */
  #segmentsOf(name: string, { partitions, segments }: TopicDetail): number {
    let sum = 0;
    for (let i = 0; i < partitions; i++) {
      const state = this.#model.shape(name, i)?.state;
      if (state !== undefined) sum += state.sealedCount + 1;
    }
    return sum === 0 ? segments : sum;
  }

  #set(fact: (typeof FACTS)[number], text: string): void {
    const value = this.#values.get(fact);
    if (value !== undefined) setText(value, text);
  }
}
