// A batch as one line of text.
import { expect, test } from "bun:test";
import { describeBatch } from "../../src/inspection/batch-description.js";
import { batchLine } from "../../src/inspection/batch-line.js";
import { BATCH_HEADER_BYTES, FIELD } from "../../src/record/batch.js";
import { writeI32, writeI64 } from "../../src/record/bytes.js";
import { stampLogAppendTime } from "../../src/record/log-append-time.js";
import { sampleBatch, START_MS } from "./sample.js";

function lineOf(batch: Uint8Array): string {
  return batchLine(describeBatch(batch, 0, 0), "ok");
}

test("a batch is shown with its timestamps", () => {
  const line = lineOf(sampleBatch(["a", "b"], START_MS));
  expect(line).toContain("2023-11-14T22:13:20.000Z +1 ms");
});

test("a batch with LogAppendTime is shown with that time alone", () => {
  const batch = sampleBatch(["a", "b"], START_MS).slice();
  stampLogAppendTime([batch], START_MS + 5_000);
  expect(lineOf(batch)).toContain("none    2023-11-14T22:13:25.000Z appended  ");
});

test("a batch without records has no timestamps to show", () => {
  const batch = sampleBatch(["a", "b"], START_MS).slice(0, BATCH_HEADER_BYTES);
  writeI32(batch, FIELD.recordCount, 0);
  writeI64(batch, FIELD.baseTimestamp, -1);
  writeI64(batch, FIELD.maxTimestamp, -1);
  expect(lineOf(batch).split(/ {2,}/).slice(3)).toEqual(["0-1", "0", "ok", "none", "-", "-"]);
});
