// docs/PROTOCOL.md against the code: the rules for producers, each with a batch that breaks it and none before it.
import { describe, expect, test } from "bun:test";
import { murmur2 } from "../../src/client/murmur2.ts";
import { checkProducedBatch, FIELD } from "../../src/record/batch.ts";
import { PRODUCERS_MAX } from "../../src/storage/producer-states.ts";
import { stampCrc } from "../record/batches.ts";
import { thrownBy } from "./codecs.ts";
import { exampleBatch, number, plain, section, table } from "./document.ts";

describe("producing", () => {
  const BYTES_MAX = 1000;
  /** What breaks a rule that can be seen in the batch alone, none before it, and mostly one after it. */
  const BREAKS: readonly (readonly [rule: string, change: (batch: Uint8Array) => Uint8Array])[] = [
    ["larger than `maxBatchBytes`", () => new Uint8Array(BYTES_MAX + 1)],
    [
      "at least 61 bytes",
      (batch) => with32(with32(batch, FIELD.batchLength, 48), FIELD.recordCount, 0),
    ],
    ["`magic` is 2", (batch) => with32(with8(batch, FIELD.magic, 1), FIELD.recordCount, 0)],
    [
      "equal to `lastOffsetDelta` + 1",
      (batch) => with8(with32(batch, FIELD.recordCount, 2), 0, 0x80),
    ],
    ["is not negative", (batch) => with8(with8(batch, 0, 0x80), FIELD.attributes + 1, 5)],
    [
      "one of the five",
      (batch) => with8(with8(batch, FIELD.attributes + 1, 5), FIELD.maxTimestamp, 1),
    ],
    ["within ±(2^53 − 1)", (batch) => with8(batch, FIELD.maxTimestamp, 1)],
    ["`crc` is right", (batch) => with32(with8(batch, FIELD.attributes + 1, 0x10), FIELD.crc, 1)],
    [
      "nothing after it",
      (batch) => Uint8Array.of(...stampCrc(with8(batch, FIELD.attributes + 1, 0x10)), 0),
    ],
    ["control bit are 0", (batch) => stampCrc(with8(batch, FIELD.attributes + 1, 0x18))],
    ["is CreateTime", (batch) => stampCrc(with8(batch, FIELD.attributes + 1, 0x08))],
  ];
  const rows = table(section("## 10. Producing"), "rule");

  test("the rules of a batch are in the order listed", () => {
    const places = BREAKS.map(([rule]) => rows.findIndex((row) => row.rule?.includes(rule)));
    expect(places).toEqual(BREAKS.map((_, index) => index + 1));
    expect(rows.length).toBe(BREAKS.length + 3);
  });

  test.each(BREAKS)("a batch that breaks '%s' gets the error listed", (rule, change) => {
    const row = rows.find((each) => each.rule?.includes(rule));
    const error = thrownBy(() => checkProducedBatch(change(exampleBatch()), BYTES_MAX));
    expect(error).toMatchObject({ code: plain(row?.otherwise) });
  });

  test("the bounds of idempotent producers", () => {
    const text = section("### Idempotent producers");
    expect(text).toContain(`knows the ${PRODUCERS_MAX.toLocaleString("en")} producers`);
  });

  test("the hashes of keys", () => {
    for (const row of table(section("### Which partition"), "key")) {
      expect([row.key, murmur2(new TextEncoder().encode(plain(row.key))) >>> 0]).toEqual([
        row.key,
        number(row.murmur2),
      ]);
    }
  });
});

function with8(batch: Uint8Array, at: number, value: number): Uint8Array {
  batch[at] = value;
  return batch;
}

function with32(batch: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(batch.buffer, batch.byteOffset).setUint32(at, value);
  return batch;
}
