// The frame of a long test that is run by hand: its flags, a line of progress, its exit status.
// Leaves to others: the test.
import { parseArgs } from "node:util";

/** What a run is given. */
export interface LongRun {
  readonly count: number;
  readonly seed: number;
  /** Shows how far it is. */
  progress(done: number, more: string): void;
}

/**
 * Reads `--seed` and the flag that counts, runs `test`, prints what it returns, and ends the process: with 1
 * when it throws, printing the seed that it was.
 */
export async function runLong(
  flag: { readonly count: string; readonly countDefault: number },
  test: (run: LongRun) => Promise<string>,
): Promise<never> {
  const { values } = parseArgs({
    options: { [flag.count]: { type: "string" }, seed: { type: "string" } },
  });
  const count = Number(values[flag.count] ?? flag.countDefault);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const began = performance.now();
  const progress = (done: number, more: string): void => {
    const seconds = Math.round((performance.now() - began) / 1000);
    const line = `${flag.count} ${done}/${count}, ${seconds} s: ${more}`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
    else process.stderr.write(`${line}\n`);
  };
  try {
    const summary = await test({ count, seed, progress });
    if (process.stderr.isTTY) process.stderr.write("\n");
    console.log(`seed ${seed}: ${summary}`);
    process.exit(0);
  } catch (error) {
    console.error(`\nviolation, seed ${seed}:`, error);
    process.exit(1);
  }
}
