// One compaction in a process of its own, so that its memory can be measured: `bun bench/compaction/run.ts JOB`, with the
// job as JSON. Prints a RunResult as JSON.
// Leaves to others: the files (changelog.ts), and what is made of the result (../compaction.ts).
import { readFileSync } from "node:fs";
import type { CompactionJob, CompactionResult } from "../../src/log/compaction/compaction-job.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";

export interface RunResult {
  readonly seconds: number;
  /** Most memory that the process has had, in KiB. */
  readonly peakKib: number;
  readonly result: CompactionResult;
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? "") as CompactionJob;
  const beganMs = performance.now();
  const result = await compactSegments(new RealDisk(), job);
  const seconds = (performance.now() - beganMs) / 1000;
  const peakKib = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  console.log(JSON.stringify({ seconds, peakKib, result }));
}
