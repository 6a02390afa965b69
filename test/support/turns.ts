// Counts turns of the event loop: a test of work that is to leave the loop to others must not depend on time.

/** Waits for work. Resolves with its result, and the turns that the event loop took meanwhile. */
export async function turnsOf<T>(
  work: Promise<T>,
): Promise<{ readonly result: T; readonly turns: number }> {
  let turns = 0;
  let next = setImmediate(function count() {
    turns++;
    next = setImmediate(count);
  });
  try {
    return { result: await work, turns };
  } finally {
    clearImmediate(next);
  }
}
