// Where an appended batch is in the files, and whether the offset index got an entry for it.
// Leaves to others: sending it (cli/explain-produce.ts), and finding it (explain-lookup.ts).
import { explainLookup } from "./explain-lookup.js";
import type { LogFiles } from "./log-files.js";
import type { LookupExplanation, SegmentSummary } from "./lookup-explanation.js";

export interface AppendedPlace {
  readonly segment: SegmentSummary;
  readonly position: number;
  readonly bytes: number;
  /** Why the batch did or did not get an entry in the offset index. */
  readonly entry: {
    readonly isWritten: boolean;
    /** Bytes from the batch of the previous entry, or from the start of the segment, to this batch. */
    readonly bytesSinceEntry: number;
    readonly intervalBytes: number;
  };
  /** The lookup that finds the batch. */
  readonly lookup: LookupExplanation;
}

/** The place of the batch that holds `offset`, or undefined if it can no longer be read from the files. */
export async function explainAppend(
  log: LogFiles,
  offset: number,
): Promise<AppendedPlace | undefined> {
  const lookup = await explainLookup(log, { offset });
  const { segment, batch, index } = lookup;
  if (segment === undefined || batch === undefined || index === undefined) return undefined;
  const { position, bytes, lastOffset, baseOffset } = batch;
  if (lastOffset === null || baseOffset === null) return undefined;
  // Every entry up to the offset before the batch is older than the batch.
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
