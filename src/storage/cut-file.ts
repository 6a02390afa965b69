// What recovery cuts off a log although whole batches stand in it: kept in a file beside the log, for people.
// Leaves to others: where a log is cut (recovery.ts). The broker never reads such a file again, nor removes it.
//
// Behind a torn end nothing is whole, and it is cut without more ado. Whole batches behind a place that is not are
// either damage, or what a machine that stopped had written of its pages out of order: which of the two
// can't be told, and only the second was never acknowledged.
import { BatchWalker } from "./batch-walker.ts";
import { type AppendFile, joinPath } from "./disk.ts";
import { copyFile, readFully } from "./file-copy.ts";
import type { LogContext } from "./log-context.ts";
import { cutFileName } from "./segment-files.ts";

/**
 * Keeps what `file` has from `position` on, if any whole batch is in it, and makes it durable. Returns the name of
 * the file that has it, or undefined when there was nothing to keep.
 */
export async function keepWholeBatches(
  { disk, directory }: LogContext,
  file: AppendFile,
  baseOffset: number,
  position: number,
  nextOffset: number,
): Promise<string | undefined> {
  const walker = new BatchWalker({
    size: file.size,
    read: (into, at) => readFully(file, into, at),
  });
  const isBatch = walker.faultAt(position) === undefined;
  const next = () => walker.findNext(position, walker.headerAt(position), nextOffset);
  if (!isBatch && next() === file.size) return undefined;
  const first = cutFileName(baseOffset, position);
  let name = first;
  for (let i = 2; disk.fileSize(joinPath(directory, name)) !== undefined; i++)
    name = `${first}-${i}`;
  await copyFile(disk, file, position, directory, name);
  return name;
}
