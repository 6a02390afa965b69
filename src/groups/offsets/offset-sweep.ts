// Deletes the committed offsets of deleted topics, from the log and from memory, in small portions. They count no more
// already.
// Leaves to others: when a topic is deleted (offset-store.ts), and which rows are gone (offset-table.ts).
import { RustLogError } from "../../errors.js";
import { reasonOf } from "../../log/disk/disk.js";
import { nextTurn } from "../../log/event-loop.js";
import { type OffsetLog, recordsOfOffsets, ROWS_PER_BATCH } from "./offset-log.js";
import type { OffsetTable } from "./offset-table.js";

/** Rows visited in one turn of the event loop. */
const SWEPT_ROWS_PER_TURN = 4000;

export class OffsetSweep {
  readonly #table: OffsetTable;
  /** Undefined if offsets are only in memory. */
  readonly #log: OffsetLog | undefined;
  readonly #report: (line: string) => void;
  #running: Promise<void> | undefined;

  constructor(table: OffsetTable, log: OffsetLog | undefined, report: (line: string) => void) {
    this.#table = table;
    this.#log = log;
    this.#report = report;
  }

  /** Begins in another turn of the event loop, unless it is running. */
  soon(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Another topic may have been deleted since its last look.
      if (this.#table.hasGone) this.soon();
    });
  }

  /** If there is no space to write that down, rows only go from memory, and the next start finds them again. */
  async #run(): Promise<void> {
    await nextTurn();
    try {
      if (this.#log !== undefined) await this.#deleteFrom(this.#log);
    } catch (error) {
      if (!(error instanceof RustLogError)) {
        this.#report(`offsets of deleted topics stay in the log: ${reasonOf(error)}`);
      }
    }
    while (this.#table.sweep(SWEPT_ROWS_PER_TURN)) await nextTurn();
  }

  async #deleteFrom(log: OffsetLog): Promise<void> {
    for (;;) {
      const keys = this.#table.nextGone(ROWS_PER_BATCH, SWEPT_ROWS_PER_TURN);
      if (keys === undefined) return;
      await log.writeAlone(() => {
        // Some may have been committed again, for a new topic of the name.
        const gone = keys.filter((key) => this.#table.isGone(key));
        if (gone.length === 0) return undefined;
        const apply = (): void => {
          for (const key of gone) if (this.#table.isGone(key)) this.#table.delete(key);
        };
        return { records: recordsOfOffsets(gone.map((key) => [key, null])), apply };
      });
      await nextTurn();
    }
  }
}
