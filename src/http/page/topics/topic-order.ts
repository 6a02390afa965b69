// Which topics are listed, and in which order. Names of thousands of topics take long to compare, so an order that does not
// change from second to second is kept. Pure. Leaves to others: the columns and the rows (topic-list.ts).
import { compareNaturally } from "../../../natural-order.js";
import type { Model } from "../model.js";
import type { TopicState } from "../wire.js";

/** A topic with its sums. */
export interface TopicRow {
  readonly topic: TopicState;
  readonly records: number;
  readonly bytes: number;
  /** Per second; undefined while it is not known. */
  readonly recordsIn: number | undefined;
  readonly bytesIn: number | undefined;
  readonly newestMs: number | null;
}

/** What a person has chosen. */
interface TopicChoice {
  /** Part of the name. */
  readonly filter: string;
  readonly hasInternal: boolean;
  /** The name of a column, with `-` before it for descending. */
  readonly order: string;
}

type Numbers = Pick<Model, "topics" | "recordsOf" | "bytesOf" | "newestMsOf" | "inRates">;

type Compare = (a: TopicState, b: TopicState) => number;

/** Columns whose order only changes when topics do. */
const STILL: Readonly<Record<string, Compare>> = {
  name: (a, b) => compareNaturally(a.name, b.name),
  partitions: (a, b) => a.partitions - b.partitions,
  cleanup: (a, b) => compareNaturally(a.cleanup, b.cleanup),
  retention: (a, b) => retentionOf(a) - retentionOf(b),
};

/** Columns whose order may change at any time. */
const LIVE: Readonly<Record<string, (numbers: Numbers, name: string) => number>> = {
  records: (numbers, name) => numbers.recordsOf(name),
  size: (numbers, name) => numbers.bytesOf(name),
  "records-in": ({ inRates }, name) => inRates.of(name)?.records ?? 0,
  "bytes-in": ({ inRates }, name) => inRates.of(name)?.bytes ?? 0,
  newest: (numbers, name) => numbers.newestMsOf(name) ?? -1,
};

export class TopicOrder {
  readonly #numbers: Numbers;
  /** What `#topics` was found for. */
  #choice: TopicChoice | undefined;
  #all: readonly TopicState[] | undefined;
  #topics: readonly TopicState[] = [];

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  /** The topics of a choice, which is a new object if it has changed. Those listed before keep their order if it `isHeld`. */
  topics(choice: TopicChoice, isHeld: boolean): readonly TopicState[] {
    const { topics: all } = this.#numbers;
    const isSame = this.#choice === choice && this.#all === all;
    const name = choice.order.replace(/^-/, "");
    if (isSame && (isHeld || LIVE[name] === undefined)) return this.#topics;
    const before = this.#choice === choice && isHeld ? this.#topics : [];
    this.#choice = choice;
    this.#all = all;
    const matching = this.#matching(choice);
    const sign = choice.order.startsWith("-") ? -1 : 1;
    const numberOf = LIVE[name];
    if (numberOf === undefined) {
      const compare = STILL[name];
      if (compare !== undefined) matching.sort((a, b) => sign * compare(a, b));
    } else {
      const values = new Map(matching.map((topic) => [topic, numberOf(this.#numbers, topic.name)]));
      const of = (topic: TopicState): number => values.get(topic) ?? 0;
      matching.sort((a, b) => sign * (of(a) - of(b)));
    }
    if (before.length > 0) {
      const places = new Map(before.map((topic, i) => [topic.name, i]));
      const placeOf = ({ name: each }: TopicState) => places.get(each) ?? before.length;
      matching.sort((a, b) => placeOf(a) - placeOf(b));
    }
    this.#topics = matching;
    return matching;
  }

  /** A topic with its numbers of now. */
  row(topic: TopicState): TopicRow {
    const { name } = topic;
    const rate = this.#numbers.inRates.of(name);
    return {
      ...{ topic, records: this.#numbers.recordsOf(name), bytes: this.#numbers.bytesOf(name) },
      ...{ recordsIn: rate?.records, bytesIn: rate?.bytes },
      newestMs: this.#numbers.newestMsOf(name),
    };
  }

  #matching({ filter, hasInternal }: TopicChoice): TopicState[] {
    const part = filter.toLowerCase();
    return this.#numbers.topics.filter(
      ({ name, internal }) => (!internal || hasInternal) && name.toLowerCase().includes(part),
    );
  }
}

/** The age to which a topic keeps records, to compare by. */
function retentionOf({ cleanup, retentionMs }: TopicState): number {
  return !cleanup.includes("delete") || retentionMs < 0 ? Number.MAX_SAFE_INTEGER : retentionMs;
}
