// Deletes expired groups from time to time: first offsets that no member uses, then the records of groups that have neither
// members nor offsets.
// Leaves to others: which offsets are old enough (offset-expiry.ts), and storing the deletions (offset-store.ts,
// group-store.ts).
import { nextTurn } from "../log/event-loop.js";
import type { GroupClock } from "./group-clock.js";
import type { GroupStore } from "./group-store.js";
import type { Group } from "./group.js";
import { OffsetExpiry } from "./offsets/offset-expiry.js";
import type { OffsetStore } from "./offsets/offset-store.js";
import type { OffsetRow } from "./offsets/offset-table.js";

/** Groups looked at in a turn of the event loop. */
const GROUPS_PER_TURN = 1_000;

/** Groups without members and offsets whose records are deleted in one batch. */
const GROUPS_PER_BATCH = 500;

/**
 * After this many groups have lost their last member, those without offsets are deleted ahead of time: a client joins and
 * leaves under ever new names.
 */
const UNUSED_GROUPS_MAX = 100_000;

interface GroupExpiryContext {
  readonly offsets: OffsetStore;
  readonly store: GroupStore;
  readonly clock: GroupClock;
  /** How long offsets are kept that no member uses, in milliseconds; -1, the default, for ever. */
  readonly offsetsRetentionMs?: number | undefined;
  /** For tests. */
  readonly unusedGroupsMax?: number | undefined;
  /** A group in memory. */
  readonly find: (name: string) => Group | undefined;
  readonly report: (line: string) => void;
}

export class GroupExpiry {
  readonly #context: GroupExpiryContext;
  readonly #unusedGroupsMax: number;
  readonly #offsets: OffsetExpiry;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  /** Groups whose last member has gone since unused ones were looked for. */
  #emptied = 0;
  #isClosed = false;

  constructor(context: GroupExpiryContext) {
    const { offsets, clock, report, offsetsRetentionMs = -1 } = context;
    this.#context = context;
    this.#unusedGroupsMax = context.unusedGroupsMax ?? UNUSED_GROUPS_MAX;
    this.#offsets = new OffsetExpiry({
      ...{ offsets, clock, report, retentionMs: offsetsRetentionMs },
      idleSince: (row) => this.#idleSince(row),
      isStopped: () => this.#isClosed,
    });
  }

  /** Looks for what can be deleted after a time, and then again and again. */
  schedule(ms = this.#offsets.checkMs): void {
    this.#cancel?.();
    this.#cancel = this.#context.clock.after(ms, () => {
      this.#running = this.#run();
    });
  }

  /** A group with a record has lost its last member. */
  emptied(): void {
    if (++this.#emptied === this.#unusedGroupsMax && this.#running === undefined) this.schedule(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#emptied = 0;
    try {
      await this.#offsets.run();
      await this.#deleteUnused();
    } catch (error) {
      this.#context.report(`unused groups were not removed: ${String(error)}`);
    }
    this.#running = undefined;
    const isSoon = this.#emptied >= this.#unusedGroupsMax;
    if (!this.#isClosed) this.schedule(isSoon ? 0 : undefined);
  }

  /**
   * Since when no member uses an offset; undefined if one does or may. As in Kafka, except that every commit renews, even one
   * without membership after the members have left.
   */
  #idleSince({ group: name, topic, commitTimestamp }: OffsetRow): number | undefined {
    const { store } = this.#context;
    const group = this.#context.find(name);
    if (group === undefined || group.memberCount === 0) {
      return Math.max(commitTimestamp, store.classic(name)?.currentStateTimestamp ?? -1);
    }
    const isKnown =
      group.type === "consumer" || (group.state === "Stable" && group.protocolType === "consumer");
    return isKnown && !group.isSubscribedTo(topic) ? commitTimestamp : undefined;
  }

  /** Deletes the records of groups that have neither members nor offsets. */
  async #deleteUnused(): Promise<void> {
    let unused: string[] = [];
    let seen = 0;
    for (const name of this.#context.store.names()) {
      if (this.#isClosed) return;
      if (this.#isUnused(name)) unused.push(name);
      if (unused.length === GROUPS_PER_BATCH) {
        await this.#delete(unused);
        unused = [];
      }
      if (++seen % GROUPS_PER_TURN === 0) await nextTurn();
    }
    await this.#delete(unused);
  }

  async #delete(names: readonly string[]): Promise<void> {
    // Some may have been joined since.
    const unused = names.filter((name) => this.#isUnused(name));
    if (unused.length > 0) await this.#context.store.delete(unused);
  }

  #isUnused(name: string): boolean {
    const { offsets, store, find } = this.#context;
    if (find(name) !== undefined || store.writeOf(name) !== undefined) return false;
    return offsets.topicsOf(name).length === 0;
  }
}
