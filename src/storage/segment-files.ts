// The names of the files of a segment: its base offset in 20 digits, and what the file is.
// Leaves to others: what is in them.

/** Kinds of files that a segment has. */
export type SegmentFileKind = "log" | "index" | "timeindex";

const DIGITS = 20;
const LOG_NAME = /^(\d{20})\.log$/;

/** `00000000000000000042.log` for (42, "log"). */
export function segmentFileName(baseOffset: number, kind: SegmentFileKind): string {
  return `${String(baseOffset).padStart(DIGITS, "0")}.${kind}`;
}

/** The base offset that the name of a `.log` file states, or undefined for any other name. */
export function baseOffsetOfLogName(name: string): number | undefined {
  const digits = LOG_NAME.exec(name)?.[1];
  if (digits === undefined) return undefined;
  const offset = Number(digits);
  return Number.isSafeInteger(offset) ? offset : undefined;
}
