// Sizes, durations, numbers, partitions, flush policies and offset ranges as people write them.
import { describe, expect, test } from "bun:test";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import fc from "fast-check";
import { banner, parseFlushPolicy } from "../../src/cli/broker.js";
import { parseDuration, parseDurationOrNone } from "../../src/cli/duration.js";
import { nameValueList, partitionList, wholeNumber } from "../../src/cli/numbers.js";
import { parseOffset, parseOffsetRange } from "../../src/cli/offset-range.js";
import { tryParseTime } from "../../src/offset-place.js";
import { settingList } from "../../src/cli/setting-list.js";
import { topicPartitionsList } from "../../src/cli/topic-partitions.js";
import { formatSize, parseSize, parseSizeOrNone, sizeBetween } from "../../src/cli/size.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

function refusesAll(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) {
    expect(() => parse(text), JSON.stringify(text)).toThrow(InvalidArgumentError);
  }
}

describe("sizes", () => {
  test("units of 1024, units of 1000, and fractions of them", () => {
    expect(parseSize("4096")).toBe(4096);
    expect(parseSize("64KiB")).toBe(65_536);
    expect(parseSize("1m")).toBe(1_048_576);
    expect(parseSize("1.5 MiB")).toBe(1_572_864);
    expect(parseSize("10MB")).toBe(10_000_000);
    expect(parseSize("2g")).toBe(2 ** 31);
    expect(parseSizeOrNone("none")).toBe(-1);
    expect(parseSizeOrNone("-1")).toBe(-1);
  });

  test("anything else is refused", () => {
    refusesAll(parseSize, ["", "k", "-1", "1x", "1e3", "0.3", "0x10", "1 2", "99999999t", "1.m"]);
    refusesAll(sizeBetween(10, 20), ["9", "21"]);
    expect(sizeBetween(10, 20)("20")).toBe(20);
  });

  test("any whole number of bytes is accepted", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (n) => parseSize(String(n)) === n));
  });

  test("sizes are formatted with three digits", () => {
    expect([0, 999, 1000, 98_300_000, 999_999].map(formatSize)).toEqual([
      "0 B",
      "999 B",
      "1.00 kB",
      "98.3 MB",
      "1.00 MB",
    ]);
  });
});

describe("durations", () => {
  test("one unit, several units, and a bare number of milliseconds", () => {
    expect(parseDuration("250")).toBe(250);
    expect(parseDuration("250ms")).toBe(250);
    expect(parseDuration("1h30m")).toBe(5_400_000);
    expect(parseDuration("0.5s")).toBe(500);
    expect(parseDuration("7d")).toBe(604_800_000);
    expect(parseDurationOrNone("none")).toBe(-1);
  });

  test("anything else is refused", () => {
    refusesAll(parseDuration, ["", "m", "-5s", "5 m", "5y", "1h30", "9999999999999999999", "1.5"]);
  });
});

describe("numbers and lists", () => {
  test("whole numbers within their range are accepted, anything else is refused", () => {
    const parse = wholeNumber(1, 10);
    expect([parse("1"), parse("10"), parse("007")]).toEqual([1, 10, 7]);
    refusesAll(parse, ["0", "11", "-1", "1.0", "", " 1", "1e1", "0x1", "NaN"]);
  });

  test("partitions from several uses are merged, sorted, without duplicates", () => {
    expect(partitionList("2,0")).toEqual([0, 2]);
    expect(partitionList("1,2", [0, 2])).toEqual([0, 1, 2]);
    refusesAll((text) => partitionList(text), ["", "a", "1,,2", "-1", "4294967296"]);
  });

  test("a header value may contain an equals sign; a header name is required", () => {
    expect(nameValueList("a=b=c", [["x", "y"]])).toEqual([
      ["x", "y"],
      ["a", "b=c"],
    ]);
    expect(nameValueList("a=")).toEqual([["a", ""]]);
    refusesAll((text) => nameValueList(text), ["", "a", "=b"]);
  });

  test("flush policies", () => {
    expect(parseFlushPolicy("always")).toEqual({ kind: "always" });
    expect(parseFlushPolicy("never")).toEqual({ kind: "never" });
    expect(parseFlushPolicy("interval:50")).toEqual({ kind: "interval", ms: 50 });
    expect(parseFlushPolicy("interval:1s")).toEqual({ kind: "interval", ms: 1000 });
    refusesAll(parseFlushPolicy, [
      "",
      "interval",
      "interval:",
      "interval:0",
      "interval:x",
      "Always",
    ]);
  });
});

describe("settings of a topic", () => {
  const settingOf = (text: string) => settingList(text)[0]![1];

  test("durations and sizes may have units", () => {
    expect(settingOf("retention.ms=1d")).toBe("86400000");
    expect(settingOf("segment.ms=1h30m")).toBe("5400000");
    expect(settingOf("retention.bytes=1GiB")).toBe("1073741824");
    expect(settingOf("segment.bytes=64k")).toBe("65536");
    expect(settingOf("retention.ms=none")).toBe("-1");
    expect(settingOf("retention.bytes=-1")).toBe("-1");
    expect(settingOf("retention.ms=604800000")).toBe("604800000");
  });

  test("anything else is passed on unchanged, in the order of the command line", () => {
    expect(settingOf("retention.ms=soon")).toBe("soon");
    expect(settingOf("unknown=1d")).toBe("1d");
    expect(settingList("b=2", settingList("a=1"))).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    refusesAll(settingList, ["x", "=1"]);
  });
});

