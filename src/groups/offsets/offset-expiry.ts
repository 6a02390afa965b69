// Deletes committed offsets that have not been used for a long time.
// Leaves to others: which are in use (group-expiry.ts), and storing the deletions (offset-store.ts).
//
// Nobody can use an offset while the broker is stopped, and at a start the clock of the machine may be wrong.
// So nothing is deleted before the broker has been running for as long as offsets are kept.
import { OFFSETS_RETENTION_CHECK_MS } from "../../limits.js";
import { nextTurn } from "../../log/event-loop.js";
import type { GroupClock } from "../group-clock.js";
import type { OffsetStore } from "./offset-store.js";
import type { OffsetRow } from "./offset-table.js";

/** Shortest time between two searches, in milliseconds. */
const CHECK_MS_MIN = 1_000;

/** Offsets looked at in a turn of the event loop, and deleted in one batch. */
const ROWS_PER_TURN = 500;

/** Names of groups in a report. */
const REPORTED_GROUPS_MAX = 5;

export interface ExpiryContext {
  readonly offsets: OffsetStore;
  readonly clock: GroupClock;
  /** How long unused offsets are kept, in milliseconds; -1 for ever. */
  readonly retentionMs: number;
  /** Since when an offset is unused, in milliseconds since the epoch; undefined if it is in use. */
  idleSince(row: OffsetRow): number | undefined;
  isStopped(): boolean;
  readonly report: (line: string) => void;
}

export class OffsetExpiry {
  readonly #context: ExpiryContext;
  readonly #since: number;
  #hasWarned = false;

  constructor(context: ExpiryContext) {
    this.#context = context;
    this.#since = context.clock.now();
  }

  /** Time between two searches, in milliseconds. */
  get checkMs(): number {
    const { retentionMs } = this.#context;
    if (retentionMs < 0) return OFFSETS_RETENTION_CHECK_MS;
    return Math.min(OFFSETS_RETENTION_CHECK_MS, Math.max(CHECK_MS_MIN, retentionMs));
  }

  /** Deletes what is due. Early after a start it only says, once, what will be. */
  async run(): Promise<void> {
    const { clock, retentionMs, report } = this.#context;
    if (retentionMs < 0) return;
    const leftMs = this.#since + retentionMs - clock.now();
    if (leftMs <= 0) {
      const expired = await this.#forEachDue((due) => this.#delete(due));
      if (expired.isEmpty) return;
      report(`${expired} expired: unused for longer than --offsets-retention`);
      return;
    }
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const when = new Date(clock.time() + leftMs).toISOString();
    const old = await this.#forEachDue((due) => due);
    if (old.isEmpty) return;
    report(
      `${old} will expire at ${when}, unless the groups commit again: unused for longer than --offsets-retention`,
    );
  }

  /** Goes through all offsets, batch by batch. Resolves with the ones that `take` returns. */
  async #forEachDue(
    take: (due: readonly OffsetRow[]) => readonly OffsetRow[] | Promise<readonly OffsetRow[]>,
  ): Promise<Tally> {
    const { offsets, isStopped } = this.#context;
    const tally = new Tally();
    for (let after: OffsetRow | undefined; ;) {
      const rows = offsets.rows(after, ROWS_PER_TURN);
      after = rows.at(-1);
      if (after === undefined || isStopped()) return tally;
      const due = rows.filter((row) => this.#isDue(row));
      if (due.length > 0) tally.add(await take(due));
      await nextTurn();
    }
  }

  #delete(due: readonly OffsetRow[]): Promise<readonly OffsetRow[]> {
    return this.#context.offsets.deleteIf(due, (row) => this.#isDue(row));
  }

  #isDue(row: OffsetRow): boolean {
    const { clock, retentionMs, idleSince } = this.#context;
    const dueSince = clock.time() - retentionMs;
    // This decides nearly all rows, without looking at the group.
    if (row.commitTimestamp > dueSince) return false;
    const since = idleSince(row);
    return since !== undefined && since <= dueSince;
  }
}

/** Committed offsets, for a report. They are added by group. */
class Tally {
  #offsets = 0;
  #groups = 0;
  #last: string | undefined;
  readonly #names: string[] = [];

  get isEmpty(): boolean {
    return this.#offsets === 0;
  }

  add(rows: readonly OffsetRow[]): void {
    for (const { group } of rows) {
      this.#offsets++;
      if (group === this.#last) continue;
      this.#last = group;
      if (++this.#groups <= REPORTED_GROUPS_MAX) this.#names.push(`'${group}'`);
    }
  }

  /** `7 committed offsets of 2 groups ('a', 'b')`. */
  toString(): string {
    const more = this.#groups > REPORTED_GROUPS_MAX ? ", …" : "";
    const offsets =
      this.#offsets === 1 ? "1 committed offset" : `${this.#offsets} committed offsets`;
    const groups = this.#groups === 1 ? "group" : `${this.#groups} groups`;
    return `${offsets} of ${groups} (${this.#names.join(", ")}${more})`;
  }
}
