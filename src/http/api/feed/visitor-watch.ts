// The broker's state as one visitor may see it: what all pages share, without the topics and groups that the visitor has no
// permission DESCRIBE on. Leaves to others: the state (broker-watch.ts), and permissions (services/).
import type { ServiceContext } from "../../../services/context.js";
import { mayOnTopic } from "../../../services/permissions.js";
import type { Partition } from "../../../topics/partition.js";
import { type BrokerWatch, groupsState } from "./broker-watch.js";

export class VisitorWatch {
  readonly #watch: BrokerWatch;
  readonly #context: ServiceContext;
  #groupsJson = "";

  constructor(watch: BrokerWatch, context: ServiceContext) {
    this.#watch = watch;
    this.#context = context;
  }

  /** Whether there is something to show yet. */
  get isReady(): boolean {
    return this.#watch.isReady;
  }

  /** The first groups as JSON; "" before the first look. */
  get groupsJson(): string {
    return this.#groupsJson;
  }

  /** The partitions of the shown topics that have been read so far. */
  partitions(): Iterable<Partition> {
    return this.#watch.partitions();
  }

  /** The state of a partition as JSON; undefined if the partition is gone, or not for this visitor. */
  partitionJson(partition: Partition): string | undefined {
    if (!mayOnTopic(this.#context, "DESCRIBE", partition.topic)) return undefined;
    return this.#watch.partitionJson(partition);
  }

  /** An `Overview` as JSON, without the `page` field. */
  overviewJson(): string {
    return `${this.#watch.topicsJson(this.#context)},"totals":${this.totalsJson()}}`;
  }

  totalsJson(): string {
    return this.#watch.totalsJson(this.#context);
  }

  /** Reads the groups. Returns whether they have changed. */
  async lookAtGroups(): Promise<boolean> {
    const json = JSON.stringify(await groupsState(this.#context));
    if (json === this.#groupsJson) return false;
    this.#groupsJson = json;
    return true;
  }
}
