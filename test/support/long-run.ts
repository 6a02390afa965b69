// The frame of a long test that is run by hand: flags, progress, and exit status.
// Leaves to others: the test.
import { parseArgs } from "node:util";

/** Parameters of a run. */
export interface LongRun {
  readonly count: number;
  readonly seed: number;
  /** Switches that were given. */
  readonly switches: ReadonlySet<string>;
  /** Shows progress. */
  progress(done: number, more: string): void;
}

/**
 * Reads `--seed` and the count flag, runs `test`, prints its result, and ends the process. If `test` throws, prints the
 * seed and exits with 1.
 */
export async function runLong(
  flag: {
    readonly count: string;
    readonly countDefault: number;
    readonly switches?: readonly string[];
  },
  test: (run: LongRun) => Promise<string>,
): Promise<never> {
  const { values } = parseArgs({
    options: {
      ...{ [flag.count]: { type: "string" }, seed: { type: "string" } },
      ...Object.fromEntries((flag.switches ?? []).map((name) => [name, { type: "boolean" }])),
    },
  });
  const switches = new Set(flag.switches?.filter((name) => values[name] === true));
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
    const summary = await test({ count, seed, switches, progress });
    if (process.stderr.isTTY) process.stderr.write("\n");
    console.log(`seed ${seed}: ${summary}`);
    process.exit(0);
  } catch (error) {
    console.error(`\nviolation, seed ${seed}:`, error);
    process.exit(1);
  }
}
