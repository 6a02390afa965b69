// The timestamps of produced records: the range of a topic, and LogAppendTime.
// Leaves to others: the bytes (record/log-append-time.test.ts), and the clients' view (protocol/kafka/).
import { describe, expect, test } from "bun:test";
import type { RustLogError } from "../../src/errors.js";
import { listOffset } from "../../src/services/list-offsets.js";
import { produce } from "../../src/services/produce.js";
import { type Appended, produceAll } from "../../src/services/produce-all.js";
import { RefusedTimestamps } from "../../src/services/timestamp-check.js";
import { firstRecordFrom } from "../../src/services/record-times.js";
import type { ServiceContext } from "../../src/services/context.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Codec } from "../../src/record/batch.js";
import { logDefaults } from "../../src/topics/topic-defaults.js";
import { batchOf, codeOf, ENDLESS } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

/** A topic `t` with these settings, and a clock that a test may move. */
async function topicWith(settings: Readonly<Record<string, string>> = {}) {
  const clock = { ms: NOW };
  const defaults = logDefaults(ENDLESS, {});
  const context = await openServices({}, { now: () => clock.ms, logDefaults: defaults });
  await context.registry.create("t", 1, settings);
  return { context, clock };
}

function batchAt(times: readonly number[], codec: Codec = "none"): Uint8Array {
  const encoder = new BatchEncoder({ codec });
  for (const time of times) encoder.append(time, null, "v");
  return encoder.finish();
}

const outcome = (context: ServiceContext, ...times: number[]) =>
  codeOf(() => produce(context, { topic: "t", partition: 0, batch: [batchAt(times)] }));

/** As a Kafka client produces, which is told of the records. */
async function outcomeOf(context: ServiceContext, batch: Uint8Array) {
  const [result] = await new Promise<readonly (Appended | RustLogError)[]>((resolve) => {
    void produceAll(context, [{ topic: "t", partition: 0, batch: [batch] }], resolve);
  });
  return result!;
}

describe("the range", () => {
  test("by default ends an hour after the broker's clock, and has no beginning", async () => {
    const { context, clock } = await topicWith();
    expect(await outcome(context, NOW + HOUR)).toBeUndefined();
    expect(await outcome(context, NOW, NOW + HOUR + 1, NOW)).toBe("INVALID_TIMESTAMP");
    expect(await outcome(context, 0)).toBeUndefined();
    expect(await outcome(context, -1)).toBeUndefined();
    expect(await outcome(context, -(2 ** 53 - 1))).toBeUndefined();
    clock.ms++;
    expect(await outcome(context, NOW + HOUR + 1)).toBeUndefined();
    expect(context.registry.partition("t", 0).highWatermark).toBe(5);
  });

  test("is what the settings say from the next batch on", async () => {
    const { context } = await topicWith({ "message.timestamp.before.max.ms": "10" });
    expect(await outcome(context, NOW - 10)).toBeUndefined();
    expect(await outcome(context, NOW - 11)).toBe("INVALID_TIMESTAMP");
    // The first record, whatever the largest timestamp is.
    expect(await outcome(context, NOW - 11, NOW)).toBe("INVALID_TIMESTAMP");
    expect(await outcome(context, -1, NOW)).toBeUndefined();
    // One in the middle, which the header does not show.
    expect(await outcome(context, NOW, NOW - 11, NOW)).toBe("INVALID_TIMESTAMP");
    expect(await outcomeOf(context, batchAt([NOW, NOW - 11, NOW], "zstd"))).toMatchObject({
      records: [{ index: 1, timestamp: NOW - 11 }],
    });
    expect(await outcome(context, -1)).toBeUndefined();
    await context.registry.alterSettings("t", { "message.timestamp.after.max.ms": "0" });
    expect(await outcome(context, NOW - 11)).toBeUndefined();
    expect(await outcome(context, NOW + 1)).toBe("INVALID_TIMESTAMP");
    const unlimited = "9223372036854775807";
    await context.registry.alterSettings("t", { "message.timestamp.after.max.ms": unlimited });
    expect(await outcome(context, 2 ** 53 - 1)).toBeUndefined();
  });

  test("counts for a topic that a batch would create, which is not created", async () => {
    const { context } = await topicWith();
    const batch = [batchAt([NOW + 2 * HOUR])] as const;
    expect(await codeOf(() => produce(context, { topic: "new", partition: 0, batch }))).toBe(
      "INVALID_TIMESTAMP",
    );
    expect(context.registry.find("new")).toBeUndefined();
  });

  test("an error names the setting and the time, and the records that are out of range", async () => {
    const { context } = await topicWith({ "message.timestamp.before.max.ms": "1000" });
    for (const codec of ["none", "gzip"] as const) {
      const late = NOW + HOUR + 5;
      const error = await outcomeOf(context, batchAt([NOW, late, NOW - 1_001, -1, late], codec));
      expect(error).toMatchObject({
        code: "INVALID_TIMESTAMP",
        message:
          "the timestamp 2023-11-14T23:13:20.005Z of a record is 3600005 ms ahead of the broker's clock, " +
          "and the topic's message.timestamp.after.max.ms allows 3600000 ms",
      });
      expect(error).toBeInstanceOf(RefusedTimestamps);
      expect(error).toMatchObject({
        records: [
          { index: 1, timestamp: late },
          { index: 2, timestamp: NOW - 1_001 },
          { index: 4, timestamp: late },
        ],
        range: `[${NOW - 1_000}, ${NOW + HOUR}]`,
      });
    }
  });

  test("of a large batch the first hundred records are named", async () => {
    const { context } = await topicWith();
    const error = await outcomeOf(context, batchAt(Array.from({ length: 500 }, () => 2 ** 50)));
    expect(error).toMatchObject({ records: { length: 100 } });
  });
});