describe("offset ranges", () => {
  const range = (text: string) => parseOffsetRange(text, NOW);

  test("every kind of place, alone and as a range", () => {
    expect(range("earliest")).toEqual({ start: "earliest", end: undefined });
    expect(range("latest")).toEqual({ start: "latest", end: undefined });
    expect(range("42")).toEqual({ start: 42, end: undefined });
    expect(range("-10")).toEqual({ start: { fromEnd: 10 }, end: undefined });
    expect(range("5:9")).toEqual({ start: 5, end: 9 });
    expect(range("-10:-2")).toEqual({ start: { fromEnd: 10 }, end: { fromEnd: 2 } });
    expect(range(":100")).toEqual({ start: "earliest", end: 100 });
    expect(range("@1700000000000:latest")).toEqual({
      start: { timestamp: 1_700_000_000_000 },
      end: "latest",
    });
    expect(range("@-10m")).toEqual({ start: { timestamp: NOW - 600_000 }, end: undefined });
    expect(range("@-1h30m:@-10s")).toEqual({
      start: { timestamp: NOW - 5_400_000 },
      end: { timestamp: NOW - 10_000 },
    });
  });

  test("the names that other tools use for both ends", () => {
    expect(range("beginning:end")).toEqual({ start: "earliest", end: "latest" });
    expect(range("start")).toEqual({ start: "earliest", end: undefined });
    expect(parseOffset("end")).toBe("latest");
  });

  test("ranges that are always empty, and times without a date, are refused", () => {
    const empty = ["5:3", "latest:earliest", "latest:-1", "-2:-5", "7:earliest", "@-1h:@-2h"];
    refusesAll(range, [...empty, ":earliest", "end:beginning"]);
    refusesAll(range, ["@10:00", "@1:30", "@10:00:00", "5:@10:00", "@10:00:5"]);
    for (const text of [
      "5:5",
      "3:5",
      "latest:latest",
      "latest:9",
      "-5:-2",
      "0:@-1h",
      "@-2h:@-1h",
    ]) {
      expect(() => range(text), text).not.toThrow();
    }
  });

  test("colons in a time of day do not split a range", () => {
    const ms = Date.UTC(2026, 0, 2, 10, 30, 15);
    expect(range("@2026-01-02T10:30:15Z")).toEqual({ start: { timestamp: ms }, end: undefined });
    expect(range("@2026-01-02T12:30:15+02:00").start).toEqual({ timestamp: ms });
    expect(range("@2026-01-02T12:30:15+0200:7")).toEqual({ start: { timestamp: ms }, end: 7 });
    expect(range("@2026-01-02T10:30Z:@2026-01-02T10:30:15Z")).toEqual({
      start: { timestamp: ms - 15_000 },
      end: { timestamp: ms },
    });
  });

  test("without a zone, dates and times are local", () => {
    expect(tryParseTime("2026-01-02", NOW)).toBe(new Date(2026, 0, 2).getTime());
    expect(tryParseTime("2026-01-02T10:30", NOW)).toBe(new Date(2026, 0, 2, 10, 30).getTime());
    expect(tryParseTime("2026-01-02 10:30:15.250", NOW)).toBe(
      new Date(2026, 0, 2, 10, 30, 15, 250).getTime(),
    );
  });

  test("property: any instant that Date prints is parsed", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }),
        (date) => {
          expect(parseOffset(`@${date.toISOString()}`)).toEqual({ timestamp: date.getTime() });
        },
      ),
    );
  });

  test("anything else is refused", () => {
    const texts = ["", ":", "5:", "a", "5:b", "1.5", "--5", "+5", "@", "@x", "@-", "@-5y"];
    refusesAll(range, texts);
    refusesAll(range, [
      "1:2:3",
      "@2026-13-01",
      "@2026-02-30",
      "@2026-01-02T25:00",
      "99999999999999999999",
      "EARLIEST",
    ]);
  });

  test("property: any text is either parsed or refused with a message", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseOffsetRange(text, NOW);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError);
        }
      }),
    );
  });
});

test("the banner matches the original character for character", () => {
  expect(banner()).toBe(`╔═══════════════════════════════════════╗
║        RustLog Broker v0.1.0          ║
║     Kafka-lite Distributed Log        ║
╚═══════════════════════════════════════╝`);
});

describe("topics and partitions", () => {
  test("a topic, some of its partitions, and the same topic twice", () => {
    const parse = (...texts: string[]) =>
      texts.reduce<ReturnType<typeof topicPartitionsList>>(
        (list, text) => topicPartitionsList(text, list),
        [],
      );
    expect(parse("a", "b:2,0")).toEqual([
      { topic: "a", partitions: undefined },
      { topic: "b", partitions: [0, 2] },
    ]);
    expect(parse("a:3", "a:1,3")).toEqual([{ topic: "a", partitions: [1, 3] }]);
    expect(parse("a", "a:1")).toEqual([{ topic: "a", partitions: undefined }]);
    expect(parse("a:1", "a")).toEqual([{ topic: "a", partitions: undefined }]);
  });

  test("anything else is refused", () => {
    refusesAll(
      (text) => topicPartitionsList(text),
      ["", ":1", "a:", "a:x", "a:1,", "a:-1", "a:1:2"],
    );
  });
});
