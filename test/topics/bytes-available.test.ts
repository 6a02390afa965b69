import { expect, test } from "bun:test";
import { BatchEncoder } from "../../src/record/encoder.ts";
import { Log } from "../../src/log/log.ts";
import { RealDisk } from "../../src/log/disk/real-disk.ts";
import { Partition } from "../../src/topics/partition.ts";
import { withTempDir } from "../support/tmp.ts";

test("enough bytes are seen also when that many end inside a batch", async () => {
  await withTempDir(async (directory) => {
    const settings = {
      segmentBytes: 2 ** 20,
      segmentMs: Number.MAX_SAFE_INTEGER,
      retentionBytes: -1,
      retentionMs: -1,
    };
    const context = { disk: new RealDisk(), directory, name: "t-0", settings };
    const log = await Log.open({ ...context, now: Date.now, report: () => {} });
    const partition = new Partition("t", 0, log, { kind: "always" }, () => {});
    let total = 0;
    for (let i = 0; i < 3; i++) {
      const encoder = new BatchEncoder();
      encoder.append(1, null, "x");
      const batch = encoder.finish();
      total += batch.length;
      await partition.append(batch);
    }
    for (let enough = 1; enough <= total; enough++) {
      expect(partition.bytesAvailable(0, enough)).toBeGreaterThanOrEqual(enough);
    }
    expect(partition.bytesAvailable(0, total + 1)).toBe(total);
    await partition.closeCleanly();
  });
});
