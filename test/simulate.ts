// Runs the simulation of the storage for a number of seeds or minutes:
//   bun run test:sim --seeds 2000 [--from 1] [--processes | --early] [--changes]
//   bun run test:sim --minutes 10
//   bun run test:sim --compaction --seeds 2000 [--from 1] [--processes]
// Leaves to others: the simulation (support/simulation.ts). Exits with 1 if a promise was broken.
import { parseArgs } from "node:util";
import { simulateCompaction } from "./support/compaction-simulation.js";
import { simulate } from "./support/simulation.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    minutes: { type: "string" },
    from: { type: "string" },
    processes: { type: "boolean", default: false },
    early: { type: "boolean", default: false },
    changes: { type: "boolean", default: false },
    compaction: { type: "boolean", default: false },
  },
});

const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const seeds = Number(values.seeds ?? (minutes === undefined ? 1_000 : Number.POSITIVE_INFINITY));
const from = Number(values.from ?? 1);
const { processes, early, changes, compaction } = values;
if (compaction && (early || changes)) {
  console.error("--compaction goes only with --processes");
  process.exit(2);
}
for (const [name, value] of Object.entries({ seeds, minutes: minutes ?? 1, from })) {
  if (value > 0) continue;
  console.error(`--${name} needs a number above 0`);
  process.exit(2);
}

const began = performance.now();
const deadline = began + (minutes ?? Number.POSITIVE_INFINITY) * 60_000;
const interactive = process.stderr.isTTY;
let operations = 0;
let crashes = 0;
let done = 0;
let lastProgress = began;
const failed: number[] = [];

function progress(): void {
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  const line =
    `${done} seeds, ${crashes} crashes, ${operations} operations, ` +
    `${failed.length} violations, ${seconds} s`;
  process.stderr.write(interactive ? `\r${line}\x1b[K` : `${line}\n`);
}

for (let seed = from; done < seeds && performance.now() < deadline; seed++) {
  const report = compaction
    ? await simulateCompaction(seed, { processes })
    : await simulate(seed, { processes, early, changes });
  done++;
  operations += report.operations;
  crashes += report.crashes;
  if (report.violation !== undefined) {
    failed.push(seed);
    if (interactive) process.stderr.write("\r\x1b[K");
    console.log(`seed ${seed}: ${report.violation}`);
    const flags = Object.entries({ processes, early, changes, compaction }).filter(
      ([, isSet]) => isSet,
    );
    const flag = flags.map(([name]) => ` --${name}`).join("");
    console.log(`  again: bun run test:sim --seeds 1 --from ${seed}${flag}\n`);
  }
  // A pipe gets an occasional line, a terminal a line that is updated.
  if (performance.now() - lastProgress < (interactive ? 200 : 10_000)) continue;
  lastProgress = performance.now();
  progress();
}
progress();
if (interactive) process.stderr.write("\n");
if (failed.length > 0) {
  console.log(
    `${failed.length} of ${done} seeds broke a promise: ${failed.slice(0, 50).join(" ")}`,
  );
  process.exit(1);
}
console.log(`${done} seeds from ${from}: no promise was broken`);
