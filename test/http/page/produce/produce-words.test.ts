// What the produce view says in words, and what its fields come to.
import { describe, expect, test } from "bun:test";
import {
  bytesOf,
  choiceText,
  newTopicText,
  partitionHint,
  sizeText,
  timestampOf,
  topicHint,
} from "../../../../src/http/page/produce/produce-words.js";
import type { ProduceReport } from "../../../../src/http/page/produce/produce-wire.js";

test("fields are read as text, hexadecimal, base64 or null", () => {
  expect(["text", "hex", "base64", "null"].map((reading) => bytesOf("00", reading))).toEqual([
    ...["00", { hex: "00" }, { base64: "00" }, null],
  ]);
});

test("fields are read as numbers and UUIDs, and refused if they are none", () => {
  expect(bytesOf("123", "int32")).toEqual({ hex: "0000007b" });
  expect(bytesOf("-2", "int64")).toEqual({ hex: "fffffffffffffffe" });
  expect(bytesOf("123e4567-e89b-12d3-a456-426614174000", "uuid")).toEqual({
    hex: "123e4567e89b12d3a456426614174000",
  });
  expect(() => bytesOf("12.5", "int32")).toThrow("'12.5' is not int32: expected a whole number");
});

test("the size of a request says when it is too long", () => {
  expect(sizeText(1536)).toBe("1.5 KiB of 1 MiB");
  expect(sizeText(1024 * 1024)).toBe("1 MiB of 1 MiB");
  expect(sizeText(2 * 1024 * 1024)).toStartWith("2 MiB of 1 MiB: too long");
});

test("a timestamp is milliseconds or a date, and in UTC unless it says otherwise", () => {
  expect(timestampOf("  ")).toBeUndefined();
  expect(timestampOf("1700000000123")).toBe(1_700_000_000_123);
  expect(timestampOf("2026-07-01 12:00")).toBe(new Date(2026, 6, 1, 12).getTime());
  expect(timestampOf("2026-07-01T12:00+02:00")).toBe(Date.UTC(2026, 6, 1, 10));
  expect(() => timestampOf("soon")).toThrow("expected a time such as");
});

describe("the partition of a record", () => {
  test("is said before it is sent", () => {
    expect(partitionHint("", "21", undefined)).toBe("");
    expect(partitionHint("", null, 1)).toBe("the topic has only partition 0");
    expect(partitionHint("", null, 10)).toBe("without a key, one of 10 partitions");
    expect(partitionHint("", { base64: "AA==" }, 10)).toBe("by the key, one of 10 partitions");
    expect(partitionHint("", { hex: "0" }, 10)).toBe("by the key, one of 10 partitions");
    expect(partitionHint("", { hex: "32 31" }, 10)).toBe("by the key: partition 0 of 10");
    // As in Kafka's clients: see test/record/key-partition.test.ts.
    expect(partitionHint("", "21", 10)).toBe("by the key: partition 0 of 10");
    expect(partitionHint("9", "21", 10)).toBe("");
    expect(partitionHint("10", "21", 10)).toBe("the topic has partitions 0 to 9");
  });

  test("is said with the reason", () => {
    const report = { partition: 3, partitions: 4 } as ProduceReport;
    const said = (chosenBy: ProduceReport["chosenBy"]) => choiceText({ ...report, chosenBy });
    expect(said("order")).toBe("partition 3 of 4, as you chose");
    expect(said("key")).toBe("partition 3 of 4, chosen by the key");
    expect(said("chance")).toBe("partition 3 of 4, chosen at random because the record has no key");
    const only = { ...report, partition: 0, partitions: 1, chosenBy: "key" as const };
    expect(choiceText(only)).toBe("partition 0, the only one");
  });
});

test("a topic that is missing, or needs keys, is pointed out beforehand", () => {
  expect(topicHint("", undefined, true)).toBe("");
  expect(topicHint("ordres", undefined, true)).toBe("there is no such topic");
  // It may be one of those that the page does not know.
  expect(topicHint("ordres", undefined, false)).toBe("");
  expect(topicHint("orders", { cleanup: "delete" }, true)).toBe("");
  expect(topicHint("orders", { cleanup: "compact,delete" }, true)).toStartWith("compacted");
});

test("a topic that a record would create is described", () => {
  expect(newTopicText("ordres", 1)).toBe(
    "There is no topic ordres. It would be created with 1 partition and the broker's default settings.",
  );
});
