// The clock of everything that is measured for each request.
// Leaves to others: the time of day.

/** Milliseconds on the clock of `performance.now()`, in a third of its time: a request reads the clock several times. */
export function clockMs(): number {
  return Bun.nanoseconds() / 1e6;
}
