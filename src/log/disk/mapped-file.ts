// Mappings of files, and how many of them the process may have.
// Leaves to others: what is read where there is no mapping (log-bytes.ts).
import { readFileSync } from "node:fs";

/** Mappings that Linux allows a process unless it is set otherwise. */
const MAP_COUNT_DEFAULT = 65_530;

/** The rest is left to the process itself, which ends when it can't map memory. */
const SHARE = 0.5;

let mapped = 0;
let allowed: number | undefined;

/** A mapping ends when nobody has a view of it any more. */
const ended = new FinalizationRegistry<undefined>(() => {
  mapped--;
});

/** Maps a whole file, which is not empty and must not be truncated. Throws when there are too many mappings. */
export function mapFile(path: string): Uint8Array {
  allowed ??= mappingsAllowed();
  if (mapped >= allowed) throw new Error(`${mapped} files are mapped, and no more may be`);
  // Unless it is private, a Bun mapping writes through to the file.
  const bytes = Bun.mmap(path, { shared: false });
  mapped++;
  ended.register(bytes.buffer, undefined);
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
