// Commits a group's offsets as records are printed: one request at a time, each with the latest state.
// Leaves to others: knowing what was printed (output.ts).
import type { Admin } from "../client/admin.js";
import type { PartitionOffset } from "../client/admin-types.js";
import { isTopicChanged } from "../client/topic-change.js";

export class GroupCommits {
  readonly #admin: Pick<Admin, "commitOffsets">;
  readonly #group: string;
  readonly #goesOn: boolean;
  /** Undefined once it was called. */
  #onShared: (() => void) | undefined;
  /** Printed but not committed: the offset after the last printed record, by topic and partition. */
  readonly #pending = new Map<string, PartitionOffset>();
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /**
   * With `goesOn`, reading continues when the topic is recreated, and offsets of the old topic are not committed. Calls
   * `onShared` once if another client reads the same partitions with the same group.
   */
  constructor(
    admin: Pick<Admin, "commitOffsets">,
    group: string,
    {
      goesOn = false,
      onShared,
    }: { readonly goesOn?: boolean; readonly onShared?: () => void } = {},
  ) {
    this.#admin = admin;
    this.#group = group;
    this.#goesOn = goesOn;
    this.#onShared = onShared;
  }

  /** Requests a commit of an offset. Joins the next commit if one is in flight. */
  request(next: PartitionOffset): void {
    this.#pending.set(keyOf(next), next);
    this.#running ??= this.#run();
  }

  /** Waits until every requested commit is done. Throws the broker's error. */
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
        // When the topic is recreated, some partitions may belong to the old topic and some to the new one.
        const [first] = this.#pending.values();
        const entries = [...this.#pending.values()].filter((it) => it.topicId === first?.topicId);
        for (const entry of entries) this.#pending.delete(keyOf(entry));
        await this.#commit(entries);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#running = undefined;
  }

  async #commit(entries: readonly PartitionOffset[]): Promise<void> {
    try {
      const { isShared } = await this.#admin.commitOffsets(this.#group, entries);
      this.#failure = undefined;
      if (!isShared) return;
      this.#onShared?.();
      this.#onShared = undefined;
    } catch (error) {
      if (this.#goesOn && isTopicChanged(error)) return;
      // Retry entries that no later record has replaced with the next commit.
      for (const entry of entries) {
        if (!this.#pending.has(keyOf(entry))) this.#pending.set(keyOf(entry), entry);
      }
      throw error;
    }
  }
}

function keyOf({ topic, partition }: PartitionOffset): string {
  return `${topic} ${partition}`;
}
