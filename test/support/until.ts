// Waits for a condition, never for a time.

/** Resolves once `condition` holds. A condition that never does is ended by the test's own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(1);
}
