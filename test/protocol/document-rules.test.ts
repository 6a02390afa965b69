// docs/PROTOCOL.md against the code: the rules for producers, each with a batch that breaks it and none before it.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { murmur2 } from "../../src/record/murmur2.js";
import { FIELD, type ProducerSequence } from "../../src/record/batch.js";
import { checkProducedBatch } from "../../src/record/produced-batch.js";
import { PRODUCERS_MAX } from "../../src/limits.js";
import { stampCrc } from "../record/batches.js";
import { startBroker } from "../support/broker.js";
import { thrownBy } from "./codecs.js";
import { exampleBatch, number, plain, section, table } from "./document.js";

describe("producing", () => {
  const BYTES_MAX = 1000;
  /** A change for each rule about a batch alone that breaks it, none of the rules before it, and usually a later one. */
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
    [
      "is CreateTime",
      (batch) => stampCrc(with8(with8(batch, FIELD.attributes + 1, 0x08), FIELD.producerId, 0x7f)),
    ],
    ["is not beyond", (batch) => stampCrc(with8(batch, FIELD.producerId, 0x7f))],
    [
      "are below 0",
      (batch) => stampCrc(with32(with32(batch, FIELD.producerId, 0), FIELD.producerId + 4, 7)),
    ],
  ];
  const rows = table(section("## 10. Producing"), "rule");

  test("the rules of a batch are in the order listed", () => {
    const places = BREAKS.map(([rule]) => rows.findIndex((row) => row.rule?.includes(rule)));
    expect(places).toEqual(BREAKS.map((_, index) => index + 1));
    expect(rows.length).toBe(BREAKS.length + 4);
  });

  test.each(BREAKS)("a batch that breaks '%s' gets the error listed", (rule, change) => {
    const row = rows.find((each) => each.rule?.includes(rule));
    const error = thrownBy(() => checkProducedBatch([change(exampleBatch())], BYTES_MAX));
    expect(error).toMatchObject({ code: plain(row?.otherwise) });
  });

  test("the bounds of idempotent producers", () => {
    const text = section("### Idempotent producers");
    expect(text).toContain(`remembers the ${PRODUCERS_MAX.toLocaleString("en")} producers`);
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

describe("idempotent producers", () => {
  const ID = 7;
  /** Batches of one record with these sequence numbers, in the order sent; a row is about the last one. */
  const CASES: readonly (readonly [row: string, ...batches: ProducerSequence[]])[] = [
    ["begins with the next sequence number", sequence(0), sequence(1)],
    ["or with 0 in a higher epoch", sequence(0), sequence(0, 1)],
    ["one of the last 5", sequence(0), ...[1, 2, 3, 4].map((next) => sequence(next)), sequence(0)],
    ["any other number", sequence(0), sequence(2)],
    ["any other number", sequence(0), sequence(1, 1)],
    ["any other number", ...[0, 1, 2, 3, 4, 5].map((next) => sequence(next)), sequence(0)],
    ["a lower epoch", sequence(0, 1), sequence(1, 0)],
    ["does not know", sequence(77, 3)],
    ["a negative epoch or sequence", sequence(0, -1)],
    ["a negative epoch or sequence", sequence(-1)],
    ["beyond ±(2^53 − 1)", sequence(0, 0, 2 ** 53)],
    ["any other negative", sequence(3, 0, -2), sequence(3, 0, -2)],
  ];
  const rows = table(section("### Idempotent producers"), "the batch");

  test("every row of the table is tested", () => {
    for (const row of rows) {
      expect([row["the batch"], CASES.some(([part]) => row["the batch"]?.includes(part))]).toEqual([
        row["the batch"],
        true,
      ]);
    }
  });

  test("are answered as the table says", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    for (const [index, [part, ...batches]] of CASES.entries()) {
      const row = rows.find((each) => each["the batch"]?.includes(part));
      const earlier = batches.slice(0, -1);
      for (const each of earlier) await session.produce(`t${index}`, 0, numbered(each));
      const answer = session.produce(`t${index}`, 0, numbered(batches.at(-1)!)).then(
        (offset) => (offset === earlier.length ? "it is appended" : `base offset ${offset}`),
        (error: unknown) => (error instanceof RustLogError ? error.code : String(error)),
      );
      const said = row?.answer?.startsWith("not appended: its original base offset")
        ? "base offset 0"
        : plain(row?.answer).replace(/^(it is appended).*/, "$1");
      expect([part, index, await answer]).toEqual([part, index, said]);
    }
  });

  function sequence(baseSequence: number, producerEpoch = 0, producerId = ID): ProducerSequence {
    return { producerId, producerEpoch, baseSequence };
  }

  function numbered({ producerId, producerEpoch, baseSequence }: ProducerSequence): Uint8Array {
    const batch = exampleBatch();
    const view = new DataView(batch.buffer, batch.byteOffset);
    view.setBigInt64(FIELD.producerId, BigInt(producerId));
    view.setInt16(FIELD.producerEpoch, producerEpoch);
    view.setInt32(FIELD.baseSequence, baseSequence);
    return stampCrc(batch);
  }
});

function with8(batch: Uint8Array, at: number, value: number): Uint8Array {
  batch[at] = value;
  return batch;
}

function with32(batch: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(batch.buffer, batch.byteOffset).setUint32(at, value);
  return batch;
}
