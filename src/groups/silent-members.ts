// Removes members that are silent, although their sessions are not over, while the memory of groups is scarce.
// Leaves to others: accounting for the memory (group-memory.ts), and removing a member (classic-group.ts, consumer-group.ts).
import { nextTurn } from "../log/event-loop.js";
import type { GroupClock } from "./group-clock.js";
import type { GroupMemory } from "./group-memory.js";
import type { GroupStore } from "./group-store.js";
import type { Group } from "./group.js";

/**
 * A member that sends nothing for this long is removed, in milliseconds. Clients send heartbeats every few seconds, however
 * long their session is.
 */
const SILENT_MS = 60_000;

/** Time between two searches, in milliseconds. */
const SEARCH_MS = 5_000;

/** Groups searched in a turn of the event loop. */
const GROUPS_PER_TURN = 100;

interface SilentMembersContext {
  readonly clock: GroupClock;
  /** The account of all groups. */
  readonly memory: GroupMemory;
  readonly store: GroupStore;
  /** The groups in memory. Groups may come and go while the caller iterates. */
  readonly groups: () => Iterable<Group>;
}

export class SilentMembers {
  readonly #context: SilentMembersContext;
  #search: Promise<void> | undefined;
  /** Set from one search until the next may begin. */
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(context: SilentMembersContext) {
    this.#context = context;
  }

  /** Looks for them, now and then, while memory is scarce. */
  searchSoon(): void {
    if (this.#isClosed || this.#cancel !== undefined) return;
    this.#cancel = this.#context.clock.after(SEARCH_MS, () => {
      this.#search = this.#expire().finally(() => {
        this.#cancel = undefined;
        if (this.#context.memory.isScarce) this.searchSoon();
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#search;
  }

  async #expire(): Promise<void> {
    let seen = 0;
    for (const group of this.#context.groups()) {
      if (this.#isClosed) return;
      group.expireSilent(SILENT_MS);
      if (++seen % GROUPS_PER_TURN > 0) continue;
      // Those that lost their last member are being stored.
      await this.#context.store.written();
      await nextTurn();
    }
  }
}
