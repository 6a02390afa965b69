// Waits for a condition, never for a time.

/** Resolves once `condition` holds. If it never does, the test times out. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(1);
}
