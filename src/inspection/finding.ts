// A finding of a verification: where, what is wrong, and how it can be repaired.
// Leaves to others: the checks (verify-*.ts), and printing (cli/verify.ts).

export interface Place {
  /** File or directory, relative to the data directory. */
  readonly file: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly position?: number;
  readonly bytes?: number;
  /** Offset of the first record affected. */
  readonly offset?: number;
  /** Offset of the last record affected. */
  readonly lastOffset?: number;
}

export interface Repair {
  /** What it would do: "rebuild it from the log". */
  readonly description: string;
  /** Does it and returns what exactly was done. Rejects with the system's error. */
  run(): Promise<string>;
}

export interface Finding extends Place {
  /** `damage` may cost records or speed. A `note` costs nothing: leftovers of a crash, or files of other programs. */
  readonly severity: "damage" | "note";
  readonly reason: string;
  readonly repair?: Repair;
}

/** A finding after an attempted repair. */
export interface SettledFinding extends Finding {
  /** What was repaired; undefined if nothing was. */
  readonly repaired?: string;
  /** Why the repair failed. */
  readonly repairFailure?: string;
}

/** `topics/orders/0/….log: position 61, offsets 1 to 3: why` */
export function formatFinding(finding: SettledFinding): string {
  const { severity, file, position, offset, lastOffset, reason } = finding;
  const places: string[] = [];
  if (position !== undefined) places.push(`position ${position}`);
  if (offset !== undefined) {
    const isOne = lastOffset === undefined || lastOffset === offset;
    places.push(isOne ? `offset ${offset}` : `offsets ${offset} to ${lastOffset}`);
  }
  const where = places.length === 0 ? file : `${file}: ${places.join(", ")}`;
  let line = `${severity}: ${where}: ${reason}`;
  if (finding.repaired !== undefined) line += `; repaired: ${finding.repaired}`;
  if (finding.repairFailure !== undefined) line += `; NOT repaired: ${finding.repairFailure}`;
  return line;
}
