// The topics of a consumer that is not balanced, by name or by pattern, and their partitions: those at the start, and those
// that are added later.
// Leaves to others: reading them (consumer), where to start in each (consumer-plan).

import { RustLogError } from "../errors.js";
import { Admin } from "./admin.js";
import type { TopicPartition } from "./admin-types.js";
import { type ConsumerOptions, topicsOf } from "./consumer-options.js";
import {
  type OffsetSpecs,
  type PartitionPlan,
  planPartitions,
  type ReadPlan,
  type ReadRequest,
} from "./consumer-plan.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import { isTopicChanged } from "./topic-change.js";

/** Where to read in a partition. */
interface TopicPlan extends PartitionPlan {
  readonly topic: string;
}

interface TopicPlans {
  readonly plans: readonly TopicPlan[];
  /** The error for partitions that the broker can't serve. */
  readonly offline: RustLogError | undefined;
}

export class Subscription {
  readonly #link: BrokerLink;
  readonly #options: ConsumerOptions<unknown, unknown>;
  readonly #policy: RetryPolicy;
  readonly #admin: Admin;
  readonly #names: ReadonlySet<string>;
  readonly #patterns: readonly RegExp[];
  #hasStarted = false;

  constructor(
    link: BrokerLink,
    options: ConsumerOptions<unknown, unknown>,
    policy: RetryPolicy & { readonly signal: AbortSignal },
  ) {
    this.#link = link;
    this.#options = options;
    this.#policy = policy;
    this.#admin = new Admin(link, policy);
    const topics = topicsOf(options);
    this.#names = new Set(topics.filter((topic) => typeof topic === "string"));
    this.#patterns = topics.filter((topic) => topic instanceof RegExp);
  }

  /** Whether topics or partitions can be added. */
  get canGrow(): boolean {
    const { follow = true, partitions } = this.#options;
    return follow && (partitions === undefined || this.#patterns.length > 0);
  }

  /** Whether a topic is read because of its name, so that it has to exist. */
  hasName(topic: string): boolean {
    return this.#names.has(topic);
  }

  /** The plans for all partitions at the start. */
  async start(): Promise<TopicPlans> {
    const matches = await this.#matches();
    const plans = [
      ...[...this.#names].map(
        (topic) => (isReached: boolean) => this.#plan(topic, this.#options.partitions, isReached),
      ),
      ...[...matches].map(
        ([topic, count]) =>
          (isReached: boolean) =>
            this.#planMissing(topic, count, [], isReached),
      ),
    ];
    const first = await Promise.allSettled(plans.map((plan) => plan(false)));
    // As with partitions: one number for all topics is an error only if it is beyond all of them.
    const isReached = first.some(({ status }) => status === "fulfilled");
    const all = await Promise.all(
      first.map(async (outcome, i) => {
        if (outcome.status === "fulfilled") return outcome.value;
        if (isReached && isOutOfRange(outcome.reason)) return await plans[i]!(true);
        throw outcome.reason;
      }),
    );
    this.#hasStarted = true;
    return {
      plans: all.flatMap(({ plans }) => plans),
      offline: all.find(({ offline }) => offline !== undefined)?.offline,
    };
  }

  /** The plans for partitions that are not read yet. */
  async added(known: readonly TopicPartition[]): Promise<readonly TopicPlan[]> {
    const numbers = Map.groupBy(known, ({ topic }) => topic);
    const knownOf = (topic: string): readonly number[] =>
      numbers.get(topic)?.map(({ partition }) => partition) ?? [];
    const matches = await this.#matches();
    const names = this.#options.partitions === undefined ? [...this.#names] : [];
    const all = await Promise.all([
      ...names.map(async (topic) => {
        const { partitions } = await this.#admin.describeTopic(topic);
        return await this.#planMissing(topic, partitions.length, knownOf(topic));
      }),
      ...[...matches].map(([topic, count]) => this.#planMissing(topic, count, knownOf(topic))),
    ]);
    return all.flatMap(({ plans }) => plans);
  }

  /** The topics that match a pattern, with their numbers of partitions. */
  async #matches(): Promise<ReadonlyMap<string, number>> {
    if (this.#patterns.length === 0) return new Map();
    const topics = await this.#admin.listTopics();
    const isMeant = ({ name }: { readonly name: string }): boolean =>
      !this.#names.has(name) && this.#patterns.some((pattern) => pattern.test(name));
    return new Map(topics.filter(isMeant).map(({ name, partitions }) => [name, partitions]));
  }

  /** The plans for partitions that are not known; none if the topic is deleted meanwhile. */
  async #planMissing(
    topic: string,
    count: number,
    known: readonly number[],
    isReached = false,
  ): Promise<TopicPlans> {
    const { partitions } = this.#options;
    const chosen = partitions ?? Array.from({ length: count }, (_, i) => i);
    const read = new Set(known);
    const missing = chosen.filter((number) => number < count && !read.has(number));
    try {
      return await this.#plan(topic, missing, isReached);
    } catch (error) {
      const isGone = error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
      if (isGone) return { plans: [], offline: undefined };
      throw error;
    }
  }

  async #plan(
    topic: string,
    partitions: readonly number[] | undefined,
    isReached: boolean,
  ): Promise<TopicPlans> {
    if (partitions?.length === 0) return { plans: [], offline: undefined };
    const { offset, end, group, follow = true, onOutOfRange = "error" } = this.#options;
    const request = {
      ...{ topic, partitions, end, follow, group, onOutOfRange },
      offset: this.#hasStarted ? offsetOfAdded(offset) : offset,
      isReached: isReached && typeof offset === "number",
    };
    const plan = await this.#planTwice(request);
    return { plans: plan.partitions.map((row) => ({ ...row, topic })), offline: plan.offline };
  }

  async #planTwice(request: ReadRequest): Promise<ReadPlan> {
    try {
      return await planPartitions(this.#link, request, this.#policy);
    } catch (error) {
      // It was recreated between two questions: nothing has been read of the old one yet.
      if (isTopicChanged(error)) return await planPartitions(this.#link, request, this.#policy);
      throw error;
    }
  }
}

/**
 * Where to start in a partition that was added while the consumer runs. All of its records are new, so "latest", or a
 * distance from the end, would leave out those that came before it was noticed.
 */
function offsetOfAdded(offset: OffsetSpecs | undefined): OffsetSpecs | undefined {
  if (offset instanceof Map) return offset;
  return typeof offset === "object" && "timestamp" in offset ? offset : "earliest";
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof RustLogError && error.code === "OFFSET_OUT_OF_RANGE";
}
