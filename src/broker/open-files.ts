// How many files and sockets this process may have open, and how many connections that leaves room for.
// Leaves to others: the limit itself (`ulimit -n`; Bun has raised it to the hard one), and refusing who is one too many.
import { readFileSync } from "node:fs";
import { REFUSED_CONNECTIONS_MAX } from "../limits.ts";

/** Descriptors of an active segment: its log and two indexes, each open to read and, once written to, to append. */
const FILES_PER_PARTITION = 6;

/** For the process itself, what rolls and reads have open for a moment, and some topics that are created later. */
const FILES_RESERVED = 156;

/** The limit on open files of this process; undefined where the system does not tell. */
export function openFilesMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined;
  }
}

/**
 * How many connections there can be beside so many partitions. Past the limit no segment could be begun and no
 * topic created, and the kernel would keep clients waiting that should be told. A quarter of the limit in any case:
 * most partitions may be idle, and have a single file open.
 */
export function connectionsWithin(filesMax: number, partitions: number): number {
  const needed = partitions * FILES_PER_PARTITION + FILES_RESERVED + REFUSED_CONNECTIONS_MAX;
  return Math.max(filesMax - needed, Math.ceil(filesMax / 4));
}
