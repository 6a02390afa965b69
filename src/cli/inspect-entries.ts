// `rustlog inspect` of a file with entries: an offset index, a time index, or a producer snapshot.
// Leaves to others: the meaning of an entry (inspection/index-entries.ts, inspection/snapshot-entries.ts), logs
// (inspect-log.ts).
import { formatTime } from "../inspection/batch-description.js";
import type { DumpItem } from "../inspection/fields.js";
import {
  type IndexEntry,
  type IndexListing,
  indexFields,
  listIndex,
} from "../inspection/index-entries.js";
import {
  listSnapshot,
  type SnapshotEntry,
  snapshotFields,
} from "../inspection/snapshot-entries.js";
import { printableJson } from "../printable.js";
import { RealDisk } from "../log/disk/real-disk.js";
import type { InspectOptions, InspectOutput } from "./inspect-output.js";
import { formatTable } from "./table.js";

export function printIndex(
  path: string,
  kind: "index" | "timeindex",
  options: InspectOptions,
  output: InspectOutput,
): Promise<void> {
  const listing = listIndex(new RealDisk(), path, kind);
  const entries = listing.entries.filter(({ offset }) => offset >= options.from);
  return printEntries(entries, listing.faults, options, output, {
    kind: "entry",
    fields: (shown) => indexFields(listing, shown),
    table: (shown) => indexTable(listing, shown),
  });
}

/** Prints a producer snapshot: one line for each remembered batch of each producer. */
export function printSnapshot(
  path: string,
  options: InspectOptions,
  output: InspectOutput,
): Promise<void> {
  const listing = listSnapshot(path);
  const entries = listing.entries.filter(({ lastOffset }) => (lastOffset ?? 0) >= options.from);
  return printEntries(entries, listing.faults, options, output, {
    kind: "producer",
    fields: (shown) => snapshotFields(listing, shown),
    table: snapshotTable,
  });
}

interface EntryViews<Entry> {
  readonly kind: string;
  fields(entries: readonly Entry[]): Iterable<DumpItem>;
  table(entries: readonly Entry[]): string;
}

async function printEntries<Entry extends object>(
  entries: readonly Entry[],
  faults: readonly string[],
  { isJson, isHex, limit }: InspectOptions,
  output: InspectOutput,
  { kind, fields, table }: EntryViews<Entry>,
): Promise<void> {
  const shown = entries.slice(0, limit);
  if (isJson) await output.lines(shown.map((entry) => printableJson({ kind, ...entry })));
  else if (isHex) await output.dump(fields(shown));
  else await output.lines(table(shown).trimEnd().split("\n"));
  for (const reason of faults) {
    if (isJson) output.json({ kind: "damage", reason });
    else output.damage(`DAMAGED: ${reason}`);
  }
}

function indexTable({ kind, isChecked }: IndexListing, entries: readonly IndexEntry[]): string {
  const check = (fault: string | undefined): string =>
    fault ?? (isChecked ? "ok" : "not checked: its log is missing");
  if (kind === "index") {
    const rows = entries.map(({ entry, offset, position, fault }) => [
      entry,
      offset,
      position ?? "?",
      check(fault),
    ]);
    return formatTable(["ENTRY", "OFFSET", "POSITION", "CHECK"], rows);
  }
  const rows = entries.map(({ entry, offset, timestamp, fault }) => [
    entry,
    offset,
    timestamp ?? "?",
    formatTime(timestamp ?? null),
    check(fault),
  ]);
  return formatTable(["ENTRY", "OFFSET", "TIMESTAMP", "TIME", "CHECK"], rows);
}

function snapshotTable(entries: readonly SnapshotEntry[]): string {
  const header = ["PRODUCER", "EPOCH", "SEQUENCE", "RECORDS", "OFFSET", "TIMESTAMP"];
  const rows = entries.map((entry) => [
    entry.producerId ?? "?",
    entry.producerEpoch,
    entry.baseSequence,
    entry.recordCount,
    entry.baseOffset ?? "?",
    formatTime(entry.timestamp),
  ]);
  return formatTable(header, rows);
}
