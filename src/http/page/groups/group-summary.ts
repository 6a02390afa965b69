// The head of a group: the findings, then facts such as its lag, rates and generation.
// Leaves to others: the sentences (diagnosis.ts), the numbers over time (lag-series.ts).
import { element, setText } from "../parts/dom.js";
import { formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { TopicState } from "../wire.js";
import { diagnose, type Finding } from "./diagnosis.js";
import type { GroupDetail, GroupPartitionRow } from "./group-wire.js";
import { ageText, rateText } from "./group-words.js";
import { type LagSeries, partitionKey, sumOf, type UnreadAge } from "./lag-series.js";

/** The word before a finding, by its kind. */
const KINDS: Readonly<Record<Finding["kind"], string>> = {
  good: "Good",
  note: "Note",
  problem: "Problem",
};

export class GroupSummary {
  readonly root = element("div");
  readonly #findings = element("ul", {
    class: "findings card",
    "aria-label": "Findings",
  });
  readonly #facts = element("dl", { class: "facts" });

  constructor() {
    this.root.append(this.#findings, this.#facts);
  }

  /** `topics` are those of the broker. */
  show(detail: GroupDetail, series: LagSeries, topics: readonly TopicState[]): void {
    const past = {
      rate: (row: GroupPartitionRow) => series.rate(partitionKey(row)),
      isBehindSince: (row: GroupPartitionRow, ms: number) =>
        series.isBehindSince(partitionKey(row), ms),
      generationSince: series.generationSince,
    };
    const own = new Set(detail.topics.map(({ topic }) => topic));
    const offline = topics
      .filter(({ name }) => own.has(name))
      .flatMap((topic) => topic.offline.map(({ partition }) => ({ topic: topic.name, partition })));
    this.#showFindings(diagnose(detail, past, offline));
    this.#showFacts(factsOf(detail, series));
  }

  #showFindings(findings: readonly Finding[]): void {
    const texts = findings.map(({ kind, text, next }) => `${kind} ${text} ${next?.committed}`);
    const shown = texts.join("\n");
    if (this.#findings.dataset.shown === shown) return;
    this.#findings.dataset.shown = shown;
    this.#findings.replaceChildren(
      ...findings.map(({ kind, text, next }) =>
        element(
          "li",
          { class: kind },
          element("strong", {}, KINDS[kind]),
          ` ${text}`,
          ...(next === undefined ? [] : [" ", nextLink(next)]),
        ),
      ),
    );
  }

  #showFacts(facts: readonly Fact[]): void {
    for (const [i, [name, value]] of facts.entries()) {
      const known = this.#facts.children[i];
      if (known === undefined) {
        this.#facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
        continue;
      }
      setText(known.children[0] as HTMLElement, name);
      setText(known.children[1] as HTMLElement, value);
    }
  }
}

/** Leads to the record at which somebody may be stuck. */
function nextLink({ topic, partition, committed }: GroupPartitionRow): HTMLElement {
  const href = hrefOf("records", [topic], {
    ...{ partition, from: committed, record: `${partition}/${committed}` },
  });
  return element("a", { href }, `The next record is at offset ${formatCount(committed)}.`);
}

type Fact = readonly [name: string, value: string];

function factsOf(detail: GroupDetail, series: LagSeries): readonly Fact[] {
  const { type, assignor, generation, assignmentEpoch, coordinator, lag } = detail;
  const epochs =
    assignmentEpoch === null || assignmentEpoch === generation
      ? formatCount(generation)
      : `${formatCount(generation)}, assigned in ${formatCount(assignmentEpoch)}`;
  const rate = sumOf(detail.partitions.map((row) => series.rate(partitionKey(row))));
  return [
    ["lag", formatCount(lag)],
    ["oldest unread", ageText(oldestUnread(detail, series))],
    ["records in", perSecond(rate?.in)],
    ["records read", perSecond(rate?.out ?? undefined)],
    ["type", typeWords(detail)],
    ["assignor", assignor === "" ? "—" : assignor],
    [type === "consumer" ? "epoch" : "generation", epochs],
    ["coordinator", coordinator],
  ];
}

/** The age of the oldest record that was not read, in any partition. */
function oldestUnread({ partitions }: GroupDetail, series: LagSeries): UnreadAge | undefined {
  return partitions
    .map((row) => series.age(partitionKey(row)))
    .reduce((oldest, age) => ((age?.ms ?? -1) > (oldest?.ms ?? -1) ? age : oldest), undefined);
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? "…" : `${rateText(rate)}/s`;
}

function typeWords({ type, protocolType }: GroupDetail): string {
  if (type === "") return "never had members";
  const words = type === "classic" ? "classic: a member assigns" : "consumer: the broker assigns";
  return protocolType === "consumer" ? words : `${words} (${protocolType})`;
}
