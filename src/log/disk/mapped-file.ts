// Maps files, and limits the number of mappings in the process.
// Leaves to others: reading without a mapping (log-bytes.ts).
import { readFileSync } from "node:fs";

/** Linux's default limit of mappings per process (`vm.max_map_count`). */
const MAP_COUNT_DEFAULT = 65_530;

/** Share of the limit that files may use. The runtime needs the rest: it aborts if it can't map memory. */
const SHARE = 0.5;

let mapped = 0;
let allowed: number | undefined;

/** The mappings of one path, and what waits for their end. */
interface MappedPath {
  count: number;
  readonly waiting: (() => void)[];
}

const byPath = new Map<string, MappedPath>();

/** A mapping ends when its last view is garbage-collected. */
const ended = new FinalizationRegistry<string>((path) => {
  mapped--;
  const of = byPath.get(path);
  if (of === undefined || --of.count > 0) return;
  byPath.delete(path);
  for (const callback of of.waiting) callback();
});

/** Calls `callback` once no mapping that was made under this name is left: at once if there is none. */
export function afterUnmapping(path: string, callback: () => void): void {
  const of = byPath.get(path);
  if (of === undefined) callback();
  else of.waiting.push(callback);
}

/** Maps a whole file, which must not be empty and must never be truncated. Throws if there are too many mappings. */
export function mapFile(path: string): Uint8Array {
  allowed ??= mappingsAllowed();
  if (mapped >= allowed) throw new Error(`limit of mapped files reached (${mapped})`);
  // A shared mapping in Bun would write through to the file.
  const bytes = Bun.mmap(path, { shared: false });
  mapped++;
  const of = byPath.get(path);
  if (of === undefined) byPath.set(path, { count: 1, waiting: [] });
  else of.count++;
  ended.register(bytes.buffer, path);
  return bytes;
}

function mappingsAllowed(): number {
  let count = MAP_COUNT_DEFAULT;
  try {
    count = Number.parseInt(readFileSync("/proc/sys/vm/max_map_count", "utf8"), 10);
  } catch {
    // Not Linux.
  }
  return Math.floor(SHARE * (count > 0 ? count : MAP_COUNT_DEFAULT));
}
