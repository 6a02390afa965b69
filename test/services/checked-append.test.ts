// Records without a key on compacted topics: refused with the whole batch, whatever its codec and size.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { CODECS, FIELD } from "../../src/record/batch.js";
import { writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Codec } from "../../src/record/batch.js";
import { KeylessRecords } from "../../src/services/record-check.js";
import { produce } from "../../src/services/produce.js";
import { codeOf, recordsFrom } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const COMPACT = { "cleanup.policy": "compact" };

async function opened(settings: Record<string, string> = COMPACT) {
  const context = await openServices({ batchBytesMax: 2 ** 30 });
  await context.registry.create("t", 1, settings);
  const send = (...batch: [Uint8Array, ...Uint8Array[]]) =>
    produce(context, { topic: "t", partition: 0, batch });
  return { context, send, partition: context.registry.partition("t", 0) };
}

function batchWith(keys: readonly (string | null)[], value = "v", codec: Codec = "none") {
  const encoder = new BatchEncoder({ codec });
  for (const key of keys) encoder.append(1, key, value);
  return encoder.finish();
}

async function refusal(sent: Promise<number>): Promise<unknown> {
  return await sent.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test.each(CODECS)(
  "codec %s: the error lists the records, and nothing is written",
  async (codec) => {
    const { send, partition } = await opened();
    const error = await refusal(send(batchWith(["a", null, "b", null], "v", codec)));
    expect(error).toBeInstanceOf(KeylessRecords);
    expect(error).toMatchObject({ code: "INVALID_RECORD", indexes: [1, 3], count: 2 });
    expect(String(error)).toContain("t-0 is compacted (cleanup.policy=compact)");
    expect(String(error)).toContain(
      "2 records, first 1, of a batch of 4 (counted from 0) have none",
    );
    expect(partition.logEndOffset).toBe(0);
    expect(await send(batchWith(["a", "", "b"], "v", codec))).toBe(0);
  },
);

test("a large batch is opened in steps, also in pieces, and later ones do not overtake it", async () => {
  const { send, partition } = await opened();
  const keys = Array.from({ length: 12_000 }, (_, i) => `${i}`);
  const large = batchWith(keys, "large", "zstd");
  const cut = Math.floor(large.length / 2);
  const before = send(batchWith(["k"], "before"));
  const bad = refusal(send(batchWith([...keys, null], "bad")));
  const inPieces = send(large.subarray(0, cut), large.subarray(cut));
  const after = send(batchWith(["k"], "after"));
  expect(await Promise.all([before, inPieces, after])).toEqual([0, 1, 12_001]);
  expect(await bad).toMatchObject({ indexes: [12_000], count: 1 });
  const read = (offset: number, bytesMax: number) => partition.read(offset, bytesMax);
  const values = recordsFrom(read, 0, partition.highWatermark).map(({ value }) => value);
  expect([values[0], values[1], values.at(-1)]).toEqual(["before", "large", "after"]);
});

test("at most 100 places are listed", async () => {
  const { send } = await opened();
  const error = await refusal(send(batchWith(new Array<null>(150).fill(null))));
  expect(error).toMatchObject({ count: 150 });
  expect((error as KeylessRecords).indexes.length).toBe(100);
});

test("only compacted topics need keys, and a changed policy counts from the next batch on", async () => {
  const { context, send } = await opened({ "cleanup.policy": "delete" });
  const outcome = () => codeOf(() => send(batchWith([null])));
  expect(await outcome()).toBeUndefined();
  await context.registry.alterSettings("t", { "cleanup.policy": "compact,delete" });
  expect(await outcome()).toBe("INVALID_RECORD");
  await context.registry.alterSettings("t", {});
  expect(await outcome()).toBeUndefined();
});

test("a batch that can't be read is refused, small or large", async () => {
  const { send, partition } = await opened();
  for (const count of [1, 12_000]) {
    const batch = batchWith(new Array<string>(count).fill("k"));
    batch[FIELD.records] = 0x7e; // The length of the first record.
    writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
    const error = await refusal(send(batch));
    expect(error).toBeInstanceOf(RustLogError);
    expect(error).toMatchObject({ code: "INVALID_RECORD" });
    expect(String(error)).toContain("batch: record at offset 0");
  }
  expect(partition.logEndOffset).toBe(0);
});