describe("LogAppendTime", () => {
  const SETTINGS = { "message.timestamp.type": "LogAppendTime" };

  test("is the broker's time, whatever the timestamps are, and found by searches", async () => {
    const { context, clock } = await topicWith(SETTINGS);
    expect(await outcomeOf(context, batchAt([2 ** 50, 1]))).toMatchObject({
      baseOffset: 0,
      logAppendTimeMs: NOW,
    });
    clock.ms += 10;
    expect(await outcomeOf(context, batchAt([5, 6], "gzip"))).toMatchObject({
      baseOffset: 2,
      logAppendTimeMs: NOW + 10,
    });
    const where = { topic: "t", partition: 0 };
    expect(await firstRecordFrom(context, where, NOW + 1)).toEqual({
      offset: 2,
      timestamp: NOW + 10,
    });
    expect(await listOffset(context, { ...where, timestamp: NOW })).toMatchObject({
      offset: 0,
      timestamp: NOW,
    });
  });

  test("of a retry is that of the first attempt", async () => {
    const { context, clock } = await topicWith(SETTINGS);
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0 };
    const batch = batchOf(["v"], 1, producer);
    const first = outcomeOf(context, batch.slice());
    clock.ms += 10;
    const whileFlushing = outcomeOf(context, batch.slice());
    const expected = { baseOffset: 0, logAppendTimeMs: NOW };
    expect([await first, await whileFlushing]).toMatchObject([expected, expected]);
    clock.ms += 10;
    expect(await outcomeOf(context, batch.slice())).toMatchObject(expected);
    expect(context.registry.partition("t", 0).highWatermark).toBe(1);
  });

  test("counts from the next batch on, and until it is changed back", async () => {
    const { context } = await topicWith();
    const timeOf = async () => await outcomeOf(context, batchAt([7]));
    expect(await timeOf()).toMatchObject({ logAppendTimeMs: -1 });
    await context.registry.alterSettings("t", SETTINGS);
    expect(await timeOf()).toMatchObject({ logAppendTimeMs: NOW });
    await context.registry.alterSettings("t", {});
    expect(await timeOf()).toMatchObject({ logAppendTimeMs: -1 });
  });
});
