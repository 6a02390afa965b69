// What a list of batches says about how much of the segment it shows.
import { expect, test } from "bun:test";
import { listedWords } from "../../../../src/http/page/log/batch-words.js";

const PART = { count: 50, bytes: 5000, first: 0, segmentBytes: 1_234_000, isAtEnd: false };

test("a part of a segment does not look complete", () => {
  expect(listedWords(PART)).toBe("50 of about 12,000 batches");
  expect(listedWords({ ...PART, first: 4096 })).toBe(
    "50 of about 12,000 batches from position 4,096",
  );
  // Also where the last batches are small, and the estimate is too low.
  expect(listedWords({ ...PART, segmentBytes: 5001 })).toBe("50 of about 51 batches");
  expect(listedWords({ ...PART, first: 1, isAtEnd: true, segmentBytes: 5001 })).toBe(
    "50 of about 51 batches from position 1",
  );
});

test("a whole segment is counted", () => {
  expect(listedWords({ ...PART, isAtEnd: true })).toBe("50 batches");
  expect(listedWords({ ...PART, count: 0, bytes: 0, isAtEnd: true })).toBe("no batch listed");
  expect(listedWords({ ...PART, count: 0, bytes: 0, segmentBytes: 0 })).toBe("nothing written yet");
});
