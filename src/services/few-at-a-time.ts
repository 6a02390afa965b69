// Works on the items of a request a few at a time, so that one request neither does everything in one turn of the event
// loop nor fills the disk's queue, behind which the flushes of other clients wait.
import { nextTurn } from "../log/event-loop.js";

/** Called between portions with the number of items in the last one; what it returns is awaited. */
export type Pause = (items: number) => void | Promise<void>;

/** Resolves with the results in order. Rejects with the first failure; items of later portions are then left out. */
export async function fewAtATime<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
  pause: Pause = nextTurn,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += most) {
    if (from > 0) await pause(most);
    results.push(...(await Promise.all(items.slice(from, from + most).map(work))));
  }
  return results;
}
