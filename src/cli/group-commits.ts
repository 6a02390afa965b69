// Commits of a group that follow what was printed: one at a time, the latest state each time.
// Leaves to others: knowing what was printed (output.ts).
import type { Admin } from "../client/admin.ts";

/** Commits for one group and topic. */
export class GroupCommits {
  readonly #admin: Pick<Admin, "commitOffsets">;
  readonly #group: string;
  readonly #topic: string;
  readonly #topicIdOf: (partition: number) => string | undefined;
  /** Printed and not committed yet: the offset after the last printed record, by partition. */
  readonly #pending = new Map<number, number>();
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** `topicIdOf` gives the id of the topic that the printed records of a partition are of. */
  constructor(
    admin: Pick<Admin, "commitOffsets">,
    group: string,
    topic: string,
    topicIdOf: (partition: number) => string | undefined,
  ) {
    this.#admin = admin;
    this.#group = group;
    this.#topic = topic;
    this.#topicIdOf = topicIdOf;
  }

  /** Commits `nextOffset` soon: with the next commit when one is on its way. */
  request(partition: number, nextOffset: number): void {
    this.#pending.set(partition, nextOffset);
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
        const entries = [...this.#pending].map(([partition, offset]) => ({
          topic: this.#topic,
          topicId: this.#topicIdOf(partition),
          partition,
          offset,
        }));
        this.#pending.clear();
        try {
          await this.#admin.commitOffsets(this.#group, entries);
          this.#failure = undefined;
        } catch (error) {
          // What a later record has not replaced goes with the next commit.
          for (const { partition, offset } of entries) {
            if (!this.#pending.has(partition)) this.#pending.set(partition, offset);
          }
          throw error;
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#running = undefined;
  }
}
