// Maps files, and limits the number of mappings in the process.
// Leaves to others: reading without a mapping (log-bytes.ts).
import { readFileSync, type Stats } from "node:fs";

/** Linux's default limit of mappings per process (`vm.max_map_count`). */
const MAP_COUNT_DEFAULT = 65_530;

/** Share of the limit that files may use. The runtime needs the rest: it aborts if it can't map memory. */
const SHARE = 0.5;

let mapped = 0;
let allowed: number | undefined;

/** A file, whatever its name is: the directory of a deleted topic is renamed. */
type FileId = Pick<Stats, "dev" | "ino">;

/** The mappings of one file, and what waits for their end. */
interface MappedFile {
  count: number;
  readonly waiting: (() => void)[];
}

const byFile = new Map<string, MappedFile>();

/** A mapping ends when its last view is garbage-collected. */
const ended = new FinalizationRegistry<string>((key) => {
  mapped--;
  const of = byFile.get(key);
  if (of === undefined || --of.count > 0) return;
  byFile.delete(key);
  for (const callback of of.waiting) callback();
});

/** Calls `callback` once no mapping of a file is left: at once if it has no mappings. */
export function afterUnmapping(file: FileId, callback: () => void): void {
  const of = byFile.get(keyOf(file));
  if (of === undefined) callback();
  else of.waiting.push(callback);
}

/** Maps a whole file, which must not be empty and must never be truncated. Throws if there are too many mappings. */
export function mapFile(path: string, file: FileId): Uint8Array {
  allowed ??= mappingsAllowed();
  if (mapped >= allowed) throw new Error(`limit of mapped files reached (${mapped})`);
  // A shared mapping in Bun would write through to the file.
  const bytes = Bun.mmap(path, { shared: false });
  mapped++;
  const key = keyOf(file);
  const of = byFile.get(key);
  if (of === undefined) byFile.set(key, { count: 1, waiting: [] });
  else of.count++;
  ended.register(bytes.buffer, key);
  return bytes;
}

function keyOf({ dev, ino }: FileId): string {
  return `${dev} ${ino}`;
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
