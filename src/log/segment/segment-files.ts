// Names of the files of a segment: its base offset in 20 digits, and an extension.

type SegmentFileKind = "log" | "index" | "timeindex" | "snapshot";

const DIGITS = 20;
const NAME = /^(\d{20})\.(log|index|timeindex|snapshot)$/;

/** `00000000000000000042.log` for (42, "log"). */
export function segmentFileName(baseOffset: number, kind: SegmentFileKind): string {
  return `${String(baseOffset).padStart(DIGITS, "0")}.${kind}`;
}

const CLEANED = ".cleaned";

/** `00000000000000000042.log.cleaned`: a file of a segment that compaction has written and not put in place yet. */
export function cleanedFileName(base: number, kind: "log" | "index" | "timeindex"): string {
  return `${segmentFileName(base, kind)}${CLEANED}`;
}

/** Whether a name comes from `cleanedFileName`. */
export function isCleanedFileName(name: string): boolean {
  return /^\d{20}\.(log|index|timeindex)\.cleaned$/.test(name);
}

/** The name that a file has, or will have once compaction has put it in place. */
export function finalName(name: string): string {
  return isCleanedFileName(name) ? name.slice(0, -CLEANED.length) : name;
}

/** `00000000000000000042.log.cut-1234`: the bytes truncated from that log at position 1234. */
export function cutFileName(baseOffset: number, position: number): string {
  return `${segmentFileName(baseOffset, "log")}.cut-${position}`;
}

/** Whether a name comes from `cutFileName`, or from a later truncation at the same position. */
export function isCutFileName(name: string): boolean {
  return /^\d{20}\.log\.cut-\d+(-\d+)?$/.test(name);
}

export interface SegmentFile {
  readonly offset: number;
  readonly kind: SegmentFileKind;
}

/** Parses the name of a segment file; undefined for any other name. */
export function parseSegmentFileName(name: string): SegmentFile | undefined {
  const match = NAME.exec(name);
  const offset = Number(match?.[1]);
  if (match === null || !Number.isSafeInteger(offset)) return undefined;
  return { offset, kind: match[2] as SegmentFileKind };
}

/** Base offset in the name of a `.log` file; undefined for any other name. */
export function baseOffsetOfLogName(name: string): number | undefined {
  const file = parseSegmentFileName(name);
  return file?.kind === "log" ? file.offset : undefined;
}
