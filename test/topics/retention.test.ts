import { expect, test } from "bun:test";
import { BatchEncoder } from "../../src/record/encoder.js";
import { Log } from "../../src/log/log.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { Partition } from "../../src/topics/partition.js";
import { ENDLESS } from "../support/log-fixture.js";
import { withTempDir } from "../support/tmp.js";

test("expired records are deleted even when nothing is written any more", async () => {
  await withTempDir(async (directory) => {
    let now = 1_000_000;
    const settings = { ...ENDLESS, segmentBytes: 2 ** 20, retentionMs: 500 };
    const disk = new RealDisk();
    const context = { disk, directory, name: "t-0", settings, now: () => now, report: () => {} };
    const log = await Log.open(context);
    const partition = new Partition({
      topic: "t",
      index: 0,
      log,
      flush: { kind: "always" },
      onFatal: () => {},
    });
    const encoder = new BatchEncoder();
    encoder.append(now, null, "old");
    await partition.append(encoder.finish());

    now += 500;
    expect(await partition.applyRetention()).toBe(0);
    now += 1;
    expect(await partition.applyRetention()).toBe(1);
    expect(partition.describe()).toMatchObject({
      logStartOffset: 1,
      highWatermark: 1,
      segments: 1,
    });
    expect(await partition.applyRetention()).toBe(0);

    encoder.append(now, null, "new");
    expect(await partition.append(encoder.finish())).toBe(1);
    await partition.closeCleanly();
  });
});
