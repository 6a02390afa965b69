// Reads tens of thousands of tiny sealed segments twice: bun test/segments.ts --segments 36000
// Leaves to others: reads without a mapping (log/unmapped.test.ts).
import { readFileSync, writeFileSync } from "node:fs";
import { stampBaseOffset } from "../src/record/batch.js";
import { writeI64 } from "../src/record/bytes.js";
import { Log } from "../src/log/log.js";
import { readAll } from "../src/log/segment/log-slice.js";
import { RealDisk } from "../src/log/disk/real-disk.js";
import { segmentFileName } from "../src/log/segment/segment-files.js";
import { batchOf, contextOf, recordsIn } from "./support/log-fixture.js";
import { runLong } from "./support/long-run.js";
import { tempDir } from "./support/tmp.js";

await runLong({ count: "segments", countDefault: 36_000 }, async ({ count, progress }) => {
  using directory = tempDir();
  for (let offset = 0; offset < count; offset++) {
    const batch = batchOf([`value ${offset}`]);
    stampBaseOffset(batch, 0, offset);
    const times = new Uint8Array(12);
    writeI64(times, 0, 1_000);
    writeFileSync(`${directory.path}/${segmentFileName(offset, "log")}`, batch);
    writeFileSync(`${directory.path}/${segmentFileName(offset, "index")}`, "");
    writeFileSync(`${directory.path}/${segmentFileName(offset, "timeindex")}`, times);
  }
  const log = await Log.open(contextOf(new RealDisk(), {}, { directory: directory.path }));
  let longestMs = 0;
  for (const pass of [1, 2]) {
    for (let offset = 0; offset < count; offset++) {
      const began = performance.now();
      const [record] = recordsIn(readAll(log.segments.read(offset, 1, log.pushedEnd)), offset);
      longestMs = Math.max(longestMs, performance.now() - began);
      if (record?.value !== `value ${offset}`) throw new Error(`offset ${offset} is wrong`);
      if (offset % 4_000 === 0) progress(offset, `pass ${pass}`);
    }
  }
  const mappings = readFileSync("/proc/self/maps", "utf8").split("\n").length;
  log.close();
  return `${count} segments read twice, ${mappings} mappings, longest read ${longestMs.toFixed(1)} ms`;
});
