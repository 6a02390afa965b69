// Asks for a garbage collection a little after files were deleted. Bun ends a mapping, and gives back its file,
// its descriptor and the space on the disk, when the array over it is collected; and the collector does not
// see how much hangs on such an array, so that it may not come for hours.
// Leaves to others: deleting files (storage/), and saying when (handlers/topics.ts, broker.ts).

/** Deletions this close together share one collection, in milliseconds. */
const COLLECT_AFTER_MS = 500;

let timer: Timer | undefined;

/** Has the mappings of files that were just deleted ended soon. */
export function collectSoon(): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    Bun.gc(true);
  }, COLLECT_AFTER_MS);
  timer.unref();
}
