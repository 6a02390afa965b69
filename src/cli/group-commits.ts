// Commits of a group that follow what was printed: one at a time, the latest state each time.
// Leaves to others: knowing what was printed (output.ts).
import type { Admin } from "../client/admin.ts";
import type { PartitionOffset } from "../client/admin-types.ts";
import { isTopicChanged } from "../client/topic-change.ts";

/** Commits for one group and topic. */
export class GroupCommits {
  readonly #admin: Pick<Admin, "commitOffsets">;
  readonly #group: string;
  readonly #topic: string;
  readonly #goesOn: boolean;
  /** Printed and not committed yet: the offset after the last printed record, by partition. */
  readonly #pending = new Map<number, PartitionOffset>();
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** `goesOn`: reading goes on when the topic is recreated, and what was printed of the old one is not committed. */
  constructor(admin: Pick<Admin, "commitOffsets">, group: string, topic: string, goesOn = false) {
    this.#admin = admin;
    this.#group = group;
    this.#topic = topic;
    this.#goesOn = goesOn;
  }

  /** Commits `nextOffset` of the topic with an id soon: with the next commit when one is on its way. */
  request(partition: number, nextOffset: number, topicId?: string): void {
    const topic = this.#topic;
    this.#pending.set(partition, { topic, topicId, partition, offset: nextOffset });
    this.#running ??= this.#run();
  }

  /** Waits until everything that was requested is committed; throws what the broker answered. */
  async settled(): Promise<void> {
    await this.#running;
    if (this.#pending.size > 0) {
      this.#running = this.#run();
      await this.#running;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.size > 0) {
        // When the topic is recreated, some partitions may be in the old one and some in the new one.
        const [first] = this.#pending.values();
        const entries = [...this.#pending.values()].filter((it) => it.topicId === first?.topicId);
        for (const { partition } of entries) this.#pending.delete(partition);
        await this.#commit(entries);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#running = undefined;
  }

  async #commit(entries: readonly PartitionOffset[]): Promise<void> {
    try {
      await this.#admin.commitOffsets(this.#group, entries);
      this.#failure = undefined;
    } catch (error) {
      if (this.#goesOn && isTopicChanged(error)) return;
      // What a later record has not replaced goes with the next commit.
      for (const entry of entries) {
        if (!this.#pending.has(entry.partition)) this.#pending.set(entry.partition, entry);
      }
      throw error;
    }
  }
}
