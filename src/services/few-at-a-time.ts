// Works on the items of a request a few at a time, so that one request neither does everything in one turn of the event
// loop nor fills the disk's queue, behind which the flushes of other clients wait.

/** Resolves with the results in order. Rejects with the first failure; items of later portions are then left out. */
export async function fewAtATime<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += most) {
    results.push(...(await Promise.all(items.slice(from, from + most).map(work))));
  }
  return results;
}
