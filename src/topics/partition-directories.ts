// The directories of a topic's partitions: those that are missing, those of new partitions, and leftovers.
// Leaves to others: the number of partitions (topic-file.ts), and opening them (topic.ts).
//
// Directories of added partitions are made and flushed before topic.json counts them. So after a crash there may be
// directories beyond the count. Nothing was ever appended to them, and the next start removes them.
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.js";
import type { TurnBudget } from "../log/event-loop.js";

interface Place {
  readonly disk: Disk;
  /** Directory of the topic. */
  readonly directory: string;
  readonly report: (line: string) => void;
}

interface MadeDirectories {
  /** Why a partition has no directory. */
  readonly faults: ReadonlyMap<number, unknown>;
  readonly isChanged: boolean;
}

/** Creates missing directories of a topic's partitions, and removes those beyond them if they are empty. */
export async function completeDirectories(
  place: Place,
  topic: string,
  partitions: number,
): Promise<MadeDirectories> {
  const { disk, directory, report } = place;
  const names = disk.list(directory);
  const present = new Set(names);
  const faults = new Map<number, unknown>();
  let isChanged = false;
  for (let i = 0; i < partitions; i++) {
    if (present.has(String(i))) continue;
    const path = joinPath(directory, String(i));
    try {
      disk.makeDirectory(path);
      isChanged = true;
      // It was durable before the topic was, so only damage or a failed creation can have removed it.
      report(`${path} is missing: ${topic}-${i} starts empty at offset 0`);
    } catch (error) {
      faults.set(i, error);
    }
  }
  for (const name of names.filter((it) => isBeyond(it, partitions))) {
    await removeLeftover(place, name, partitions);
  }
  return { faults, isChanged };
}

/** Throws if something other than an empty leftover has the place of partitions `from` to `to - 1`. */
export function refuseOccupied({ disk, directory }: Place, from: number, to: number): void {
  for (const name of disk.list(directory)) {
    const path = joinPath(directory, name);
    if (!isBeyond(name, from) || Number(name) >= to || isEmpty(disk, path)) continue;
    throw new Error(`${path} holds files of an unknown partition; move it away`);
  }
}

/** Creates the directories of partitions `from` to `to - 1`, and makes them durable. */
export async function makeDirectories(
  { disk, directory }: Place,
  from: number,
  to: number,
  turns: TurnBudget,
): Promise<void> {
  const present = new Set(disk.list(directory));
  for (let i = from; i < to; i++) {
    await turns.next();
    const path = joinPath(directory, String(i));
    if (present.has(String(i))) await disk.removeDirectory(path);
    disk.makeDirectory(path);
  }
  await disk.syncDirectory(directory);
}

/** Removes the directories of partitions that could not be added. */
export async function removeDirectories(
  { disk, directory, report }: Place,
  from: number,
  to: number,
): Promise<void> {
  for (let i = from; i < to; i++) {
    const path = joinPath(directory, String(i));
    try {
      await disk.removeDirectory(path);
    } catch (error) {
      report(
        `${path}, created for a partition that was not added, could not be removed: ${reasonOf(error)}; ` +
          "the next start tries again",
      );
      return;
    }
  }
}

/** Whether this is a partition's directory that holds nothing but empty files. */
export function isEmpty(disk: Pick<Disk, "list" | "fileSize">, path: string): boolean {
  return disk.list(path).every((name) => disk.fileSize(joinPath(path, name)) === 0);
}

/** Whether a name in the directory of a topic is that of a partition that a topic with `count` partitions lacks. */
function isBeyond(name: string, count: number): boolean {
  return /^[1-9]\d*$/.test(name) && Number(name) >= count;
}

async function removeLeftover(place: Place, name: string, partitions: number): Promise<void> {
  const { disk, directory, report } = place;
  const path = joinPath(directory, name);
  try {
    if (isEmpty(disk, path)) await disk.removeDirectory(path);
    else report(`${path} is not served: topic.json states ${partitions} partitions`);
  } catch (error) {
    report(`${path}, left over from a change, could not be removed: ${reasonOf(error)}; ignored`);
  }
}
