// What a verification finds: where, what is wrong, and what can be done about it.
// Leaves to others: the checks (verify-*.ts), and how it is shown (cli/verify.ts).

export interface Place {
  /** The file or directory, from the data directory. */
  readonly file: string;
  readonly topic?: string;
  readonly partition?: number;
  /** Bytes from the start of the file. */
  readonly position?: number;
  /** How many bytes it is about. */
  readonly bytes?: number;
  /** Offset of the first record that it is about. */
  readonly offset?: number;
  /** Offset of the last record that it is about. */
  readonly lastOffset?: number;
}

/** A way to put something right. */
export interface Repair {
  /** What it would do: "rebuild it from the log". */
  readonly description: string;
  /** Does it, and says exactly what was done. Rejects with the system's error. */
  run(): Promise<string>;
}

/** Something that is not as it should be. */
export interface Finding extends Place {
  /**
   * `damage` is wrong and may cost records or speed; a `note` is worth knowing and costs nothing: what a crash
   * left behind, or a file that belongs to somebody else.
   */
  readonly severity: "damage" | "note";
  readonly reason: string;
  readonly repair?: Repair;
}

/** A finding after it was dealt with. */
export interface SettledFinding extends Finding {
  /** What was done about it; undefined when nothing was. */
  readonly repaired?: string;
  /** Why a repair that was tried did not work. */
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
