// The file of the audit log: lines are appended, and another program may rotate it at any time.
// Leaves to others: the lines (audit-log.ts).
import { closeSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import type { AuditSink } from "./audit-log.js";

/** Who may read and write a new file: it says who uses the broker. */
const MODE = 0o600;

export class AuditFile implements AuditSink {
  readonly isJson = true;
  readonly #path: string;
  readonly #report: (line: string) => void;
  #descriptor: number;
  /** Lines that could not be written since the last one that could. */
  #lost = 0;

  /** Opens the file, or throws an error that names the option. `report` takes lines for the broker's log. */
  constructor(path: string, report: (line: string) => void) {
    this.#path = path;
    this.#report = report;
    try {
      this.#descriptor = openSync(path, "a", MODE);
    } catch (error) {
      throw new RangeError(`--audit-log ${path} can't be opened: ${String(error)}`, {
        cause: error,
      });
    }
  }

  /** Appends a line. One that can't be written is counted, and the broker goes on. */
  line(line: string): void {
    try {
      this.#reopenIfMoved();
      if (this.#lost > 0) {
        const time = new Date().toISOString();
        this.#append(JSON.stringify({ time, event: "lost", lines: this.#lost }));
        this.#lost = 0;
      }
      this.#append(line);
    } catch (error) {
      this.#lost++;
      this.#report(`--audit-log ${this.#path}: a line could not be written: ${String(error)}`);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(line: string): void {
    writeSync(this.#descriptor, `${line}\n`);
  }

  /** After a rotation the path names another file, or none. */
  #reopenIfMoved(): void {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    const { ino, dev } = fstatSync(this.#descriptor);
    if (now?.ino === ino && now.dev === dev) return;
    const descriptor = openSync(this.#path, "a", MODE);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
  }
}
