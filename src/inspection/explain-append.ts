// Where a batch that was appended lies in the files, and whether the index got an entry for it.
// Leaves to others: sending it (cli/explain-produce.ts), and finding it (explain-lookup.ts).
import { explainLookup } from "./explain-lookup.ts";
import type { LogFiles } from "./log-files.ts";
import type { LookupExplanation, SegmentSummary } from "./lookup-explanation.ts";

export interface AppendedPlace {
  readonly segment: SegmentSummary;
  readonly position: number;
  readonly bytes: number;
  /** The rule by which the batch got an entry in the offset index, or did not. */
  readonly entry: {
    readonly isWritten: boolean;
    /** Bytes from the batch that the entry before it names, or from the segment's start, to this one. */
    readonly bytesSinceEntry: number;
    readonly intervalBytes: number;
  };
  /** How it is found again. */
  readonly lookup: LookupExplanation;
}

/** The place of the batch that holds `offset`; undefined when it can't be read from the files any more. */
export async function explainAppend(
  log: LogFiles,
  offset: number,
): Promise<AppendedPlace | undefined> {
  const lookup = await explainLookup(log, { offset });
  const { segment, batch, index } = lookup;
  if (segment === undefined || batch === undefined || index === undefined) return undefined;
  const { position, bytes, lastOffset, baseOffset } = batch;
  if (lastOffset === null || baseOffset === null) return undefined;
  // All entries up to the offset before the batch are older than it.
  const older =
    baseOffset > segment.baseOffset
      ? await explainLookup(log, { offset: baseOffset - 1 })
      : undefined;
  const end = await explainLookup(log, { offset: lastOffset });
  const isWritten = end.index?.before?.position === position;
  const bytesSinceEntry = position - (older?.index?.before?.position ?? 0);
  const entry = { isWritten, bytesSinceEntry, intervalBytes: index.intervalBytes };
  return { segment, position, bytes, entry, lookup };
}
